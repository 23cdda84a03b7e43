/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cpuid/migration.h"

static bool is_for(const struct vhv_mask_key *key, const struct vhv_place *place,
                   enum vhv_vendor vendor)
{
    return key->leaf == place->leaf && key->reg == place->reg &&
           (key->has_subleaf ? key->subleaf : 0) == place->subleaf &&
           (key->vendor == VHV_VENDOR_ANY || key->vendor == vendor);
}

/* The most specific key has the highest one. */
static unsigned rank_of(const struct vhv_mask_key *key)
{
    return (key->vendor != VHV_VENDOR_ANY ? 2u : 0) + (key->has_subleaf ? 1u : 0);
}

static bool leaves_alone(uint8_t op)
{
    return op == VHV_MASK_PASS || op == VHV_MASK_INSTALL;
}

static bool settles(enum vhv_mask_op op)
{
    return op == VHV_MASK_HOST || op == VHV_MASK_RESERVED || op == VHV_MASK_TRUE ||
           op == VHV_MASK_FALSE || op == VHV_MASK_IGNORE;
}

uint32_t vhv_mask_demands(const struct vhv_place *place, enum vhv_vendor vendor,
                          const struct vhv_cpuid_request *requests, size_t count,
                          struct vhv_mask_demand demands[32])
{
    uint32_t settled = 0;

    memset(demands, 0, 32 * sizeof(demands[0]));
    for (size_t i = 0; i < count; i++) {
        const struct vhv_cpuid_request *request = &requests[i];

        if (!is_for(&request->key, place, vendor))
            continue;
        for (unsigned bit = 0; bit < 32; bit++) {
            struct vhv_mask_demand *demand = &demands[bit];
            uint8_t op = request->mask.op[bit];

            if (!leaves_alone(op) &&
                (!demand->request || rank_of(&request->key) >= rank_of(&demand->request->key)))
                *demand = (struct vhv_mask_demand){(enum vhv_mask_op)op, request};
        }
    }
    for (unsigned bit = 0; bit < 32; bit++)
        settled |= (uint32_t)settles(demands[bit].op) << bit;
    return settled;
}
