/* SPDX-License-Identifier: MIT */
/*
 * The port by which VMware's guests talk to their host: registers in, registers out. Whoever has
 * the vCPU reads and sets its registers: see vm/backdoor.c.
 */
#ifndef VHV_DEVICE_BACKDOOR_H
#define VHV_DEVICE_BACKDOOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
    VHV_BACKDOOR_PORT = 0x5658, /* commands; the next port is for messages of many bytes */
    VHV_BACKDOOR_PORTS = 5,     /* an access of 4 bytes to either lies within them */
    VHV_BACKDOOR_MAGIC = 0x564d5868,
    VHV_BACKDOOR_UUID_BYTES = 16
};

/* What a command gets, and answers in, 32 bits each: the upper half of an answer is 0. */
struct vhv_backdoor_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi;
};

/* What there is to tell, at the time of one command. Zero: it is not known, and the command that
 * asks for it is not supported. */
struct vhv_backdoor_facts {
    uint64_t memory_bytes;
    uint32_t tsc_khz;
    uint32_t apic_bus_hz;
    uint32_t hardware_version;
    const uint8_t *uuid; /* VHV_BACKDOOR_UUID_BYTES */
    bool has_x2apic;     /* that works without remapping of interrupts */
    struct timespec now;
    bool is_nested; /* the inner guest asks */
};

struct vhv_backdoor {
    bool stays_restricted; /* no guest can open it */
    atomic_bool restricted;
};

/* Restricted or open from the start. */
void vhv_backdoor_init(struct vhv_backdoor *backdoor, bool restricted);

/*
 * Answers one command, of a read of 4 bytes: @registers are those before it, and become those after
 * it. What is no command to this device leaves them as they are but for EAX, which is all ones, as
 * where there is no device. May be called by several threads at once.
 */
void vhv_backdoor_answer(struct vhv_backdoor *backdoor, const struct vhv_backdoor_facts *facts,
                         struct vhv_backdoor_registers *registers);

#endif
