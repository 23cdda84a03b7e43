/* SPDX-License-Identifier: MIT */
/* libvhv's defaults and the settings vhv.enable, vhv.nestedPaging and hypervisor.cpuid.v0. */
#include "cpuid/guest.h"

static const struct vhv_cpuid_field vmx = {0x1, 0, VHV_ECX, 1u << 5};
static const struct vhv_cpuid_field svm = {0x80000001, 0, VHV_ECX, 1u << 2};
static const struct vhv_cpuid_field npt = {0x8000000a, 0, VHV_EDX, 1u << 0};
static const struct vhv_cpuid_field hypervisor = {0x1, 0, VHV_ECX, 1u << 31};

/* What an SVM guest hypervisor reads beyond the SVM bit. VMX has its part in MSRs. */
static const struct vhv_cpuid_field companions[] = {
    {0x80000001, 0, VHV_ECX, 1u << 12}, /* SKINIT */
    {0x8000000a, 0, VHV_EAX, 0xffffffff}, {0x8000000a, 0, VHV_EBX, 0xffffffff},
    {0x8000000a, 0, VHV_ECX, 0xffffffff}, {0x8000000a, 0, VHV_EDX, 0xffffffff},
};

/* KVM tells with these what the host can do for encrypted guests, which libvhv does not make; a
 * guest hypervisor cannot make them, either. */
static const struct vhv_cpuid_field encryption[] = {
    {0x8000001f, 0, VHV_EAX, 0xffffffff},
    {0x8000001f, 0, VHV_EBX, 0xffffffff},
    {0x8000001f, 0, VHV_ECX, 0xffffffff},
    {0x8000001f, 0, VHV_EDX, 0xffffffff},
};

