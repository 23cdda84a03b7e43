/* SPDX-License-Identifier: MIT */
/* Which leaves and subleaves there are to ask for, whoever answers. */
#ifndef VHV_CPUID_PROCESSOR_H
#define VHV_CPUID_PROCESSOR_H

#include <libvhv/cpuid.h>

/* Answers CPUID as a processor does. */
typedef void (*vhv_cpuid_query_fn)(uint32_t leaf, uint32_t subleaf, uint32_t reg[VHV_CPUID_REGS],
                                   void *cookie);

/*
 * Makes a table of everything that @query says it has. Ends whatever the answers are. Returns 0,
 * -ENOMEM, or -ENOSPC if the table is too small for it.
 */
int vhv_cpuid_enumerate(struct vhv_cpuid **ret, vhv_cpuid_query_fn query, void *cookie);

#endif
