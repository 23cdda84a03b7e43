/* SPDX-License-Identifier: MIT */
/* What came of the table: what KVM says that it made of it, and what a guest really reads. */
#include "base/error.h"
#include "cpuid/guest.h"

struct comparison {
    struct vhv_guest_cpuid *guest;
    enum vhv_cpuid_source source; /* VHV_SOURCE_READBACK or VHV_SOURCE_MEASURED */
    size_t set_steps; /* made the table that was set; steps after them are of comparisons */
    int differing_bits;
};

static bool is_vhv_bit(const struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *bit)
{
    const struct vhv_cpuid_field *vhv = vhv_guest_vhv_bit(guest);

    return vhv && vhv->leaf == bit->leaf && vhv->reg == bit->reg && vhv->bits == bit->bits;
}

static bool was_asked_for(const struct vhv_guest_step *step)
{
    return step && (step->source == VHV_SOURCE_MASK || step->source == VHV_SOURCE_SETTING ||
                    step->source == VHV_SOURCE_PROFILE);
}

static const char *what_differs(const struct comparison *comparison)
{
    if (comparison->source == VHV_SOURCE_READBACK)
        return "was set to %d, but KVM gives the guest %d";
    return comparison->guest->is_read_back ? "is %d by what KVM says, but a guest reads %d"
                                           : "was set to %d, but a guest reads %d";
}

/* What a program asked for must be so. Of the rest, KVM's own changes are its business, but
 * virtualized HV that is live although it is off by default is worth a warning, or more if it is
 * forbidden; and so is each bit that a guest reads otherwise than KVM says. */
static void report_bit(const struct comparison *comparison, const struct vhv_cpuid_field *bit,
                       bool is_set)
{
    const struct vhv_guest_step *step =
        vhv_guest_decider(comparison->guest, comparison->set_steps, bit);
    bool is_vhv = is_vhv_bit(comparison->guest, bit);
    struct vhv_guest_finding about = {
        .found = {.is_error = was_asked_for(step),
                  .leaf = bit->leaf,
                  .subleaf = bit->subleaf,
                  .reg = bit->reg,
                  .bit = (uint8_t)__builtin_ctz(bit->bits)},
        .cause = VHV_CAUSE_CPUID_NOT_HONOURED,
    };

    if (about.found.is_error && !(step->values & bit->bits) == !is_set)
        return; /* it was KVM's read-back that was wrong */
    if (!about.found.is_error && !(step && is_vhv) && comparison->source == VHV_SOURCE_READBACK)
        return;
    if (step && step->origin)
        about.found.origin = *step->origin;
    vhv_guest_report(comparison->guest, &about, true, what_differs(comparison), !is_set, is_set);
    if (is_vhv && is_set && comparison->guest->policy_refuses_vhv)
        vhv_guest_report_policy(comparison->guest, "KVM shows it to the guest unasked");
}

static int note_difference(const struct vhv_cpuid_difference *difference, void *cookie)
{
    struct comparison *comparison = cookie;
    struct vhv_cpuid_field field = {difference->leaf, difference->subleaf, difference->reg,
                                    difference->a ^ difference->b};
    struct vhv_guest_step step = {.values = difference->b,
                                  .source = comparison->source,
                                  .applied = true,
                                  .text = comparison->source == VHV_SOURCE_MEASURED
                                              ? "a guest reads what KVM does not say"
                                              : "KVM gives the guest what was not set"};

    field.bits &= ~vhv_guest_runtime_bits(field.leaf, field.subleaf, field.reg);
    if (field.bits == 0)
        return 0;
    comparison->differing_bits += __builtin_popcount(field.bits);
    step.field = field;
    vhv_guest_record(comparison->guest, &step);
    for (uint32_t left = field.bits; left; left &= left - 1) {
        struct vhv_cpuid_field bit = field;

        bit.bits = left & -left;
        report_bit(comparison, &bit, difference->b & bit.bits);
    }
    return 0;
}

static size_t count_set_steps(const struct vhv_guest_cpuid *guest)
{
    size_t count = guest->step_count;

    while (count > 0 && guest->steps[count - 1].source == VHV_SOURCE_READBACK)
        count--;
    return count;
}

/* Makes @told the table of @guest. Returns the number of bits that differ; on failure @guest is as
 * it was. */
static int take(struct vhv_guest_cpuid *guest, const struct vhv_cpuid *told,
                enum vhv_cpuid_source source)
{
    struct comparison comparison = {
        .guest = guest, .source = source, .set_steps = count_set_steps(guest)};
    size_t steps = guest->step_count, findings = guest->finding_count;
    struct vhv_cpuid *copy = NULL;
    int result;

    vhv_guest_keep_failure(guest, vhv_cpuid_copy(&copy, told));
    if (!guest->failure)
        vhv_cpuid_compare(guest->table, told, note_difference, &comparison);
    if (guest->failure) {
        result = guest->failure;
        guest->failure = 0;
        guest->step_count = steps;
        vhv_guest_forget_findings(guest, findings);
        vhv_cpuid_free(copy);
        return result;
    }
    vhv_cpuid_free(guest->table);
    guest->table = copy;
    return comparison.differing_bits;
}

int vhv_guest_cpuid_read_back(struct vhv_guest_cpuid *guest, const struct vhv_cpuid *effective)
{
    int result;

    if (guest->is_read_back || guest->is_measured)
        return vhv_fail(EALREADY, VHV_CAUSE_NONE, "the guest's CPUID was %s before",
                        guest->is_measured ? "measured" : "read back");
    result = take(guest, effective, VHV_SOURCE_READBACK);
    if (result >= 0)
        guest->is_read_back = true;
    return result;
}

int vhv_guest_cpuid_measured(struct vhv_guest_cpuid *guest, const struct vhv_cpuid *measured)
{
    int result;

    if (guest->is_measured)
        return vhv_fail(EALREADY, VHV_CAUSE_NONE, "the guest's CPUID was measured before");
    result = take(guest, measured, VHV_SOURCE_MEASURED);
    if (result >= 0)
        guest->is_measured = true;
    return result;
}
