/* SPDX-License-Identifier: MIT */
/* The processor's name. [APM3 "Functions 8000_0002h—8000_0004h—Extended Processor Name String"] */
#include <string.h>

#include "cpuid/guest.h"

enum { FIRST_LEAF = 2, LEAVES = 3 }; /* from 8000_0000h on */

struct brand {
    uint32_t reg[LEAVES][VHV_CPUID_REGS];
};

static struct brand brand_of(const struct vhv_cpuid *table)
{
    struct brand brand;

    for (uint32_t i = 0; i < LEAVES; i++) {
        for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++)
            brand.reg[i][reg] = vhv_cpuid_get(table, 0x80000000 + FIRST_LEAF + i, 0, reg);
    }
    return brand;
}

static bool is_empty(const struct brand *brand)
{
    static const struct brand empty;

    return memcmp(brand, &empty, sizeof(empty)) == 0;
}

static bool has_room(const struct vhv_guest_cpuid *guest)
{
    return vhv_cpuid_get(guest->table, 0x80000000, 0, VHV_EAX) >=
           0x80000000 + FIRST_LEAF + LEAVES - 1;
}

static void decide_brand(struct vhv_guest_cpuid *guest, const struct brand *brand,
                         const struct vhv_guest_step *why)
{
    for (uint32_t i = 0; i < LEAVES; i++) {
        for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++) {
            struct vhv_guest_step step = *why;

            step.field = (struct vhv_cpuid_field){0x80000000 + FIRST_LEAF + i, 0, reg, 0xffffffff};
            step.values = brand->reg[i][reg];
            vhv_guest_decide(guest, &step);
        }
    }
}

/* KVM's table has the leaves, and nothing in them. */
void vhv_guest_default_brand(struct vhv_guest_build *build)
{
    struct vhv_guest_cpuid *guest = build->guest;
    const struct brand given = brand_of(guest->table);
    struct brand own;

    if (!guest->processor || !has_room(guest) || !is_empty(&given))
        return;
    own = brand_of(guest->processor);
    if (!is_empty(&own))
        decide_brand(guest, &own,
                     &(struct vhv_guest_step){.source = VHV_SOURCE_DEFAULT,
                                              .applied = true,
                                              .text = "the processor's own name, as KVM has none"});
}

void vhv_guest_set_brand(struct vhv_guest_build *build)
{
    const char *text = build->options.brand_string.value;
    const struct vhv_origin *origin = &build->guest->origins[VHV_ORIGIN_BRAND_STRING];
    struct brand brand = {0};

    if (!text)
        return;
    if (!has_room(build->guest)) {
        vhv_guest_report(build->guest,
                         &(struct vhv_guest_finding){
                             .found = {.leaf = 0x80000000 + FIRST_LEAF, .origin = *origin}},
                         false, "is not applied: KVM has no leaves for it on this host");
        return;
    }
    memcpy(&brand, text, strlen(text));
    decide_brand(build->guest, &brand,
                 &(struct vhv_guest_step){.source = VHV_SOURCE_SETTING,
                                          .applied = true,
                                          .origin = origin,
                                          .text = "the name that was asked for"});
}
