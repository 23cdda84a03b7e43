/* SPDX-License-Identifier: MIT */
/* What guestOS brings with it. */
#include "cpuid/guest.h"
#include "cpuid/profiles.h"

/* Virtualized HV by default is never an error: nobody has asked for it. */
static void turn_vhv_on(struct vhv_guest_build *build, const struct vhv_profile *profile,
                        struct vhv_guest_step why)
{
    if (!profile->vhv_on || build->options.hardware_version.value != VHV_PROFILE_HARDWARE_VERSION)
        return;
    if (build->guest->policy_refuses_vhv) {
        why.applied = false;
        why.text = profile->vhv_not_allowed;
    } else if (!vhv_guest_vhv_is_offered(build)) {
        if (build->options.vhv_enable.value == VHV_SETTING_UNSET)
            vhv_guest_report_not_offered(build, VHV_ORIGIN_GUEST_OS, false);
        why.applied = false;
        why.text = profile->vhv_not_offered;
    } else {
        why.text = profile->vhv_on;
    }
    vhv_guest_decide_vhv(build, why.applied, &why);
}

void vhv_guest_profile_steps(struct vhv_guest_build *build)
{
    const char *guest_os = build->options.guest_os.value;
    const struct vhv_profile *profile = guest_os ? vhv_profile_find(guest_os) : NULL;
    struct vhv_guest_step why = {
        .source = VHV_SOURCE_PROFILE,
        .applied = true,
        .origin = &build->guest->origins[VHV_ORIGIN_GUEST_OS],
    };

    if (!profile)
        return;
    turn_vhv_on(build, profile, why);
    why.text = profile->hypervisor_hidden;
    if (why.text && build->options.hypervisor_v0.value == VHV_SETTING_UNSET)
        vhv_guest_hide_hypervisor(build, &why);
}
