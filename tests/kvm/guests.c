/* SPDX-License-Identifier: MIT */
#include "guests.h"

#include <unistd.h>

uint32_t count_of(struct machine *machine)
{
    uint64_t value = 0;

    vhv_memory_read_le(vhv_vm_memory(machine->vm), COUNTER, 4, &value);
    return (uint32_t)value;
}

uint32_t wait_for_count(struct machine *machine, uint32_t beyond)
{
    uint32_t count;

    while ((count = count_of(machine)) <= beyond)
        usleep(1000);
    return count;
}
