/* SPDX-License-Identifier: MIT */
/*
 * Leaf 15h: the frequencies of the TSC and of the core crystal clock, by which guests also set
 * their local APIC's timer. KVM leaves it empty. The crystal that a guest sees is the bus of KVM's
 * local APIC, whatever the processor's own is. [SDM "Time Stamp Counter and Nominal Core Crystal
 * Clock Information Leaf"]
 *
 * Leaf 16h, of frequencies that are for display alone, stays as KVM has it.
 */
#include "cpuid/guest.h"

enum { FREQUENCY_LEAF = 0x15, HZ_A_KHZ = 1000 };

static bool is_empty(const struct vhv_cpuid *table)
{
    for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++) {
        if (vhv_cpuid_get(table, FREQUENCY_LEAF, 0, reg))
            return false;
    }
    return true;
}

void vhv_guest_default_frequency(struct vhv_guest_build *build)
{
    const uint32_t crystal_khz = build->options.apic_bus_khz, tsc_khz = build->options.tsc_khz;
    /* The TSC's frequency is the crystal's times EBX / EAX. */
    const uint32_t values[VHV_CPUID_REGS] = {crystal_khz, tsc_khz, crystal_khz * HZ_A_KHZ, 0};
    struct vhv_guest_cpuid *guest = build->guest;
    struct vhv_guest_step step = {
        .field = {FREQUENCY_LEAF, 0, VHV_EAX, 0xffffffff},
        .source = VHV_SOURCE_DEFAULT,
        .applied = true,
        .text = "the TSC's frequency, by the bus of KVM's local APIC",
    };

    if (guest->vendor != VHV_VENDOR_INTEL || !crystal_khz || !tsc_khz ||
        crystal_khz > UINT32_MAX / HZ_A_KHZ ||
        vhv_cpuid_get(guest->table, 0, 0, VHV_EAX) < FREQUENCY_LEAF || !is_empty(guest->table))
        return;
    for (; step.field.reg <= VHV_EDX; step.field.reg++) {
        step.values = values[step.field.reg];
        vhv_guest_decide(guest, &step);
    }
}
