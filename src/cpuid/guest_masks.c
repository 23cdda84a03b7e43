/* SPDX-License-Identifier: MIT */
/*
 * The masks: of all that name a bit, the most specific one that does not leave it alone decides.
 *
 * Requests are sorted by the register that they reach, and within it from the least to the most
 * specific, so that the masks of a register stand together and the last one wins.
 */
#include <libvhv/feature.h>
#include <stdlib.h>

#include "base/error.h"
#include "cpuid/guest.h"

/* A request and the register that it reaches on this host. */
struct vhv_guest_target {
    struct vhv_cpuid_field field; /* without bits */
    unsigned rank;                /* of its key, the most specific one highest */
    size_t index;                 /* of the request */
    const char *why_not;          /* why the mask is not applied; NULL if it is */
};

/* The masks of one register. */
struct register_masks {
    struct vhv_guest_build *build;
    const struct vhv_guest_target *winner[32]; /* by bit; NULL: none decides */
    uint32_t offered;
};

static const char no_subleaves[] = "the leaf has no subleaves on this host";

static const char *const op_texts[] = {
    [VHV_MASK_HIDE] = "the mask hides it",
    [VHV_MASK_FORCE] = "the mask forces it",
    [VHV_MASK_HOST] = "the mask takes what KVM can give on this host",
    [VHV_MASK_RESERVED] = "the mask hides it, and hosts must agree on it for a migration",
    [VHV_MASK_TRUE] = "the mask requires that the host has it",
    [VHV_MASK_FALSE] = "the mask requires that the host does not have it",
    [VHV_MASK_IGNORE] = "as without the mask, and not compared for a migration",
    [VHV_MASK_INSTALL] = "'i' has no published meaning and is taken as '-'",
};

bool vhv_mask_op_decides(uint8_t op)
{
    return op != VHV_MASK_PASS && op != VHV_MASK_IGNORE && op != VHV_MASK_INSTALL;
}

static bool op_value(uint8_t op, bool offered)
{
    return op == VHV_MASK_FORCE || op == VHV_MASK_TRUE || (op == VHV_MASK_HOST && offered);
}

static const struct vhv_mask *mask_of(const struct vhv_guest_build *build,
                                      const struct vhv_guest_target *target)
{
    return &build->options.requests[target->index].mask;
}

static const struct vhv_origin *origin_of(const struct vhv_guest_build *build,
                                          const struct vhv_guest_target *target)
{
    return &build->guest->origins[VHV_ORIGIN_REQUESTS + target->index];
}

static void find_target(const struct vhv_guest_build *build, size_t index,
                        struct vhv_guest_target *target)
{
    const struct vhv_mask_key *key = &build->options.requests[index].key;
    const struct vhv_cpuid_entry *entry =
        vhv_cpuid_find(build->offered, key->leaf, key->has_subleaf ? key->subleaf : 0);

    *target = (struct vhv_guest_target){
        .field = {key->leaf, key->has_subleaf ? key->subleaf : 0, key->reg, 0},
        .rank = (key->vendor != VHV_VENDOR_ANY ? 2u : 0) + (key->has_subleaf ? 1u : 0),
        .index = index,
    };
    if (key->vendor == VHV_VENDOR_AMD && build->guest->vendor != VHV_VENDOR_AMD)
        target->why_not = "for hosts with an AMD processor only";
    if (key->vendor == VHV_VENDOR_INTEL && build->guest->vendor != VHV_VENDOR_INTEL)
        target->why_not = "for hosts with an Intel processor only";
    if (entry && !entry->has_subleaf && target->field.subleaf > 0) {
        target->why_not = no_subleaves;
        target->field.subleaf = 0;
    }
}

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static int order_by_register(const struct vhv_cpuid_field *a, const struct vhv_cpuid_field *b)
{
    if (a->leaf != b->leaf)
        return ORDER(a->leaf, b->leaf);
    if (a->subleaf != b->subleaf)
        return ORDER(a->subleaf, b->subleaf);
    return ORDER(a->reg, b->reg);
}

