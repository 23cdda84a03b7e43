/* SPDX-License-Identifier: MIT */
/*
 * What the nested guest and the program that runs it agree on.
 *
 * The guest is one flat image, to be loaded at GUEST_LOAD_GPA into a VM that has
 * GUEST_MEMORY_BYTES of RAM at 0, and entered at its first byte in flat 32-bit protected mode
 * without paging. It reads struct guest_parameters at GUEST_PARAMETERS_GPA, does what they ask for,
 * reports through the ports below, and ends with a write to GUEST_PORT_END.
 *
 * In the modes that nest it is two guests in one: the guest hypervisor, which finds SVM or VMX by
 * CPUID and turns it on, and the inner guest that it runs, which shares its memory. Both report; a
 * program tells them apart by vhv_vcpu_is_nested().
 */
#ifndef GUEST_PROTOCOL_H
#define GUEST_PROTOCOL_H

#ifdef __STDC_HOSTED__
#include <stdint.h>
#endif

#define GUEST_MEMORY_BYTES   0x800000
#define GUEST_PARAMETERS_GPA 0x10000
#define GUEST_LOAD_GPA       0x100000

/* With nested paging, the inner guest's page at REMAPPED is the guest hypervisor's page at BACKING,
 * and the one at ABSENT is not there until the inner guest touches it. */
#define GUEST_PAGE_BYTES   0x200000
#define GUEST_REMAPPED_GPA 0x200000
#define GUEST_BACKING_GPA  0x400000
#define GUEST_ABSENT_GPA   0x600000
/* What the guest hypervisor writes to the first two before it enters the inner guest. */
#define GUEST_REMAPPED_VALUE 0x1122334455667788
#define GUEST_BACKING_VALUE  0x99aabbccddeeff00

/* No memory is here: an access is an MMIO exit. The guest's page tables map it. */
#define GUEST_MMIO_GPA 0x30000000

/*
 * Ports. A report is a tag and a value of 64 bits, by three writes of 4 bytes in this order; the
 * last one makes it complete. The others are written and read by what their mode says.
 */
#define GUEST_PORT_TAG         0x1500
#define GUEST_PORT_VALUE_LOW   0x1504
#define GUEST_PORT_VALUE_HIGH  0x1508
#define GUEST_PORT_END         0x150c /* 4 bytes: enum guest_status */
#define GUEST_PORT_INNER       0x1510 /* 4 bytes, the inner guest's, not intercepted */
#define GUEST_PORT_INTERCEPTED 0x1514 /* 4 bytes, the inner guest's, never seen by the program */
#define GUEST_PORT_BENCH       0x1518 /* 4 bytes */

/* VMware's backdoor. */
#define GUEST_BACKDOOR_PORT  0x5658
#define GUEST_BACKDOOR_MAGIC 0x564d5868
/* What the guest hypervisor answers to its inner guest, in EAX; EBX is left alone. */
#define GUEST_BACKDOOR_OWN_VERSION 0x4f574e

/* The inner guest writes this to GUEST_PORT_INNER, then reads an answer of 4 bytes from there. */
#define GUEST_INNER_VALUE 0x494e4e52
/* It writes this to GUEST_PORT_INTERCEPTED. */
#define GUEST_INTERCEPTED_VALUE 0x50415353
/* The hypervisor leaf that the guest hypervisor answers with its own signature. */
#define GUEST_CPUID_LEAF      0x40000000
#define GUEST_CPUID_SIGNATURE "InnerVhvTest"
/* Number of the inner guest's hypercall, and what the guest hypervisor adds to its argument. */
#define GUEST_HYPERCALL          0x48434c4c
#define GUEST_HYPERCALL_ARGUMENT 0x1000
#define GUEST_HYPERCALL_ADDS     0x234

