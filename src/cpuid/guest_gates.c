/* SPDX-License-Identifier: MIT */
/* What virtualized HV has to pass in the end, whatever turned it on. */
#include <libvhv/feature.h>

#include "cpuid/guest.h"

/* Who turned it on: "file:line: key". */
static void print_asker(const struct vhv_guest_cpuid *guest, char *text, size_t bytes)
{
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(guest);
    const struct vhv_guest_step *step = vhv_guest_decider(guest, guest->step_count, bit);

    vhv_guest_print_origin(text, bytes, step ? step->origin : NULL, bit);
}

static void check_hardware_version(struct vhv_guest_build *build)
{
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(build->guest);
    const struct vhv_feature *feature = vhv_feature_of_bit(
        bit->leaf, bit->subleaf, bit->reg, (unsigned)__builtin_ctz(bit->bits), VHV_VENDOR_ANY);
    struct vhv_guest_finding about = vhv_guest_about_vhv(build->guest);
    uint32_t version = build->options.hardware_version.value;
    char asker[VHV_ERROR_MESSAGE_BYTES];

    if (version == 0 || version >= feature->first_hardware_version)
        return;
    print_asker(build->guest, asker, sizeof(asker));
    about.found.is_error = true;
    about.found.origin = build->guest->origins[VHV_ORIGIN_HARDWARE_VERSION];
    vhv_guest_report(build->guest, &about, false,
                     "is %u, which has no virtualized HV (asked for by %s): it needs %d or newer",
                     version, asker, feature->first_hardware_version);
}

void vhv_guest_gate_steps(struct vhv_guest_build *build)
{
    if (vhv_guest_cpuid_has_vhv(build->guest))
        check_hardware_version(build);
}