static int order(const void *left, const void *right)
{
    const struct vhv_guest_target *a = left, *b = right;
    int by_register = order_by_register(&a->field, &b->field);

    if (by_register)
        return by_register;
    return a->rank != b->rank ? ORDER(a->rank, b->rank) : ORDER(a->index, b->index);
}

static void sort_targets(struct vhv_guest_build *build)
{
    size_t count = build->options.request_count;

    build->targets = calloc(count, sizeof(build->targets[0]));
    if (!build->targets) {
        vhv_guest_keep_failure(build->guest, vhv_fail_memory(count * sizeof(build->targets[0])));
        return;
    }
    for (size_t i = 0; i < count; i++)
        find_target(build, i, &build->targets[i]);
    qsort(build->targets, count, sizeof(build->targets[0]), order);
}

/* The target whose mask decides @bit of @field's register; NULL if no mask does. */
static const struct vhv_guest_target *winner_of(const struct vhv_guest_build *build,
                                                const struct vhv_cpuid_field *field, unsigned bit)
{
    const struct vhv_guest_target *winner = NULL;

    for (size_t i = 0; i < build->options.request_count; i++) {
        const struct vhv_guest_target *target = &build->targets[i];

        if (order_by_register(&target->field, field) == 0 && !target->why_not &&
            vhv_mask_op_decides(mask_of(build, target)->op[bit]))
            winner = target;
    }
    return winner;
}

/* What the mask's character for @bit comes to: applied or why not, and the value. */
static struct vhv_guest_step judge_bit(const struct register_masks *masks,
                                       const struct vhv_guest_target *target, unsigned bit)
{
    uint8_t op = mask_of(masks->build, target)->op[bit];
    struct vhv_guest_step step = {.field = target->field,
                                  .source = VHV_SOURCE_MASK,
                                  .op = op,
                                  .origin = origin_of(masks->build, target),
                                  .text = op_texts[op]};
    const struct vhv_guest_fixed *fixed =
        vhv_guest_fixed(step.field.leaf, step.field.subleaf, step.field.reg, 1u << bit);

    step.field.bits = 1u << bit;
    if (target->why_not) {
        step.text = target->why_not;
    } else if (!vhv_mask_op_decides(op)) {
        step.applied = op == VHV_MASK_IGNORE;
    } else if (fixed) {
        step.text = fixed->text;
    } else if (masks->winner[bit] != target) {
        step.text = "overridden";
        step.overridden_by = origin_of(masks->build, masks->winner[bit]);
    } else {
        step.applied = true;
        step.values = op_value(op, masks->offered >> bit & 1) ? step.field.bits : 0;
    }
    return step;
}

/* Joins @step to one of the same mask and outcome, which are the steps from @first on. */
static void record_bit(struct vhv_guest_cpuid *guest, size_t first,
                       const struct vhv_guest_step *step)
{
    for (size_t i = first; i < guest->step_count; i++) {
        struct vhv_guest_step *other = &guest->steps[i];

        if (other->op == step->op && other->text == step->text &&
            other->overridden_by == step->overridden_by) {
            other->field.bits |= step->field.bits;
            other->values |= step->values;
            return;
        }
    }
    vhv_guest_record(guest, step);
}

static bool is_vhv_bit(const struct vhv_guest_build *build, const struct vhv_cpuid_field *field)
{
    const struct vhv_cpuid_field *vhv = vhv_guest_vhv_bit(build->guest);

    return vhv && order_by_register(field, vhv) == 0 && field->bits == vhv->bits;
}

/* Why no processor of the host's vendor has the feature; NULL if one may. */
static const char *why_not_of_vendor(const struct vhv_guest_cpuid *guest,
                                     const struct vhv_cpuid_finding *found)
{
    const struct vhv_feature *feature =
        vhv_feature_of_bit(found->leaf, found->subleaf, found->reg, found->bit, guest->vendor);

    if (!feature || feature->vendor == guest->vendor || feature->vendor == VHV_VENDOR_ANY ||
        guest->vendor == VHV_VENDOR_ANY)
        return NULL;
    return feature->vendor == VHV_VENDOR_AMD ? "only AMD's processors have it"
                                             : "only Intel's processors have it";
}