enum guest_mode {
    GUEST_NESTED = 1, /* run the inner guest through everything; flag: GUEST_NESTED_PAGING */
    GUEST_INNER_SPIN, /* the inner guest counts at GUEST_SPIN_GPA for ever, interrupts enabled */
    GUEST_SPIN,       /* the same without a guest hypervisor */
    GUEST_PROBE,      /* try to use SVM or VMX, by the processor's vendor, and report exceptions */
    GUEST_READ_CPUID, /* fill in parameters.cpuid[0] to [count - 1] */
    GUEST_READ_MSRS,  /* fill in parameters.msrs[0] to [count - 1] */
    GUEST_BACKDOOR,   /* ask the backdoor what parameters.backdoor says, from both levels; flag:
                         GUEST_INTERCEPT_BACKDOOR */
    GUEST_VMWARE,     /* look for VMware's hypervisor, without a guest hypervisor */
    GUEST_WRITE_MSRS, /* write their values, and fill in their vectors */
    /* The same thing @count times, after the report GUEST_TAG_BENCH: */
    GUEST_BENCH_PORT,        /* OUT to GUEST_PORT_BENCH */
    GUEST_BENCH_MMIO,        /* write of 4 bytes to GUEST_MMIO_GPA */
    GUEST_BENCH_CPUID,       /* CPUID */
    GUEST_BENCH_INNER_CPUID, /* the inner guest's CPUID; flag: GUEST_NESTED_PAGING */
    GUEST_BENCH_INNER_PORT   /* the inner guest's OUT to GUEST_PORT_BENCH; flag as above */
};

enum guest_flags {
    GUEST_NESTED_PAGING = 1,
    GUEST_INTERCEPT_BACKDOOR = 2 /* the guest hypervisor answers the inner guest's backdoor */
};

/* The counter of GUEST_SPIN and GUEST_INNER_SPIN, 8 bytes. */
#define GUEST_SPIN_GPA 0x8000

struct guest_cpuid {
    uint32_t leaf, subleaf; /* set by the program */
    uint32_t eax, ebx, ecx, edx;
};

struct guest_msr {
    uint32_t index;  /* set by the program */
    uint32_t vector; /* GUEST_NO_EXCEPTION, or the exception that it raised */
    uint64_t value;
};

#define GUEST_NO_EXCEPTION 0xffffffff

/* Commands for ECX, in the order in which they are asked; EBX is GUEST_BACKDOOR_EBX before. */
struct guest_backdoor {
    uint32_t hypervisor_first; /* by the guest hypervisor, before it runs the inner guest */
    uint32_t inner;            /* by the inner guest */
    uint32_t hypervisor_last;  /* by the guest hypervisor, after that */
};

#define GUEST_BACKDOOR_EBX 0xffffffff

struct guest_parameters {
    uint32_t mode;
    uint32_t flags;
    uint32_t count;
    uint32_t reserved;
    union {
        struct guest_cpuid cpuid[256];
        struct guest_msr msrs[256];
        struct guest_backdoor backdoor;
    };
};

enum guest_status {
    GUEST_DONE = 0,
    GUEST_EXCEPTION,           /* unexpected: reported are vector, error, RIP and address */
    GUEST_UNEXPECTED_EXIT,     /* of the inner guest: reported are its code and details */
    GUEST_NO_EXTENSION,        /* CPUID shows neither SVM nor VMX */
    GUEST_VMX_NOT_PERMITTED,   /* IA32_FEATURE_CONTROL is unlocked or does not permit VMXON */
    GUEST_NO_NESTED_PAGING,    /* nested paging was asked for and is not offered */
    GUEST_INSTRUCTION_REFUSED, /* VMXON, VMCLEAR, VMPTRLD or VMLAUNCH; reported is its error */
    GUEST_BAD_PARAMETERS
};