/* KVM's table has them without asking whether the local APIC, on which they rest, is KVM's. */
static const struct vhv_cpuid_field needs_kernel_lapic[] = {
    {0x1, 0, VHV_ECX, 1u << 21}, /* x2APIC */
    /* ASYNC_PF, PV_EOI, PV_UNHALT, ASYNC_PF_VMEXIT, PV_SEND_IPI, ASYNC_PF_INT */
    {0x40000001, 0, VHV_EAX, 1u << 4 | 1u << 6 | 1u << 7 | 1u << 10 | 1u << 11 | 1u << 14},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

bool vhv_cpuid_field_is_set(const struct vhv_cpuid *table, const struct vhv_cpuid_field *field)
{
    return vhv_cpuid_get(table, field->leaf, field->subleaf, field->reg) & field->bits;
}

/* Decides bits of a leaf that KVM has; a leaf that it has not stays absent. */
static void decide_present(struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *field,
                           uint32_t values, const struct vhv_guest_step *why)
{
    struct vhv_guest_step step = *why;

    if (!vhv_cpuid_find(guest->table, field->leaf, field->subleaf))
        return;
    step.field = *field;
    step.values = values;
    vhv_guest_decide(guest, &step);
}

static void set_default(struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *field, bool on,
                        const char *text)
{
    decide_present(
        guest, field, on ? field->bits : 0,
        &(struct vhv_guest_step){.source = VHV_SOURCE_DEFAULT, .applied = true, .text = text});
}

void vhv_guest_decide_companions(struct vhv_guest_build *build, bool on,
                                 const struct vhv_guest_step *why)
{
    if (build->guest->vendor != VHV_VENDOR_AMD)
        return;
    for (size_t i = 0; i < COUNT(companions); i++) {
        const struct vhv_cpuid_field *field = &companions[i];
        uint32_t offered = vhv_cpuid_get(build->offered, field->leaf, 0, field->reg);

        decide_present(build->guest, field, on ? offered : 0, why);
    }
}

/* HYPERVISOR and TSC_DEADLINE joined KVM's table late, so it does not tell whether KVM has them. */
static void settle_offer(struct vhv_guest_build *build)
{
    const struct vhv_guest_cpuid_options *options = &build->options;
    const struct vhv_cpuid_field tsc_deadline = {0x1, 0, VHV_ECX, 1u << 24};
    struct vhv_guest_cpuid *guest = build->guest;

    set_default(guest, &hypervisor, true, "a hypervisor is shown unless it is to be hidden");
    set_default(guest, &tsc_deadline, options->kernel_lapic && options->tsc_deadline,
                "as the kernel's local APIC has this timer");
    for (size_t i = 0; !options->kernel_lapic && i < COUNT(needs_kernel_lapic); i++)
        set_default(guest, &needs_kernel_lapic[i], false,
                    "rests on a local APIC in the kernel, which this VM has not");
    vhv_guest_keep_failure(guest, vhv_cpuid_copy(&build->offered, guest->table));
}

/* So that whatever turns virtualized HV on, a setting or a mask, finds none. */
static void withhold_nested_paging(struct vhv_guest_build *build)
{
    const struct vhv_cpuid_entry *entry = vhv_cpuid_find(build->offered, npt.leaf, npt.subleaf);
    struct vhv_cpuid_entry without;

    if (!entry || !build->guest->hides_nested_paging)
        return;
    without = *entry;
    without.reg[npt.reg] &= ~npt.bits;
    vhv_guest_keep_failure(build->guest, vhv_cpuid_set(build->offered, &without));
}

void vhv_guest_default_steps(struct vhv_guest_build *build)
{
    static const char off[] = "virtualized HV is off unless asked for";
    struct vhv_guest_cpuid *guest = build->guest;

    settle_offer(build);
    if (guest->failure)
        return;
    withhold_nested_paging(build);
    set_default(guest, &vmx, false, off);
    set_default(guest, &svm, false, off);
    for (size_t i = 0; i < COUNT(companions); i++)
        set_default(guest, &companions[i], false, off);
    for (size_t i = 0; i < COUNT(encryption); i++)
        set_default(guest, &encryption[i], false, "memory encryption is not offered to guests");
}

static void remove_hypervisor_leaves(struct vhv_guest_cpuid *guest,
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

static void set_hypervisor_v0(struct vhv_guest_build *build)
{
    enum vhv_setting value = build->options.hypervisor_v0.value;
    struct vhv_guest_step why = {.source = VHV_SOURCE_SETTING,
                                 .applied = true,
                                 .origin = &build->guest->origins[VHV_ORIGIN_HYPERVISOR_V0],
                                 .text = "the hypervisor is shown"};

    if (value == VHV_SETTING_TRUE)
        decide_present(build->guest, &hypervisor, hypervisor.bits, &why);
    if (value != VHV_SETTING_FALSE)
        return;
    why.text = "the hypervisor is hidden";
    decide_present(build->guest, &hypervisor, 0, &why);
    remove_hypervisor_leaves(build->guest, &why);
}

static void report_cannot_nest(struct vhv_guest_build *build, const struct vhv_cpuid_field *bit)
{
    const char *why = build->options.why_not_nested;
    struct vhv_guest_finding about = {
        .found = {.is_error = true, .origin = build->guest->origins[VHV_ORIGIN_VHV_ENABLE]},
        .cause = VHV_CAUSE_CANNOT_NEST,
    };

    if (bit) {
        about.found.leaf = bit->leaf;
        about.found.reg = bit->reg;
        about.found.bit = (uint8_t)__builtin_ctz(bit->bits);
    }
    vhv_guest_report(build->guest, &about, false,
                     "asks for virtualized HV, but KVM offers no %s on this host%s%s",
                     bit == &svm   ? "SVM"
                     : bit == &vmx ? "VMX"
                                   : "VMX or SVM",
                     why ? ": " : "", why ? why : "");
}

static void set_vhv_enable(struct vhv_guest_build *build)
{
    enum vhv_setting value = build->options.vhv_enable.value;
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(build->guest);
    bool is_offered = bit && vhv_cpuid_field_is_set(build->offered, bit);
    struct vhv_guest_step why = {.source = VHV_SOURCE_SETTING,
                                 .origin = &build->guest->origins[VHV_ORIGIN_VHV_ENABLE]};

    if (value == VHV_SETTING_UNSET)
        return;
    if (value == VHV_SETTING_TRUE && !is_offered) {
        report_cannot_nest(build, bit);
        why.text = "KVM does not offer virtualized HV on this host";
        if (bit)
            decide_present(build->guest, bit, 0, &why);
        return;
    }
    why.applied = true;
    why.text = value == VHV_SETTING_TRUE ? "virtualized HV is on" : "virtualized HV is off";
    if (bit)
        decide_present(build->guest, bit, value == VHV_SETTING_TRUE ? bit->bits : 0, &why);
    vhv_guest_decide_companions(build, value == VHV_SETTING_TRUE, &why);
}

/* EPT has no bit in CPUID. */
static void set_nested_paging(struct vhv_guest_build *build)
{
    const struct vhv_guest_step why = {.source = VHV_SOURCE_SETTING,
                                       .applied = true,
                                       .origin = &build->guest->origins[VHV_ORIGIN_NESTED_PAGING],
                                       .text = "nested paging is kept from the guest"};

    if (build->guest->hides_nested_paging)
        decide_present(build->guest, &npt, 0, &why);
}

void vhv_guest_setting_steps(struct vhv_guest_build *build)
{
    set_hypervisor_v0(build);
    set_vhv_enable(build);
    set_nested_paging(build);
}
