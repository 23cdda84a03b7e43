/* SPDX-License-Identifier: MIT */
/* Performance counters, and the setting vpmc.enable. */
#include "cpuid/guest.h"

/*
 * What tells of them, and of what rests on them. [SDM "Architectural Performance Monitoring"], [SDM
 * "Debug Store (DS) Mechanism"], [SDM "Last Branch Records"], [APM2 "Performance Monitoring
 * Counters"]
 */
static const struct vhv_cpuid_field fields[] = {
    /* DTES64, DS_CPL, PDCM */
    {0x1, 0, VHV_ECX, 1u << 2 | 1u << 4 | 1u << 15},
    {0x1, 0, VHV_EDX, 1u << 21}, /* DS */
    {0x7, 0, VHV_EDX, 1u << 19}, /* ARCH_LBR */
    {0x7, 1, VHV_EAX, 1u << 8},  /* ARCH_PERFMON_EXT */
    {0xa, 0, VHV_EAX, 0xffffffff},
    {0xa, 0, VHV_EBX, 0xffffffff},
    {0xa, 0, VHV_ECX, 0xffffffff},
    {0xa, 0, VHV_EDX, 0xffffffff},
    {0x1c, 0, VHV_EAX, 0xffffffff},
    {0x1c, 0, VHV_EBX, 0xffffffff},
    {0x1c, 0, VHV_ECX, 0xffffffff},
    /* PERFCTR_CORE, PERFCTR_NB, PERFCTR_LLC */
    {0x80000001, 0, VHV_ECX, 1u << 23 | 1u << 24 | 1u << 28},
    {0x80000022, 0, VHV_EAX, 0xffffffff},
    {0x80000022, 0, VHV_EBX, 0xffffffff},
    {0x80000022, 0, VHV_ECX, 0xffffffff},
};

static const struct vhv_cpuid_field intel_version = {0xa, 0, VHV_EAX, 0xff};
static const struct vhv_cpuid_field amd_core = {0x80000001, 0, VHV_ECX, 1u << 23};
static const struct vhv_cpuid_field amd_version_2 = {0x80000022, 0, VHV_EAX, 1u << 0};

static bool are_offered(const struct vhv_guest_build *build)
{
    return vhv_cpuid_field_is_set(build->offered, &intel_version) ||
           vhv_cpuid_field_is_set(build->offered, &amd_core) ||
           vhv_cpuid_field_is_set(build->offered, &amd_version_2);
}

static void hide(struct vhv_guest_build *build, const struct vhv_guest_step *why)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        vhv_guest_decide_present(build->guest, &fields[i], 0, why);
}

void vhv_guest_set_vpmc_enable(struct vhv_guest_build *build)
{
    const struct vhv_origin *origin = &build->guest->origins[VHV_ORIGIN_VPMC_ENABLE];
    enum vhv_setting value = build->options.vpmc_enable.value;

    if (value == VHV_SETTING_FALSE)
        hide(build, &(struct vhv_guest_step){.source = VHV_SOURCE_SETTING,
                                             .applied = true,
                                             .origin = origin,
                                             .text = "performance counters are hidden"});
    else if (value == VHV_SETTING_TRUE && !are_offered(build))
        vhv_guest_report(
            build->guest,
            &(struct vhv_guest_finding){.found = {.is_error = true, .leaf = 0xa, .origin = *origin},
                                        .cause = VHV_CAUSE_REQUIREMENT_UNMET},
            false, "requires performance counters, but KVM offers none on this host");
}
