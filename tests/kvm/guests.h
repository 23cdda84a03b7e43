/* SPDX-License-Identifier: MIT */
/* The guests of guests.S, and what they and the tests agree on. */
#ifndef VHV_TESTS_GUESTS_H
#define VHV_TESTS_GUESTS_H

#define PORT_1     0x10 /* accesses of one byte, */
#define PORT_2     0x12 /* of two, */
#define PORT_4     0x14 /* of four */
#define PORT_READY 0x18 /* the guest is ready for what it waits for */

#define RESULT       0x800  /* 8 bytes, where a guest leaves what it read */
#define COUNTER      0x900  /* 4 bytes */
#define MMIO_SEGMENT 0xb000 /* no memory is there */
#define MMIO_GPA     0xb0000
#define ROM          0x8000
#define TOUCHED_1    0x5000
#define TOUCHED_2    0x9000
#define VECTOR       0x40
#define PIC_LINE     5

#ifndef __ASSEMBLER__
#include "../support/machine.h"

#define GUEST(name) extern const uint8_t guest_##name[], guest_##name##_end[]
GUEST(halt);
GUEST(out);
GUEST(in);
GUEST(string_out);
GUEST(string_in);
GUEST(straddle);
GUEST(mmio_write);
GUEST(mmio_read);
GUEST(write_rom);
GUEST(touch);
GUEST(spin);
GUEST(count);
GUEST(interrupt);
GUEST(nmi);
GUEST(pic);
GUEST(pit);
GUEST(doorbells);
GUEST(triple_fault);
GUEST(backdoor);
GUEST(backdoor_string);
#undef GUEST

#define CODE(name) ((struct code){guest_##name, guest_##name##_end})

/* How far the guest "spin" has counted; may be called on any thread. */
uint32_t count_of(struct machine *machine);
/* Waits until it has counted further, and returns how far. */
uint32_t wait_for_count(struct machine *machine, uint32_t beyond);
#endif

#endif
