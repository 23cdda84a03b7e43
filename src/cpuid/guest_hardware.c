/* SPDX-License-Identifier: MIT */
/* The VM's hardware version: what it does not have yet. */
#include <libvhv/feature.h>

#include "cpuid/guest.h"

void vhv_guest_hardware_steps(struct vhv_guest_build *build)
{
    const struct vhv_guest_step why = {
        .source = VHV_SOURCE_SETTING,
        .applied = true,
        .origin = &build->guest->origins[VHV_ORIGIN_HARDWARE_VERSION],
        .text = "the VM's hardware version does not have it",
    };
    uint32_t version = build->options.hardware_version.value;
    const struct vhv_feature *feature;

    for (size_t i = 0; version && (feature = vhv_feature_at(i)); i++) {
        const struct vhv_cpuid_field field = {feature->leaf, feature->subleaf, feature->reg,
                                              1u << feature->bit};

        if (version < feature->first_hardware_version &&
            vhv_cpuid_has(build->guest->table, feature))
            vhv_guest_decide_present(build->guest, &field, 0, &why);
    }
}
