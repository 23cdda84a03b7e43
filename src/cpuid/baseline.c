/* SPDX-License-Identifier: MIT */
#include "cpuid/baseline.h"

#include <stdlib.h>

#include "base/error.h"
#include "cpuid/vendor.h"

static int check_vendors(struct vhv_join *join)
{
    const struct vhv_cpuid *first = vhv_capture_cpuid(join->captures[0]);
    const struct vhv_host_choice same = {.bits = 1, .value = 1}, other = {.bits = 1};
    char hosts[VHV_HOST_LIST_BYTES], others[VHV_HOST_LIST_BYTES], names[2][VHV_VENDOR_BYTES];
    size_t i = 0;

    while (i < join->count && vhv_cpuid_same_vendor(first, vhv_capture_cpuid(join->captures[i])))
        i++;
    if (i == join->count)
        return 0;
    vhv_cpuid_vendor_text(first, names[0]);
    vhv_cpuid_vendor_text(vhv_capture_cpuid(join->captures[i]), names[1]);
    for (i = 0; i < join->count; i++)
        join->values[i] = vhv_cpuid_same_vendor(first, vhv_capture_cpuid(join->captures[i]));
    vhv_join_list(join, &same, hosts);
    vhv_join_list(join, &other, others);
    return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                    "processors of several vendors have no baseline: %s on %s, and %s on %s",
                    names[0], hosts, names[1], others);
}

/* Every leaf and subleaf that any host has; all have a subleaf, if only 0. */
static int find_places(const struct vhv_join *join, struct vhv_cpuid *places)
{
    for (size_t i = 0; i < join->count; i++) {
        int result = vhv_cpuid_add_places(places, vhv_capture_cpuid(join->captures[i]));

        if (result < 0)
            return vhv_fail_within(result, "%s", vhv_capture_name(join->captures[i]));
    }
    return 0;
}

/* Fills in what each host answers. Returns what the baseline's entry is but for the values. */
static struct vhv_cpuid_entry find_entries(struct vhv_join *join, uint32_t leaf, uint32_t subleaf,
                                           const struct vhv_cpuid_entry **entries)
{
    struct vhv_cpuid_entry made = {.leaf = leaf, .subleaf = subleaf};

    join->is_everywhere = true;
    for (size_t i = 0; i < join->count; i++) {
        entries[i] = vhv_cpuid_find(vhv_capture_cpuid(join->captures[i]), leaf, subleaf);
        join->is_everywhere = join->is_everywhere && entries[i];
        made.has_subleaf = made.has_subleaf || (entries[i] && entries[i]->has_subleaf);
    }
    return made;
}

static int join_place(struct vhv_join *join, uint32_t leaf, uint32_t subleaf,
                      const struct vhv_cpuid_entry **entries, struct vhv_cpuid *cpuid)
{
    struct vhv_cpuid_entry made = find_entries(join, leaf, subleaf, entries);

    for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++) {
        join->place = (struct vhv_place){.leaf = leaf, .subleaf = subleaf, .reg = reg};
        for (size_t i = 0; i < join->count; i++)
            join->values[i] = entries[i] ? entries[i]->reg[reg] : 0;
        made.reg[reg] = (uint32_t)vhv_join_register(join);
    }
    return join->is_everywhere ? vhv_cpuid_set(cpuid, &made) : 0;
}

static int join_cpuid(struct vhv_join *join, struct vhv_cpuid *cpuid)
{
    const struct vhv_cpuid_entry **entries = calloc(join->count, sizeof(*entries)), *place;
    struct vhv_cpuid *places = NULL;
    int result = entries ? vhv_cpuid_new(&places) : vhv_fail_memory(sizeof(*entries));

    if (result == 0)
        result = find_places(join, places);
    for (size_t i = 0; result == 0 && (place = vhv_cpuid_at(places, i)); i++)
        result = join_place(join, place->leaf, place->subleaf, entries, cpuid);
    vhv_cpuid_free(places);
    free(entries);
    return result;
}

static int join_all(struct vhv_join *join)
{
    struct vhv_capture_parts parts = {.name = "baseline"};
    int result = check_vendors(join);

    if (result == 0)
        result = vhv_cpuid_new(&parts.cpuid);
    if (result < 0)
        return result;
    join->vendor = vhv_cpuid_vendor(vhv_capture_cpuid(join->captures[0]));
    result = join_cpuid(join, parts.cpuid);
    if (result == 0) {
        vhv_join_nesting(join, &parts);
        result = join->baseline->failure;
    }
    if (result < 0) {
        vhv_cpuid_free(parts.cpuid);
        return result;
    }
    return vhv_capture_make(&join->baseline->capture, &parts);
}

static struct vhv_baseline *allocate(const struct vhv_join *join)
{
    struct vhv_baseline *baseline = calloc(1, sizeof(*baseline));

    if (!baseline) {
        vhv_fail_memory(sizeof(*baseline));
        return NULL;
    }
    baseline->host_count = join->count;
    vhv_join_list(join, &(struct vhv_host_choice){0}, baseline->hosts);
    return baseline;
}

int vhv_baseline_new(struct vhv_baseline **ret, const struct vhv_capture *const *captures,
                     size_t count)
{
    struct vhv_join join = {.captures = captures, .count = count};
    int result;

    if (count == 0)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "a baseline needs at least one host");
    join.values = calloc(count, sizeof(*join.values));
    if (!join.values)
        return vhv_fail_memory(count * sizeof(*join.values));
    join.baseline = allocate(&join);
    result = join.baseline ? join_all(&join) : -ENOMEM;
    free(join.values);
    if (result < 0) {
        vhv_baseline_free(join.baseline);
        return result;
    }
    *ret = join.baseline;
    return 0;
}

void vhv_baseline_free(struct vhv_baseline *baseline)
{
    if (!baseline)
        return;
    for (size_t i = 0; i < baseline->difference_count; i++)
        free((void *)baseline->differences[i].hosts);
    free(baseline->differences);
    free(baseline->masks);
    vhv_capture_free(baseline->capture);
    free(baseline);
}

const struct vhv_capture *vhv_baseline_capture(const struct vhv_baseline *baseline)
{
    return baseline->capture;
}

const struct vhv_baseline_difference *vhv_baseline_difference(const struct vhv_baseline *baseline,
                                                              size_t index)
{
    return index < baseline->difference_count ? &baseline->differences[index] : NULL;
}

const struct vhv_baseline_nesting *vhv_baseline_nesting(const struct vhv_baseline *baseline)
{
    return &baseline->nesting;
}
