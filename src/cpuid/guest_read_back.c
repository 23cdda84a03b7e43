/* SPDX-License-Identifier: MIT */
/* What KVM made of the table, against what was set. */
#include "base/error.h"
#include "cpuid/guest.h"

struct comparison {
    struct vhv_guest_cpuid *guest;
    size_t set_steps; /* made the table that was set; steps after them are of the comparison */
    int differing_bits;
};

static bool is_vhv_bit(const struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *bit)
{
    const struct vhv_cpuid_field *vhv = vhv_guest_vhv_bit(guest);

    return vhv && vhv->leaf == bit->leaf && vhv->reg == bit->reg && vhv->bits == bit->bits;
}

/* What a program asked for must be so; virtualized HV that is live although it is off by default
 * is worth a warning, or more if it is forbidden. */
static void report_bit(const struct comparison *comparison, const struct vhv_cpuid_field *bit,
                       bool is_set)
{
    const struct vhv_guest_step *step =
        vhv_guest_decider(comparison->guest, comparison->set_steps, bit);
    bool is_vhv = is_vhv_bit(comparison->guest, bit);
    struct vhv_guest_finding about = {
        .found = {.leaf = bit->leaf,
                  .subleaf = bit->subleaf,
                  .reg = bit->reg,
                  .bit = (uint8_t)__builtin_ctz(bit->bits)},
        .cause = VHV_CAUSE_CPUID_NOT_HONOURED,
    };

    if (!step)
        return;
    about.found.is_error = step->source == VHV_SOURCE_MASK || step->source == VHV_SOURCE_SETTING ||
                           step->source == VHV_SOURCE_PROFILE;
    if (!about.found.is_error && !is_vhv)
        return;
    if (step->origin)
        about.found.origin = *step->origin;
    vhv_guest_report(comparison->guest, &about, true, "was set to %d, but KVM gives the guest %d",
                     !is_set, is_set);
    if (is_vhv && is_set && comparison->guest->policy_refuses_vhv)
        vhv_guest_report_policy(comparison->guest, "KVM shows it to the guest unasked");
}

static int note_difference(const struct vhv_cpuid_difference *difference, void *cookie)
{
    struct comparison *comparison = cookie;
    struct vhv_cpuid_field field = {difference->leaf, difference->subleaf, difference->reg,
                                    difference->a ^ difference->b};

    field.bits &= ~vhv_guest_runtime_bits(field.leaf, field.subleaf, field.reg);
    if (field.bits == 0)
        return 0;
    comparison->differing_bits += __builtin_popcount(field.bits);
    vhv_guest_record(comparison->guest,
                     &(struct vhv_guest_step){.field = field,
                                              .values = difference->b,
                                              .source = VHV_SOURCE_READBACK,
                                              .applied = true,
                                              .text = "KVM gives the guest what was not set"});
    for (uint32_t left = field.bits; left; left &= left - 1) {
        struct vhv_cpuid_field bit = field;

        bit.bits = left & -left;
        report_bit(comparison, &bit, difference->b & bit.bits);
    }
    return 0;
}

int vhv_guest_cpuid_read_back(struct vhv_guest_cpuid *guest, const struct vhv_cpuid *effective)
{
    struct comparison comparison = {.guest = guest, .set_steps = guest->step_count};
    size_t set_findings = guest->finding_count;
    struct vhv_cpuid *copy = NULL;
    int result;

    if (guest->is_read_back)
        return vhv_fail(EALREADY, VHV_CAUSE_NONE, "the guest's CPUID was read back before");
    vhv_guest_keep_failure(guest, vhv_cpuid_copy(&copy, effective));
    if (!guest->failure)
        vhv_cpuid_compare(guest->table, effective, note_difference, &comparison);
    if (guest->failure) {
        result = guest->failure;
        guest->failure = 0;
        guest->step_count = comparison.set_steps;
        vhv_guest_forget_findings(guest, set_findings);
        vhv_cpuid_free(copy);
        return result;
    }
    vhv_cpuid_free(guest->table);
    guest->table = copy;
    guest->is_read_back = true;
    return comparison.differing_bits;
}