enum guest_tag {
    /* The guest hypervisor's, in the order in which they come. */
    GUEST_TAG_EXTENSION = 0x100, /* enum guest_extension */
    GUEST_TAG_FEATURE_CONTROL,   /* VMX: IA32_FEATURE_CONTROL */
    GUEST_TAG_ENABLED,           /* SVM: EFER, VMX: CR4, after it was turned on */
    GUEST_TAG_NESTED_ROOT,       /* NCR3 or EPT pointer, 0 without nested paging */
    GUEST_TAG_CPUID_EXIT,        /* the leaf */
    GUEST_TAG_PORT_EXIT,         /* the port << 32 | the value */
    GUEST_TAG_PAGE_FAULT_EXIT,   /* the inner guest's physical address */
    GUEST_TAG_HYPERCALL_EXIT,    /* the number */
    GUEST_TAG_HLT_EXIT,          /* 0 */
    GUEST_TAG_EXITS,             /* number of the inner guest's exits */
    GUEST_TAG_BENCH,             /* number of repetitions; also by the inner guest */

    /* The inner guest's, in the order in which they come. */
    GUEST_TAG_INNER_SIGNATURE = 0x200, /* EBX | ECX << 32 of GUEST_CPUID_LEAF */
    GUEST_TAG_INNER_ANSWER,            /* what it read from GUEST_PORT_INNER */
    GUEST_TAG_INNER_REMAPPED,          /* 8 bytes at GUEST_REMAPPED_GPA */
    GUEST_TAG_INNER_ABSENT,            /* 8 bytes at GUEST_ABSENT_GPA, read back after a write */
    GUEST_TAG_INNER_HYPERCALL,         /* what its hypercall returned */

    /* GUEST_PROBE's. The last two are the vector of an exception, or GUEST_NO_EXCEPTION. */
    GUEST_TAG_PROBE_PROCESSOR = 0x300, /* enum guest_extension that its vendor has */
    GUEST_TAG_PROBE_SHOWN,             /* enum guest_extension that CPUID shows, or 0 */
    GUEST_TAG_PROBE_EAX_EBX,           /* SVM: EAX | EBX << 32 of leaf 8000000Ah */
    GUEST_TAG_PROBE_ECX_EDX,           /* SVM: ECX | EDX << 32 of leaf 8000000Ah */
    GUEST_TAG_PROBE_ENTER,             /* VMRUN or VMXON, before it is turned on */
    GUEST_TAG_PROBE_ENABLE,            /* WRMSR EFER.SVME or MOV CR4.VMXE */

    /* GUEST_BACKDOOR's, by either level. */
    GUEST_TAG_BACKDOOR = 0x380, /* EAX | EBX << 32 of the answer */
    GUEST_TAG_BACKDOOR_ECX,     /* ECX | 1 << 32 if the next instruction was executed then */

    /* GUEST_VMWARE's, in the order in which they come. */
    GUEST_TAG_VMWARE_SIGNATURE = 0x390, /* EBX | ECX << 32 of leaf 40000000h */
    GUEST_TAG_VMWARE_LEAF,              /* EAX | EBX << 32 of leaf 40000010h */
    GUEST_TAG_VMWARE_VERSION,           /* EAX | EBX << 32 of GETVERSION */
    GUEST_TAG_VMWARE_HZ,                /* EAX | EBX << 32 of GETHZ */
    GUEST_TAG_VMWARE_BUS_HZ,            /* ECX of GETHZ */
    GUEST_TAG_VMWARE_VCPU,              /* EAX of GET_VCPU_INFO */
    GUEST_TAG_VMWARE_CLOCK,             /* EAX of STEALCLOCK */

    /* Before a failing end. */
    GUEST_TAG_VECTOR = 0x400,
    GUEST_TAG_ERROR,
    GUEST_TAG_RIP,
    GUEST_TAG_ADDRESS,     /* CR2 */
    GUEST_TAG_EXIT_CODE,   /* EXITCODE, or the exit reason */
    GUEST_TAG_EXIT_DETAIL, /* EXITINFO1, or the exit qualification */
    GUEST_TAG_EXIT_ADDRESS /* EXITINFO2, or the guest-physical address */
};

enum guest_extension { GUEST_SVM = 1, GUEST_VMX };

#endif