/* Reports a bit that KVM does not offer, and why, where that is known. */
static void report_lacking(struct vhv_guest_build *build, const struct vhv_guest_step *step,
                           const struct vhv_guest_finding *about, const char *text)
{
    const struct vhv_cpuid_field *vhv = vhv_guest_vhv_bit(build->guest);
    const char *why = why_not_of_vendor(build->guest, &about->found);

    if (is_vhv_bit(build, &step->field) ||
        (step->field.leaf == 0x8000000a && vhv && !vhv_cpuid_field_is_set(build->offered, vhv)))
        why = build->options.why_not_nested;
    vhv_guest_report(build->guest, about, true, "%s%s%s", text, why ? ": " : "", why ? why : "");
}

/* Says what a mask that decides a bit does not get, or gets in vain. */
static void report_decided_bit(struct vhv_guest_build *build, const struct vhv_guest_step *step,
                               struct vhv_guest_finding *about, bool is_offered)
{
    const struct vhv_cpuid_finding *found = &about->found;

    if (step->op == VHV_MASK_TRUE && !is_offered) {
        about->found.is_error = true;
        about->cause = VHV_CAUSE_REQUIREMENT_UNMET;
        report_lacking(build, step, about, "must be 1 on this host, but KVM offers 0");
    } else if (step->op == VHV_MASK_FALSE && is_offered) {
        about->found.is_error = true;
        about->cause = VHV_CAUSE_REQUIREMENT_UNMET;
        vhv_guest_report(build->guest, about, true, "must be 0 on this host, but KVM offers 1");
    } else if (step->op == VHV_MASK_FORCE && !is_offered) {
        /* A register of unnamed bits holds a number or a text, which KVM does not run. */
        if (vhv_feature_of_bit(found->leaf, found->subleaf, found->reg, found->bit,
                               build->guest->vendor))
            report_lacking(build, step, about, "is shown, but KVM cannot run it");
    } else if (step->op == VHV_MASK_HOST && !is_offered && is_vhv_bit(build, &step->field)) {
        report_lacking(build, step, about, "asks for virtualized HV, but KVM offers 0");
    }
}

static void report_bit(const struct register_masks *masks, const struct vhv_guest_target *target,
                       unsigned bit, const struct vhv_guest_step *step)
{
    struct vhv_guest_finding about = {.found = {.leaf = target->field.leaf,
                                                .subleaf = target->field.subleaf,
                                                .reg = target->field.reg,
                                                .bit = (uint8_t)bit,
                                                .origin = *step->origin}};

    if (target->why_not)
        return;
    if (step->op == VHV_MASK_INSTALL)
        vhv_guest_report(masks->build->guest, &about, true, "is left alone: %s", step->text);
    else if (step->applied)
        report_decided_bit(masks->build, step, &about, masks->offered >> bit & 1);
    else if (!step->overridden_by)
        vhv_guest_report(masks->build->guest, &about, true, "keeps its own value: %s", step->text);
}

static void report_no_subleaves(struct vhv_guest_build *build,
                                const struct vhv_guest_target *target)
{
    vhv_guest_report(build->guest,
                     &(struct vhv_guest_finding){.found = {.leaf = target->field.leaf,
                                                           .reg = target->field.reg,
                                                           .origin = *origin_of(build, target)}},
                     false, "is not applied: %s", no_subleaves);
}

static void write_applied(struct vhv_guest_build *build, const struct vhv_guest_target *target,
                          const struct vhv_cpuid_field *field, uint32_t values)
{
    char origin[VHV_ERROR_MESSAGE_BYTES];

    if (build->guest->failure)
        return;
    vhv_guest_write(build->guest, field, values);
    if (build->guest->failure) {
        vhv_guest_print_origin(origin, sizeof(origin), origin_of(build, target), field);
        vhv_fail_within(build->guest->failure, "%s", origin);
    }
}

