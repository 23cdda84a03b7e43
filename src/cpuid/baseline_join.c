/* SPDX-License-Identifier: MIT */
/* One register over all hosts. */
#include <stdlib.h>

#include "cpuid/baseline.h"
#include "cpuid/vmx.h"

/* What the hosts have in the bits of a field. */
struct span {
    uint64_t any;    /* bits that are 1 on some host */
    uint64_t all;    /* bits that are 1 on every host */
    uint64_t joined; /* by the field's rule */
    bool differs;
};

static struct span span_of(const struct vhv_join *join, const struct vhv_field *field)
{
    uint64_t first = join->values[0] & field->bits;
    struct span span = {first, first, first, false};

    for (size_t i = 1; i < join->count; i++) {
        uint64_t value = join->values[i] & field->bits;

        span.any |= value;
        span.all &= value;
        span.joined = vhv_rule_join(field->rule, span.joined, value);
        span.differs = span.differs || value != first;
    }
    return span;
}

static void mask(struct vhv_join *join, uint64_t hide, uint64_t force)
{
    struct vhv_baseline *baseline = join->baseline;
    struct vhv_baseline_mask *grown, *last;

    if (join->place.msr || !(hide | force))
        return;
    last = baseline->mask_count ? &baseline->masks[baseline->mask_count - 1] : NULL;
    if (!last || last->place.leaf != join->place.leaf ||
        last->place.subleaf != join->place.subleaf || last->place.reg != join->place.reg) {
        grown = vhv_baseline_grow(baseline, baseline->masks, baseline->mask_count,
                                  &baseline->mask_room, sizeof(*grown));
        if (!grown)
            return;
        baseline->masks = grown;
        last = &grown[baseline->mask_count++];
        *last = (struct vhv_baseline_mask){.place = join->place};
    }
    last->hide |= (uint32_t)hide;
    last->force |= (uint32_t)force;
}

/* A register that not all hosts have is not in the baseline. */
static void join_lacking(struct vhv_join *join, const struct vhv_field *field,
                         const struct span *span)
{
    if (field->rule == VHV_RULE_OWN || field->rule == VHV_RULE_UNTOLD)
        return;
    mask(join, span->any, 0);
    if (field->rule == VHV_RULE_LEAST && span->any)
        vhv_join_report(join, field, field->bits, 0);
    for (uint64_t bits = field->rule == VHV_RULE_FEATURE ? span->any : 0; bits; bits &= bits - 1)
        vhv_join_report(join, field, bits & -bits, 0);
}

static uint64_t join_field(struct vhv_join *join, const struct vhv_field *field)
{
    struct span span = span_of(join, field);

    if (!join->is_everywhere) {
        join_lacking(join, field, &span);
        return 0;
    }
    if (!span.differs)
        return span.joined;
    switch (field->rule) {
    case VHV_RULE_FEATURE:
    case VHV_RULE_DEFICIT:
        mask(join, span.any & ~span.joined, span.joined & ~span.all);
        for (uint64_t bits = span.any & ~span.all; bits; bits &= bits - 1)
            vhv_join_report(join, field, bits & -bits, span.joined & bits & -bits);
        break;
    case VHV_RULE_SAME_OR_NONE:
        if (span.joined) /* else it goes with a feature, of which it is told */
            vhv_join_report(join, field, field->bits, span.joined);
        else
            mask(join, span.any, 0);
        break;
    case VHV_RULE_LEAST:
    case VHV_RULE_LEAST_SET:
    case VHV_RULE_MOST:
        vhv_join_report(join, field, field->bits, span.joined);
        mask(join, field->bits & ~span.joined, span.joined);
        break;
    case VHV_RULE_IMPLIED:
        mask(join, field->bits & ~span.joined, span.joined);
        break;
    case VHV_RULE_SAME:
    case VHV_RULE_HOST:
        vhv_join_report(join, field, field->bits, span.joined);
        break;
    case VHV_RULE_OWN:
    case VHV_RULE_UNTOLD:
        break;
    }
    return span.joined;
}

uint64_t vhv_join_register(struct vhv_join *join)
{
    struct vhv_field fields[VHV_FIELDS];
    size_t count = vhv_fields_of(&join->place, fields);
    uint64_t joined = 0;

    for (size_t i = 0; i < count; i++)
        joined |= join_field(join, &fields[i]);
    return joined;
}

void vhv_join_load_msr(struct vhv_join *join, uint32_t msr)
{
    join->place = (struct vhv_place){.msr = msr};
    join->is_everywhere = true;
    for (size_t i = 0; i < join->count; i++) {
        size_t count;
        const struct vhv_msr *msrs = vhv_capture_msrs(join->captures[i], &count);
        const struct vhv_msr *found = vhv_vmx_find(msrs, count, msr);

        join->values[i] = found ? found->value : 0;
        join->is_everywhere = join->is_everywhere && found;
    }
}
