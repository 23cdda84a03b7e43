/* SPDX-License-Identifier: MIT */
#ifndef VHV_CPUID_MIGRATION_H
#define VHV_CPUID_MIGRATION_H

#include <libvhv/guest_cpuid.h>

#include "cpuid/rules.h"

/* What the masks of a VM say of one bit. */
struct vhv_mask_demand {
    enum vhv_mask_op op;
    const struct vhv_cpuid_request *request; /* NULL: no mask says anything; op is '-' */
};

/*
 * Finds for each bit of a register of CPUID the most specific mask that does not leave it alone.
 * Returns the bits of which masks settle what hosts must have: by h, r, t, f or x.
 */
uint32_t vhv_mask_demands(const struct vhv_place *place, enum vhv_vendor vendor,
                          const struct vhv_cpuid_request *requests, size_t count,
                          struct vhv_mask_demand demands[32]);

#endif
