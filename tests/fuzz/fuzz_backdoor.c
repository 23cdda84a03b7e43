/* SPDX-License-Identifier: MIT */
/* Any sequence of commands, in any registers, from either level: answers are the documented ones.
 */
#include <stdbool.h>
#include <string.h>

#include "device/backdoor.h"
#include "fuzz.h"

/* One access, as the input has it. */
struct access {
    struct vhv_backdoor_registers registers;
    uint8_t has_magic; /* else RAX is as it is */
    uint8_t is_nested;
    uint8_t knows; /* bits: which of the facts are known */
    int64_t seconds;
    uint32_t nanoseconds;
};

enum { KNOWS_MEMORY = 1, KNOWS_TSC = 2, KNOWS_VERSION = 4, KNOWS_UUID = 8, KNOWS_X2APIC = 16 };

enum { RAX = 1, RBX = 2, RCX = 4, RDX = 8, RSI = 16, RDI = 32 };

/* Which registers a command may change. */
static unsigned may_change(uint32_t command)
{
    switch (command) {
    case 10:
        return RAX | RBX | RCX;
    case 19:
    case 23:
        return RAX | RBX | RCX | RDX;
    case 30:
        return RAX | RCX;
    case 45:
        return RAX | RBX | RCX;
    case 46:
        return RBX | RCX | RDX | RSI;
    case 55:
        return RBX | RCX | RDX | RSI | RDI;
    case 63:
        return RAX | RBX;
    default:
        return RAX;
    }
}

static void check_register(uint64_t before, uint64_t after, bool may)
{
    fuzz_assert(after == before || (may && after <= UINT32_MAX));
}

static void check_registers(const struct vhv_backdoor_registers *before,
                            const struct vhv_backdoor_registers *after, unsigned may)
{
    check_register(before->rax, after->rax, may & RAX);
    check_register(before->rbx, after->rbx, may & RBX);
    check_register(before->rcx, after->rcx, may & RCX);
    check_register(before->rdx, after->rdx, may & RDX);
    check_register(before->rsi, after->rsi, may & RSI);
    check_register(before->rdi, after->rdi, may & RDI);
}

static void check_access(struct vhv_backdoor *backdoor, bool restricted_for_good,
                         const struct access *access)
{
    static const uint8_t uuid[VHV_BACKDOOR_UUID_BYTES] = {0xff, 0xff, 0xff, 0xff};
    const struct vhv_backdoor_facts facts = {
        .memory_bytes = access->knows & KNOWS_MEMORY ? (uint64_t)access->seconds : 0,
        .tsc_khz = access->knows & KNOWS_TSC ? access->nanoseconds : 0,
        .apic_bus_hz = access->nanoseconds,
        .hardware_version = access->knows & KNOWS_VERSION ? 9 : 0,
        .uuid = access->knows & KNOWS_UUID ? uuid : NULL,
        .has_x2apic = access->knows & KNOWS_X2APIC,
        .now = {access->seconds, access->nanoseconds % 1000000000},
        .is_nested = access->is_nested & 1,
    };
    struct vhv_backdoor_registers before = access->registers, after;
    bool was_restricted = atomic_load(&backdoor->restricted);

    if (access->has_magic & 1)
        before.rax = VHV_BACKDOOR_MAGIC;
    after = before;
    vhv_backdoor_answer(backdoor, &facts, &after);
    if ((uint32_t)before.rax != VHV_BACKDOOR_MAGIC || (facts.is_nested && was_restricted)) {
        fuzz_assert(after.rax == UINT32_MAX);
        check_registers(&before, &after, RAX);
    } else {
        check_registers(&before, &after, may_change(before.rcx & 0xffff));
    }
    if (restricted_for_good)
        fuzz_assert(atomic_load(&backdoor->restricted));
    if (facts.is_nested)
        fuzz_assert(atomic_load(&backdoor->restricted) == was_restricted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vhv_backdoor backdoor;
    struct access access;
    bool restricted;

    if (size == 0)
        return 0;
    restricted = *data++ & 1;
    size--;
    vhv_backdoor_init(&backdoor, restricted);
    for (; size >= sizeof(access); data += sizeof(access), size -= sizeof(access)) {
        memcpy(&access, data, sizeof(access));
        check_access(&backdoor, restricted, &access);
    }
    return 0;
}
