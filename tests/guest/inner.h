/* SPDX-License-Identifier: MIT */
/* The inner guest: what runs under the guest hypervisor, in its address space. */
#ifndef GUEST_INNER_H
#define GUEST_INNER_H

#include "hypervisor.h"

/* Whether the inner guest's hypercall is VMMCALL or VMCALL, and whether it has pages to touch. */
struct inner_settings {
    enum guest_extension extension;
    bool nested_paging;
};
extern struct inner_settings inner_settings;

/* Entry points. Each ends with HLT. */
void inner_everything(void);
void inner_spin(void);
void inner_backdoor(void);
void inner_bench_cpuid(void);
void inner_bench_port(void);

#endif
