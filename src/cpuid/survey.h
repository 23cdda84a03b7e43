/* SPDX-License-Identifier: MIT */
/* What to ask a guest in order to learn its whole CPUID, and what its answers say. Pure. */
#ifndef VHV_CPUID_SURVEY_H
#define VHV_CPUID_SURVEY_H

#include <libvhv/cpuid.h>

/* A CPUID that is to be executed, and its answer. The measuring guest has the same struct. */
struct vhv_cpuid_question {
    uint32_t leaf;
    uint32_t subleaf;
    uint32_t reg[VHV_CPUID_REGS];
};

/*
 * Everything that a guest with @table may answer, and what is next to it and is not to be there:
 * leaves within and one beyond each range, hypervisor leaves, subleaves up to one beyond the last.
 * *@ret is to be freed by free(). Returns the number of questions, or -ENOMEM.
 */
int vhv_cpuid_survey(struct vhv_cpuid_question **ret, const struct vhv_cpuid *table);

/*
 * The table that the answers make: each entry of @table, and of the other answers those that a
 * processor without the leaf would not give. Returns 0, -ENOMEM or -ENOSPC.
 */
int vhv_cpuid_from_answers(struct vhv_cpuid **ret, const struct vhv_cpuid *table,
                           const struct vhv_cpuid_question *answered, size_t count);

#endif
