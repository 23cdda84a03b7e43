/* SPDX-License-Identifier: MIT */
/* What virtualized HV has to pass in the end, whatever turned it on. */
#include <libvhv/feature.h>
#include <stdio.h>

#include "cpuid/guest.h"

/* Who turned it on: "asked for by file:line: key". */
static void print_how(const struct vhv_guest_cpuid *guest, char *text, size_t bytes)
{
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(guest);
    const struct vhv_guest_step *step = vhv_guest_decider(guest, guest->step_count, bit);
    int used = snprintf(text, bytes, "asked for by ");

    vhv_guest_print_origin(text + used, bytes - (size_t)used, step ? step->origin : NULL, bit);
}

static void check_hardware_version(struct vhv_guest_build *build)
{
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(build->guest);
    const struct vhv_feature *feature = vhv_feature_of_bit(
        bit->leaf, bit->subleaf, bit->reg, (unsigned)__builtin_ctz(bit->bits), VHV_VENDOR_ANY);
    struct vhv_guest_finding about = vhv_guest_about_vhv(build->guest);
    uint32_t version = build->options.hardware_version.value;
    char how[VHV_ERROR_MESSAGE_BYTES];

    if (version == 0 || version >= feature->first_hardware_version)
        return;
    print_how(build->guest, how, sizeof(how));
    about.found.is_error = true;
    about.found.origin = build->guest->origins[VHV_ORIGIN_HARDWARE_VERSION];
    vhv_guest_report(build->guest, &about, false,
                     "is %u, which has no virtualized HV (%s): it needs %d or newer", version, how,
                     feature->first_hardware_version);
}

void vhv_guest_report_policy(struct vhv_guest_cpuid *guest, const char *how)
{
    struct vhv_guest_finding about = vhv_guest_about_vhv(guest);

    about.found.is_error = true;
    about.found.origin = guest->origins[VHV_ORIGIN_VHV_ALLOW];
    about.cause = VHV_CAUSE_POLICY;
    vhv_guest_report(guest, &about, false,
                     "is FALSE: this host's policy refuses virtualized HV (%s)", how);
}

static void check_policy(struct vhv_guest_build *build)
{
    char how[VHV_ERROR_MESSAGE_BYTES];

    if (!build->guest->policy_refuses_vhv)
        return;
    print_how(build->guest, how, sizeof(how));
    vhv_guest_report_policy(build->guest, how);
}

/* EPT is none of CPUID's bits: of Intel's hosts the caller has to know. */
static bool lacks_nested_paging(const struct vhv_guest_build *build)
{
    const struct vhv_cpuid_field npt = {0x8000000a, 0, VHV_EDX, 1u << 0};

    return build->options.nested_paging_offered == VHV_NO ||
           (build->guest->vendor == VHV_VENDOR_AMD &&
            !vhv_cpuid_field_is_set(build->guest->supported, &npt));
}

static void warn_without_nested_paging(struct vhv_guest_build *build)
{
    const struct vhv_guest_cpuid *guest = build->guest;
    const struct vhv_guest_step *step =
        vhv_guest_decider(guest, guest->step_count, vhv_guest_vhv_bit(guest));
    struct vhv_guest_finding about = vhv_guest_about_vhv(guest);

    if (guest->hides_nested_paging || !lacks_nested_paging(build) ||
        !vhv_guest_vhv_is_offered(build))
        return;
    if (step && step->origin)
        about.found.origin = *step->origin;
    vhv_guest_report(build->guest, &about, false,
                     "asks for virtualized HV, but KVM offers guests no nested paging on this "
                     "host: inner guests are slow, and some guest hypervisors refuse to start");
}

void vhv_guest_gate_steps(struct vhv_guest_build *build)
{
    if (!vhv_guest_cpuid_has_vhv(build->guest))
        return;
    check_hardware_version(build);
    check_policy(build);
    warn_without_nested_paging(build);
}
