/* SPDX-License-Identifier: MIT */
/*
 * The guest hypervisor: the part that SVM and VMX have in common, and what each of them gives it.
 */
#ifndef GUEST_HYPERVISOR_H
#define GUEST_HYPERVISOR_H

#include "protocol.h"
#include "x86.h"

/* The inner guest's general registers while it does not run. The order is enter.S's. */
struct inner_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
};

enum inner_exit_reason {
    INNER_EXIT_OTHER,
    INNER_EXIT_CPUID,
    INNER_EXIT_PORT,
    INNER_EXIT_HYPERCALL,
    INNER_EXIT_HLT,
    INNER_EXIT_PAGE_FAULT /* nested: the inner guest's physical address has no page */
};

struct inner_exit {
    enum inner_exit_reason reason;
    uint16_t port;     /* of INNER_EXIT_PORT */
    uint64_t gpa;      /* of INNER_EXIT_PAGE_FAULT */
    uint64_t next_rip; /* after the instruction that exited; not of INNER_EXIT_PAGE_FAULT */
    /* The processor's own words, for the report of an exit that was not expected. */
    uint64_t code, detail, address;
};

struct inner_start {
    uint64_t rip, rsp, rflags;
    bool nested_paging;
    bool intercepts_backdoor;
};

/* A virtualization extension. */
struct extension {
    enum guest_extension id;
    bool (*has_nested_paging)(void);
    /* Turns the extension on and reports that. Ends the guest on failure. */
    void (*enable)(void);
    /* Makes the control block for an inner guest. */
    void (*prepare)(const struct inner_start *start);
    /* Runs the inner guest until its next exit. */
    void (*run)(struct inner_registers *registers, struct inner_exit *exit);
    /* Sets where the inner guest goes on; without it, at the instruction that exited. */
    void (*go_on_at)(uint64_t rip);
    /* With nested paging: gives the inner guest a large page. Both addresses are multiples of
     * PAGE_LARGE_BYTES below 1 GiB. */
    void (*map)(uint64_t inner_gpa, uint64_t gpa);
    /* Takes one away. */
    void (*unmap)(uint64_t inner_gpa);
};

extern const struct extension svm, vmx;

/**
 * hypervisor_find() - the extension that CPUID shows
 *
 * Return: SVM or VMX; NULL if there is neither.
 */
const struct extension *hypervisor_find(void);

/**
 * hypervisor_run() - run the inner guest until its HLT
 * @entry: its first instruction
 * @rflags: its RFLAGS
 */
void hypervisor_run(void (*entry)(void), uint64_t rflags);

/* What to do, as the program left it. */
#define parameters ((struct guest_parameters *)GUEST_PARAMETERS_GPA)

#endif
