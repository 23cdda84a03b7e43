/* SPDX-License-Identifier: MIT */
/* What KVM can give to this VM, and libvhv's defaults. */
#include "cpuid/guest.h"

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

void vhv_guest_set_default(struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *field,
                           bool on, const char *text)
{
    vhv_guest_decide_present(
        guest, field, on ? field->bits : 0,
        &(struct vhv_guest_step){.source = VHV_SOURCE_DEFAULT, .applied = true, .text = text});
}

/* HYPERVISOR and TSC_DEADLINE joined KVM's table late, so it does not tell whether KVM has them. */
void vhv_guest_offer_steps(struct vhv_guest_build *build)
{
    const struct vhv_guest_cpuid_options *options = &build->options;
    const struct vhv_cpuid_field tsc_deadline = {0x1, 0, VHV_ECX, 1u << 24};
    struct vhv_guest_cpuid *guest = build->guest;

    vhv_guest_default_hypervisor(build);
    vhv_guest_default_brand(build);
    vhv_guest_default_frequency(build);
    vhv_guest_set_default(guest, &tsc_deadline, options->kernel_lapic && options->tsc_deadline,
                          "as the kernel's local APIC has this timer");
    for (size_t i = 0; !options->kernel_lapic && i < COUNT(needs_kernel_lapic); i++)
        vhv_guest_set_default(guest, &needs_kernel_lapic[i], false,
                              "rests on a local APIC in the kernel, which this VM has not");
    vhv_guest_keep_failure(guest, vhv_cpuid_copy(&build->offered, guest->table));
}

void vhv_guest_default_steps(struct vhv_guest_build *build)
{
    vhv_guest_default_vhv(build);
    for (size_t i = 0; i < COUNT(encryption); i++)
        vhv_guest_set_default(build->guest, &encryption[i], false,
                              "memory encryption is not offered to guests");
}

void vhv_guest_setting_steps(struct vhv_guest_build *build)
{
    /* So that whatever turns virtualized HV on, a setting or a mask, finds none. */
    vhv_guest_withhold_nested_paging(build);
    vhv_guest_set_hypervisor_v0(build);
    vhv_guest_set_hypervisor_vendor(build);
    vhv_guest_set_vhv_enable(build);
    vhv_guest_set_nested_paging(build);
    vhv_guest_set_brand(build);
    vhv_guest_set_vpmc_enable(build);
}
