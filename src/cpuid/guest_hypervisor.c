/* SPDX-License-Identifier: MIT */
/* The traces of the hypervisor below in a guest's CPUID, and the setting hypervisor.cpuid.v0. */
#include "cpuid/guest.h"

static const struct vhv_cpuid_field hypervisor = {0x1, 0, VHV_ECX, 1u << 31};

void vhv_guest_default_hypervisor(struct vhv_guest_build *build)
{
    vhv_guest_set_default(build->guest, &hypervisor, true,
                          "a hypervisor is shown unless it is to be hidden");
}

void vhv_guest_remove_hypervisor_leaves(struct vhv_guest_cpuid *guest,
                                        const struct vhv_guest_step *why)
{
    const struct vhv_cpuid_entry *entry;
    size_t at = 0;

    while ((entry = vhv_cpuid_at(guest->table, at))) {
        struct vhv_guest_step step = *why;

        if (entry->leaf >> 28 != 4) {
            at++;
            continue;
        }
        step.field = (struct vhv_cpuid_field){entry->leaf, entry->subleaf, VHV_EAX, 0xffffffff};
        for (; step.field.reg <= VHV_EDX; step.field.reg++)
            vhv_guest_record(guest, &step);
        vhv_cpuid_remove(guest->table, entry->leaf, entry->subleaf);
    }
}

void vhv_guest_hide_hypervisor(struct vhv_guest_build *build, const struct vhv_guest_step *why)
{
    build->guest->hides_hypervisor = true;
    vhv_guest_decide_present(build->guest, &hypervisor, 0, why);
    vhv_guest_remove_hypervisor_leaves(build->guest, why);
}

void vhv_guest_set_hypervisor_v0(struct vhv_guest_build *build)
{
    enum vhv_setting value = build->options.hypervisor_v0.value;
    struct vhv_guest_step why = {.source = VHV_SOURCE_SETTING,
                                 .applied = true,
                                 .origin = &build->guest->origins[VHV_ORIGIN_HYPERVISOR_V0],
                                 .text = "the hypervisor is shown"};

    if (value == VHV_SETTING_TRUE)
        vhv_guest_decide_present(build->guest, &hypervisor, hypervisor.bits, &why);
    if (value != VHV_SETTING_FALSE)
        return;
    why.text = "the hypervisor is hidden";
    vhv_guest_hide_hypervisor(build, &why);
}
