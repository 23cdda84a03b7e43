/* SPDX-License-Identifier: MIT */
/* Whose hypervisor the guest finds, and the setting hypervisor.cpuid.vendor. */
#include <string.h>

#include "cpuid/guest.h"
#include "cpuid/hypervisors.h"
#include "cpuid/mask_text.h"

static bool is_called(const char *name, const char *lower)
{
    while (*lower && vhv_ascii_lower(*name) == *lower) {
        name++;
        lower++;
    }
    return !*name && !*lower;
}

enum vhv_hypervisor vhv_hypervisor_find(const char *name)
{
    if (is_called(name, "kvm"))
        return VHV_HYPERVISOR_KVM;
    if (is_called(name, "vmware"))
        return VHV_HYPERVISOR_VMWARE;
    return VHV_HYPERVISOR_UNKNOWN;
}

static void decide_leaf(struct vhv_guest_cpuid *guest, uint32_t leaf,
                        const uint32_t values[VHV_CPUID_REGS], const struct vhv_guest_step *why)
{
    struct vhv_guest_step step = *why;

    step.field = (struct vhv_cpuid_field){leaf, 0, VHV_EAX, 0xffffffff};
    for (; step.field.reg <= VHV_EDX; step.field.reg++) {
        step.values = values[step.field.reg];
        vhv_guest_decide(guest, &step);
    }
}

/* Two leaves alone; of the features behind ECX of the second one there are none. */
static void put_vmwares_leaves(struct vhv_guest_build *build, const struct vhv_guest_step *why)
{
    const uint32_t signature[VHV_CPUID_REGS] = {0x40000010, 0x61774d56, 0x4d566572, 0x65726177};
    const uint32_t timing[VHV_CPUID_REGS] = {build->options.tsc_khz, build->options.apic_bus_khz};

    decide_leaf(build->guest, 0x40000000, signature, why);
    decide_leaf(build->guest, 0x40000010, timing, why);
}

void vhv_guest_set_hypervisor_vendor(struct vhv_guest_build *build)
{
    const char *name = build->options.hypervisor_vendor.value;
    struct vhv_guest_step why = {.source = VHV_SOURCE_SETTING,
                                 .applied = true,
                                 .origin = &build->guest->origins[VHV_ORIGIN_HYPERVISOR_VENDOR]};

    if (!name || vhv_hypervisor_find(name) != VHV_HYPERVISOR_VMWARE)
        return;
    if (build->guest->hides_hypervisor) {
        vhv_guest_report(
            build->guest,
            &(struct vhv_guest_finding){.found = {.leaf = 0x40000000, .origin = *why.origin}},
            false, "has no effect: the hypervisor is hidden");
        return;
    }
    why.text = "KVM's leaves make way for VMware's";
    vhv_guest_remove_hypervisor_leaves(build->guest, &why);
    why.text = "the hypervisor shows itself as VMware's";
    put_vmwares_leaves(build, &why);
}
