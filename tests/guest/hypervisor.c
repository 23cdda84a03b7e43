/* SPDX-License-Identifier: MIT */
#include "hypervisor.h"
#include "inner.h"
#include "report.h"

enum { INNER_STACK_BYTES = 0x4000 };

static uint8_t inner_stack[INNER_STACK_BYTES] __attribute__((aligned(16)));

const struct extension *hypervisor_find(void)
{
    if (cpuid(CPUID_LEAF_EXT_FEATURES, 0).ecx & CPUID_80000001_ECX_SVM)
        return &svm;
    if (cpuid(CPUID_LEAF_FEATURES, 0).ecx & CPUID_1_ECX_VMX)
        return &vmx;
    return NULL;
}

static void answer_cpuid(struct inner_registers *registers)
{
    /* Register by register, as CPUID gives a hypervisor's signature. */
    static const union {
        char text[13];
        uint32_t words[3];
    } signature = {GUEST_CPUID_SIGNATURE};

    /* Benches measure the way through the levels, not reports. */
    if (parameters->mode == GUEST_NESTED)
        report(GUEST_TAG_CPUID_EXIT, (uint32_t)registers->rax);
    registers->rax = GUEST_CPUID_LEAF;
    registers->rbx = signature.words[0];
    registers->rcx = signature.words[1];
    registers->rdx = signature.words[2];
}

static void __attribute__((noreturn)) give_up(const struct inner_exit *exit)
{
    report(GUEST_TAG_EXIT_CODE, exit->code);
    report(GUEST_TAG_EXIT_DETAIL, exit->detail);
    report(GUEST_TAG_EXIT_ADDRESS, exit->address);
    end(GUEST_UNEXPECTED_EXIT);
}

/* Returns false when the inner guest has halted. */
static bool handle(const struct extension *extension, struct inner_registers *registers,
                   const struct inner_exit *exit)
{
    switch (exit->reason) {
    case INNER_EXIT_CPUID:
        answer_cpuid(registers);
        break;
    case INNER_EXIT_PORT:
        report(GUEST_TAG_PORT_EXIT, (uint64_t)exit->port << 32 | (uint32_t)registers->rax);
        if (exit->port == GUEST_BACKDOOR_PORT)
            registers->rax = GUEST_BACKDOOR_OWN_VERSION;
        break;
    case INNER_EXIT_PAGE_FAULT:
        report(GUEST_TAG_PAGE_FAULT_EXIT, exit->gpa);
        extension->map(GUEST_ABSENT_GPA, GUEST_ABSENT_GPA);
        return true; /* the access is to be repeated */
    case INNER_EXIT_HYPERCALL:
        report(GUEST_TAG_HYPERCALL_EXIT, registers->rax);
        registers->rax = registers->rbx + GUEST_HYPERCALL_ADDS;
        break;
    case INNER_EXIT_HLT:
        report(GUEST_TAG_HLT_EXIT, 0);
        return false;
    default:
        give_up(exit);
    }
    extension->go_on_at(exit->next_rip);
    return true;
}

static void set_up_pages(const struct extension *extension)
{
    *(volatile uint64_t *)GUEST_REMAPPED_GPA = GUEST_REMAPPED_VALUE;
    *(volatile uint64_t *)GUEST_BACKING_GPA = GUEST_BACKING_VALUE;
    if (!inner_settings.nested_paging)
        return;
    extension->map(GUEST_REMAPPED_GPA, GUEST_BACKING_GPA);
    extension->unmap(GUEST_ABSENT_GPA);
}

void hypervisor_run(void (*entry)(void), uint64_t rflags)
{
    const struct extension *extension = hypervisor_find();
    const struct inner_start start = {
        .rip = (uint64_t)entry,
        /* As after a call: the ABI wants RSP + 8 to be a multiple of 16. */
        .rsp = (uint64_t)inner_stack + INNER_STACK_BYTES - 8,
        .rflags = rflags,
        .nested_paging = parameters->flags & GUEST_NESTED_PAGING,
        .intercepts_backdoor = parameters->flags & GUEST_INTERCEPT_BACKDOOR,
    };
    struct inner_registers registers = {0};
    struct inner_exit exit;
    uint64_t exits = 0;

    if (!extension)
        end(GUEST_NO_EXTENSION);
    report(GUEST_TAG_EXTENSION, extension->id);
    extension->enable();
    if (start.nested_paging && !extension->has_nested_paging())
        end(GUEST_NO_NESTED_PAGING);
    inner_settings.extension = extension->id;
    inner_settings.nested_paging = start.nested_paging;
    extension->prepare(&start);
    set_up_pages(extension);
    do {
        extension->run(&registers, &exit);
        exits++;
    } while (handle(extension, &registers, &exit));
    report(GUEST_TAG_EXITS, exits);
}
