/* SPDX-License-Identifier: MIT */
/* Architectural bits, also for assembly, and instructions that the guest uses. Names are the
 * manuals'. */
#ifndef GUEST_X86_H
#define GUEST_X86_H

#ifdef __ASSEMBLER__
#define BIT(n) (1 << (n))
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT(n) (UINT64_C(1) << (n))
#endif

#define CR0_PG    BIT(31)
#define CR4_PAE   BIT(5)
#define CR4_VMXE  BIT(13)
#define EFER_LME  BIT(8)
#define EFER_SVME BIT(12)

/* [SDM "CPUID—CPU Identification"], [APM3 "CPUID"] */
#define CPUID_1_ECX_VMX         BIT(5)
#define CPUID_80000001_ECX_SVM  BIT(2)
#define CPUID_8000000A_EDX_NPT  BIT(0)
#define CPUID_VENDOR_EBX_AMD    0x68747541 /* "Auth" of AuthenticAMD */
#define CPUID_VENDOR_EBX_HYGON  0x6f677948 /* "Hygo" of HygonGenuine */
#define CPUID_LEAF_VENDOR       0x0
#define CPUID_LEAF_FEATURES     0x1
#define CPUID_LEAF_EXT_FEATURES 0x80000001
#define CPUID_LEAF_SVM          0x8000000a

#define MSR_PAT         0x277
#define MSR_EFER        0xc0000080
#define MSR_VM_HSAVE_PA 0xc0010117

/* Of page tables, nested ones of AMD included. */
#define PAGE_PRESENT BIT(0)
#define PAGE_WRITE   BIT(1)
#define PAGE_USER    BIT(2)
#define PAGE_LARGE   BIT(7)

#define PAGE_BYTES       4096
#define PAGE_LARGE_BYTES 0x200000

#define RFLAGS_FIXED BIT(1)
#define RFLAGS_ZF    BIT(6)
#define RFLAGS_IF    BIT(9)

/* [SDM "Processor State After Reset"] */
#define DR6_RESET 0xffff0ff0
#define DR7_RESET 0x400

/* Selectors of the GDT in start.S. */
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18
#define TSS_BYTES     104

#ifndef __ASSEMBLER__

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;

    asm volatile("cpuid"
                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                 : "a"(leaf), "c"(subleaf));
    return r;
}

static inline void out32(uint16_t port, uint32_t value)
{
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t value;

    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint64_t rdmsr(uint32_t index)
{
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return low | (uint64_t)high << 32;
}

static inline void wrmsr(uint32_t index, uint64_t value)
{
    asm volatile("wrmsr"
                 :
                 : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                 : "memory");
}

#define READ_REGISTER(name)                                \
    static inline uint64_t read_##name(void)               \
    {                                                      \
        uint64_t value;                                    \
                                                           \
        asm volatile("mov %%" #name ", %0" : "=r"(value)); \
        return value;                                      \
    }
READ_REGISTER(cr0)
READ_REGISTER(cr2)
READ_REGISTER(cr3)
READ_REGISTER(cr4)
#undef READ_REGISTER

static inline void write_cr0(uint64_t value)
{
    asm volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline void write_cr4(uint64_t value)
{
    asm volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

/* What LGDT, SGDT, LIDT and SIDT work on. */
struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint64_t base;
};

#endif

#endif