static void apply_target(const struct register_masks *masks, const struct vhv_guest_target *target)
{
    struct vhv_guest_build *build = masks->build;
    const struct vhv_mask *mask = mask_of(build, target);
    struct vhv_cpuid_field applied = target->field;
    size_t first = build->guest->step_count;
    uint32_t values = 0;

    for (unsigned bit = 0; bit < 32; bit++) {
        struct vhv_guest_step step;

        if (mask->op[bit] == VHV_MASK_PASS)
            continue;
        step = judge_bit(masks, target, bit);
        record_bit(build->guest, first, &step);
        report_bit(masks, target, bit, &step);
        if (step.applied && step.op != VHV_MASK_IGNORE) {
            applied.bits |= step.field.bits;
            values |= step.values;
        }
    }
    if (applied.bits)
        write_applied(build, target, &applied, values);
    if (target->why_not == no_subleaves)
        report_no_subleaves(build, target);
}

/* Applies the masks of the register that @first is for. Returns how many there are. */
static size_t apply_register(struct vhv_guest_build *build, size_t first)
{
    const struct vhv_guest_target *targets = &build->targets[first];
    const struct vhv_cpuid_field *field = &targets[0].field;
    struct register_masks masks = {
        .build = build,
        .offered = vhv_cpuid_get(build->offered, field->leaf, field->subleaf, field->reg),
    };
    size_t count = 0;

    for (; first + count < build->options.request_count &&
           order_by_register(&targets[count].field, field) == 0;
         count++) {
        for (unsigned bit = 0; bit < 32 && !targets[count].why_not; bit++) {
            if (vhv_mask_op_decides(mask_of(build, &targets[count])->op[bit]))
                masks.winner[bit] = &targets[count];
        }
    }
    for (size_t i = 0; i < count; i++)
        apply_target(&masks, &targets[i]);
    return count;
}

static void report_vhv_hidden(struct vhv_guest_build *build, const struct vhv_origin *mask,
                              const struct vhv_guest_step *asker)
{
    struct vhv_guest_finding about = vhv_guest_about_vhv(build->guest);

    about.found.origin = *mask;
    vhv_guest_report(build->guest, &about, true,
                     "is hidden, which turns off the virtualized HV that %s asks for",
                     asker->origin->key);
}

/* Masks can turn virtualized HV on and off by its bit; what belongs to it goes along. */
static void follow_vhv_bit(struct vhv_guest_build *build)
{
    struct vhv_guest_cpuid *guest = build->guest;
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(guest);
    const struct vhv_guest_target *winner =
        bit ? winner_of(build, bit, (unsigned)__builtin_ctz(bit->bits)) : NULL;
    struct vhv_guest_step why = {.source = VHV_SOURCE_MASK, .applied = true};
    bool was_on, is_on;

    if (!winner)
        return;
    why.op = mask_of(build, winner)->op[__builtin_ctz(bit->bits)];
    why.origin = origin_of(build, winner);
    was_on = vhv_cpuid_field_is_set(guest->table, bit);
    is_on = op_value((uint8_t)why.op, vhv_cpuid_field_is_set(build->offered, bit));
    if (is_on == was_on)
        return;
    if (was_on)
        report_vhv_hidden(build, why.origin, vhv_guest_decider(guest, guest->step_count, bit));
    why.text = is_on ? "virtualized HV is on by this mask" : "virtualized HV is off by this mask";
    vhv_guest_decide_companions(build, is_on, &why);
}

static void follow_hypervisor_bit(struct vhv_guest_build *build)
{
    static const struct vhv_cpuid_field hypervisor = {0x1, 0, VHV_ECX, 1u << 31};
    const struct vhv_guest_target *winner = winner_of(build, &hypervisor, 31);

    if (winner && !op_value(mask_of(build, winner)->op[31], true))
        build->guest->hides_hypervisor = true;
}

void vhv_guest_mask_steps(struct vhv_guest_build *build)
{
    if (build->options.request_count == 0)
        return;
    sort_targets(build);
    if (build->guest->failure)
        return;
    follow_vhv_bit(build);
    follow_hypervisor_bit(build);
    for (size_t i = 0; i < build->options.request_count;)
        i += apply_register(build, i);
}
