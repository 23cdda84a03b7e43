/* SPDX-License-Identifier: MIT */
/* Exceptions: reported, or caught where an instruction is expected to raise one. */
#ifndef GUEST_EXCEPTION_H
#define GUEST_EXCEPTION_H

#include "protocol.h"
#include "x86.h"

/**
 * exception_init() - have every exception reported instead of ending in a triple fault
 */
void exception_init(void);

/* Where the next exception goes on instead of being reported; 0: it is reported. */
extern uint64_t exception_resume;
/* The vector of the exception that was caught last. */
extern uint32_t exception_vector;

/* The text of an instruction whose exception is caught; it goes on after it either way. */
#define CAUGHT(instruction)                           \
    "movl %[none], exception_vector\n\t"              \
    "movq $1f, exception_resume\n\t" instruction "\n" \
    "1:\tmovq $0, exception_resume"
#define CAUGHT_NONE [none] "i"(GUEST_NO_EXCEPTION)

/* Each returns the vector of the exception that was raised, or GUEST_NO_EXCEPTION. */

static inline uint32_t caught_rdmsr(uint32_t index, uint64_t *value)
{
    uint32_t low = 0, high = 0;

    asm volatile(CAUGHT("rdmsr") : "+a"(low), "+d"(high) : "c"(index), CAUGHT_NONE : "memory");
    *value = low | (uint64_t)high << 32;
    return exception_vector;
}

static inline uint32_t caught_wrmsr(uint32_t index, uint64_t value)
{
    asm volatile(CAUGHT("wrmsr")
                 :
                 : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), CAUGHT_NONE
                 : "memory");
    return exception_vector;
}

static inline uint32_t caught_write_cr4(uint64_t value)
{
    asm volatile(CAUGHT("mov %[value], %%cr4") : : [value] "r"(value), CAUGHT_NONE : "memory");
    return exception_vector;
}

static inline uint32_t caught_vmrun(uint64_t vmcb)
{
    asm volatile(CAUGHT("vmrun %%rax") : : "a"(vmcb), CAUGHT_NONE : "memory");
    return exception_vector;
}

static inline uint32_t caught_vmxon(const uint64_t *region)
{
    asm volatile(CAUGHT("vmxon %[region]") : : [region] "m"(*region), CAUGHT_NONE : "memory", "cc");
    return exception_vector;
}

#endif
