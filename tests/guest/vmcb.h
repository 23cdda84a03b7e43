/* SPDX-License-Identifier: MIT */
/* The virtual machine control block of SVM, as far as the guest hypervisor uses it.
 * [APM2 "Layout of VMCB"] */
#ifndef GUEST_VMCB_H
#define GUEST_VMCB_H

#include "x86.h"

/* [APM2 "VMCB Layout, Control Area"], intercept vectors 3 and 4. */
#define INTERCEPT_CPUID    BIT(18)
#define INTERCEPT_HLT      BIT(24)
#define INTERCEPT_IOIO     BIT(27)
#define INTERCEPT_SHUTDOWN BIT(31)
#define INTERCEPT_VMRUN    BIT(0) /* VMRUN refuses a VMCB without it */
#define INTERCEPT_VMMCALL  BIT(1)

#define NESTED_PAGING_ENABLE BIT(0)

struct vmcb_control {
    uint32_t intercept_cr;
    uint32_t intercept_dr;
    uint32_t intercept_exceptions;
    uint32_t intercept_3; /* INTERCEPT_CPUID to INTERCEPT_SHUTDOWN */
    uint32_t intercept_4; /* INTERCEPT_VMRUN, INTERCEPT_VMMCALL */
    uint8_t reserved_014[0x2c];
    uint64_t iopm_base_pa;
    uint64_t msrpm_base_pa;
    uint64_t tsc_offset;
    uint32_t guest_asid;
    uint32_t tlb_control;
    uint64_t virtual_interrupt;
    uint64_t interrupt_shadow;
    uint64_t exit_code;
    uint64_t exit_info_1;
    uint64_t exit_info_2;
    uint64_t exit_int_info;
    uint64_t nested_paging;
    uint8_t reserved_098[0x10];
    uint64_t event_injection;
    uint64_t nested_cr3;
    uint8_t reserved_0b8[0x348];
};

/* [APM2 "VMCB Layout, State Save Area"] */
struct vmcb_segment {
    uint16_t selector;
    uint16_t attributes; /* bits 55:52 and 47:40 of the descriptor */
    uint32_t limit;
    uint64_t base;
};
#define SEGMENT_CODE64 0xa9b
#define SEGMENT_DATA   0xc93

struct vmcb_save {
    struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint8_t reserved_0a0[0x2b];
    uint8_t cpl;
    uint32_t reserved_0cc;
    uint64_t efer;
    uint8_t reserved_0d8[0x70];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
    uint8_t reserved_180[0x58];
    uint64_t rsp;
    uint8_t reserved_1e0[0x18];
    uint64_t rax;
    uint8_t reserved_200[0x68];
    uint64_t g_pat;
    uint8_t reserved_270[0x990];
};

struct vmcb {
    struct vmcb_control control;
    struct vmcb_save save;
};

_Static_assert(offsetof(struct vmcb, control.iopm_base_pa) == 0x40, "");
_Static_assert(offsetof(struct vmcb, control.exit_code) == 0x70, "");
_Static_assert(offsetof(struct vmcb, control.nested_cr3) == 0xb0, "");
_Static_assert(offsetof(struct vmcb, save) == 0x400, "");
_Static_assert(offsetof(struct vmcb, save.cpl) == 0x4cb, "");
_Static_assert(offsetof(struct vmcb, save.cr4) == 0x548, "");
_Static_assert(offsetof(struct vmcb, save.rsp) == 0x5d8, "");
_Static_assert(offsetof(struct vmcb, save.rax) == 0x5f8, "");
_Static_assert(offsetof(struct vmcb, save.g_pat) == 0x668, "");
_Static_assert(sizeof(struct vmcb) == 0x1000, "");

/* [APM2 "SVM Intercept Exit Codes"] */
#define VMEXIT_CPUID   0x72
#define VMEXIT_HLT     0x78
#define VMEXIT_IOIO    0x7b
#define VMEXIT_VMMCALL 0x81
#define VMEXIT_NPF     0x400

/* EXITINFO1 of VMEXIT_IOIO. [APM2 "IN/OUT Intercepts"] */
#define IOIO_PORT_SHIFT 16

/* A bit a port; three bits more for an access of four bytes at the last one. */
#define IOPM_BYTES  (3 * PAGE_BYTES)
#define MSRPM_BYTES (2 * PAGE_BYTES)

#endif
