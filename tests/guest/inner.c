/* SPDX-License-Identifier: MIT */
#include "inner.h"

#include "backdoor.h"
#include "report.h"

struct inner_settings inner_settings;

static void __attribute__((noreturn)) halt(void)
{
    for (;;)
        asm volatile("hlt");
}

static uint64_t hypercall(uint64_t number, uint64_t argument)
{
    uint64_t result = number;

    if (inner_settings.extension == GUEST_SVM)
        asm volatile("vmmcall" : "+a"(result) : "b"(argument) : "memory");
    else
        asm volatile("vmcall" : "+a"(result) : "b"(argument) : "memory");
    return result;
}

static void touch_pages(void)
{
    volatile uint64_t *remapped = (volatile uint64_t *)GUEST_REMAPPED_GPA;
    volatile uint64_t *absent = (volatile uint64_t *)GUEST_ABSENT_GPA;

    report(GUEST_TAG_INNER_REMAPPED, *remapped);
    *absent = *remapped;
    report(GUEST_TAG_INNER_ABSENT, *absent);
}

void inner_everything(void)
{
    struct cpuid r = cpuid(GUEST_CPUID_LEAF, 0);

    report(GUEST_TAG_INNER_SIGNATURE, r.ebx | (uint64_t)r.ecx << 32);
    out32(GUEST_PORT_INTERCEPTED, GUEST_INTERCEPTED_VALUE);
    out32(GUEST_PORT_INNER, GUEST_INNER_VALUE);
    report(GUEST_TAG_INNER_ANSWER, in32(GUEST_PORT_INNER));
    touch_pages();
    report(GUEST_TAG_INNER_HYPERCALL, hypercall(GUEST_HYPERCALL, GUEST_HYPERCALL_ARGUMENT));
    halt();
}

void inner_spin(void)
{
    volatile uint64_t *counter = (volatile uint64_t *)GUEST_SPIN_GPA;

    for (;;)
        ++*counter;
}

void inner_backdoor(void)
{
    backdoor_report(parameters->backdoor.inner);
    halt();
}

void inner_bench_cpuid(void)
{
    report(GUEST_TAG_BENCH, parameters->count);
    for (uint32_t n = parameters->count; n > 0; n--)
        cpuid(GUEST_CPUID_LEAF, 0);
    halt();
}

void inner_bench_port(void)
{
    report(GUEST_TAG_BENCH, parameters->count);
    for (uint32_t n = parameters->count; n > 0; n--)
        out32(GUEST_PORT_BENCH, n);
    halt();
}
