/* SPDX-License-Identifier: MIT */
/* Virtualized HV in a guest's CPUID, and the settings vhv.enable and vhv.nestedPaging. */
#include "cpuid/guest.h"

static const struct vhv_cpuid_field vmx = {0x1, 0, VHV_ECX, 1u << 5};
static const struct vhv_cpuid_field svm = {0x80000001, 0, VHV_ECX, 1u << 2};
static const struct vhv_cpuid_field npt = {0x8000000a, 0, VHV_EDX, 1u << 0};

/* What an SVM guest hypervisor reads beyond the SVM bit. VMX has its part in MSRs. */
static const struct vhv_cpuid_field companions[] = {
    {0x80000001, 0, VHV_ECX, 1u << 12}, /* SKINIT */
    {0x8000000a, 0, VHV_EAX, 0xffffffff}, {0x8000000a, 0, VHV_EBX, 0xffffffff},
    {0x8000000a, 0, VHV_ECX, 0xffffffff}, {0x8000000a, 0, VHV_EDX, 0xffffffff},
};

enum { COMPANIONS = sizeof(companions) / sizeof(companions[0]) };

const struct vhv_cpuid_field *vhv_guest_vhv_bit(const struct vhv_guest_cpuid *guest)
{
    switch (guest->vendor) {
    case VHV_VENDOR_AMD:
        return &svm;
    case VHV_VENDOR_INTEL:
        return &vmx;
    default:
        return NULL;
    }
}

bool vhv_guest_vhv_is_offered(const struct vhv_guest_build *build)
{
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(build->guest);

    return bit && vhv_cpuid_field_is_set(build->offered, bit);
}

void vhv_guest_default_vhv(struct vhv_guest_build *build)
{
    static const char off[] = "virtualized HV is off unless asked for";

    vhv_guest_set_default(build->guest, &vmx, false, off);
    vhv_guest_set_default(build->guest, &svm, false, off);
    for (size_t i = 0; i < COMPANIONS; i++)
        vhv_guest_set_default(build->guest, &companions[i], false, off);
}

void vhv_guest_decide_companions(struct vhv_guest_build *build, bool on,
                                 const struct vhv_guest_step *why)
{
    if (build->guest->vendor != VHV_VENDOR_AMD)
        return;
    for (size_t i = 0; i < COMPANIONS; i++) {
        const struct vhv_cpuid_field *field = &companions[i];
        uint32_t offered = vhv_cpuid_get(build->offered, field->leaf, 0, field->reg);

        vhv_guest_decide_present(build->guest, field, on ? offered : 0, why);
    }
}

void vhv_guest_decide_vhv(struct vhv_guest_build *build, bool on, const struct vhv_guest_step *why)
{
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(build->guest);

    if (bit)
        vhv_guest_decide_present(build->guest, bit, on ? bit->bits : 0, why);
    if (why->applied)
        vhv_guest_decide_companions(build, on, why);
}

struct vhv_guest_finding vhv_guest_about_vhv(const struct vhv_guest_cpuid *guest)
{
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(guest);
    struct vhv_guest_finding about = {.cause = VHV_CAUSE_CANNOT_NEST};

    if (bit) {
        about.found.leaf = bit->leaf;
        about.found.reg = bit->reg;
        about.found.bit = (uint8_t)__builtin_ctz(bit->bits);
    }
    return about;
}

static const char *vhv_name(const struct vhv_guest_cpuid *guest)
{
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(guest);

    return bit == &svm ? "SVM" : bit == &vmx ? "VMX" : "VMX or SVM";
}

void vhv_guest_report_not_offered(struct vhv_guest_build *build, enum vhv_guest_origin asked_by,
                                  bool is_error)
{
    const char *why = build->options.why_not_nested;
    struct vhv_guest_finding about = vhv_guest_about_vhv(build->guest);

    about.found.is_error = is_error;
    about.found.origin = build->guest->origins[asked_by];
    vhv_guest_report(build->guest, &about, false,
                     "asks for virtualized HV, but KVM offers no %s on this host%s%s",
                     vhv_name(build->guest), why ? ": " : "", why ? why : "");
}

void vhv_guest_set_vhv_enable(struct vhv_guest_build *build)
{
    enum vhv_setting value = build->options.vhv_enable.value;
    struct vhv_guest_step why = {.source = VHV_SOURCE_SETTING,
                                 .applied = true,
                                 .origin = &build->guest->origins[VHV_ORIGIN_VHV_ENABLE],
                                 .text = "virtualized HV is on"};

    if (value == VHV_SETTING_UNSET)
        return;
    if (value == VHV_SETTING_FALSE) {
        why.text = "virtualized HV is off";
    } else if (!vhv_guest_vhv_is_offered(build)) {
        vhv_guest_report_not_offered(build, VHV_ORIGIN_VHV_ENABLE, true);
        why.applied = false;
        why.text = "KVM does not offer virtualized HV on this host";
    }
    vhv_guest_decide_vhv(build, value == VHV_SETTING_TRUE, &why);
}

void vhv_guest_withhold_nested_paging(struct vhv_guest_build *build)
{
    const struct vhv_cpuid_entry *entry = vhv_cpuid_find(build->offered, npt.leaf, npt.subleaf);
    struct vhv_cpuid_entry without;

    if (!entry || !build->guest->hides_nested_paging)
        return;
    without = *entry;
    without.reg[npt.reg] &= ~npt.bits;
    vhv_guest_keep_failure(build->guest, vhv_cpuid_set(build->offered, &without));
}

/* EPT has no bit in CPUID. */
void vhv_guest_set_nested_paging(struct vhv_guest_build *build)
{
    const struct vhv_guest_step why = {.source = VHV_SOURCE_SETTING,
                                       .applied = true,
                                       .origin = &build->guest->origins[VHV_ORIGIN_NESTED_PAGING],
                                       .text = "nested paging is kept from the guest"};

    if (build->guest->hides_nested_paging)
        vhv_guest_decide_present(build->guest, &npt, 0, &why);
}
