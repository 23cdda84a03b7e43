/* SPDX-License-Identifier: MIT */
/* Hosts that start alike and are changed one by one, and what they have in common. */
#ifndef VHV_TESTS_UNIT_FLEET_H
#define VHV_TESTS_UNIT_FLEET_H

#include <libvhv/baseline.h>

#include "guest.h"

/* What KVM of Linux 6.1 offers of VMX on a Haswell. */
static const struct vhv_msr haswell_msrs[] = {
    {0x480, 0x00d8100011e57ed0}, {0x481, 0x0000007f00000016}, {0x482, 0xfff9fffe0401e172},
    {0x483, 0x003fffff00036dff}, {0x484, 0x0000ffff000011ff}, {0x485, 0x0000000020000065},
    {0x486, 0x0000000080000021}, {0x487, 0x00000000ffffffff}, {0x488, 0x0000000000002000},
    {0x489, 0x00000000003767ff}, {0x48a, 0x000000000000002e}, {0x48b, 0x007137fe00000000},
    {0x48c, 0x00000f0106734141}, {0x48d, 0x0000007f00000016}, {0x48e, 0xfff9fffe04006172},
    {0x48f, 0x003fffff00036dfb}, {0x490, 0x0000ffff000011fb}, {0x491, 0x0000000000000001},
};

enum {
    FLEET_HOSTS = 8,
    FLEET_MSRS = sizeof(haswell_msrs) / sizeof(haswell_msrs[0]),
};

struct fleet {
    size_t count;
    struct vhv_cpuid *tables[FLEET_HOSTS];
    struct vhv_msr msrs[FLEET_HOSTS][FLEET_MSRS];
    size_t msr_count[FLEET_HOSTS];
    struct vhv_capture *captures[FLEET_HOSTS]; /* "esx1" and so on; of joined() */
    struct vhv_baseline *baseline;             /* NULL until joined() */
};

static inline struct fleet *fleet_on_amd(size_t count)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));

    assert_non_null(fleet);
    fleet->count = count;
    for (size_t i = 0; i < count; i++)
        fleet->tables[i] = table_of(amd_rows, sizeof(amd_rows) / sizeof(amd_rows[0]));
    return fleet;
}

static inline struct fleet *fleet_on_intel(size_t count)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));

    assert_non_null(fleet);
    fleet->count = count;
    for (size_t i = 0; i < count; i++) {
        fleet->tables[i] = table_of(intel_rows, sizeof(intel_rows) / sizeof(intel_rows[0]));
        memcpy(fleet->msrs[i], haswell_msrs, sizeof(haswell_msrs));
        fleet->msr_count[i] = FLEET_MSRS;
    }
    return fleet;
}

static inline void fleet_forget(struct fleet *fleet)
{
    vhv_baseline_free(fleet->baseline);
    fleet->baseline = NULL;
    for (size_t i = 0; i < fleet->count; i++) {
        vhv_capture_free(fleet->captures[i]);
        fleet->captures[i] = NULL;
    }
}

static inline void fleet_end(struct fleet *fleet)
{
    fleet_forget(fleet);
    for (size_t i = 0; i < fleet->count; i++)
        vhv_cpuid_free(fleet->tables[i]);
    free(fleet);
}

/* Gives bits of a register of one host other values. A leaf that it lacks is added. */
static inline void fleet_bits(struct fleet *fleet, size_t host, uint32_t leaf, uint32_t subleaf,
                              enum vhv_cpuid_reg reg, uint32_t bits, uint32_t values)
{
    const struct vhv_cpuid_entry *found = vhv_cpuid_find(fleet->tables[host], leaf, subleaf);
    struct vhv_cpuid_entry entry = {
        .leaf = leaf, .subleaf = subleaf, .has_subleaf = vhv_cpuid_leaf_has_subleaves(leaf)};

    if (found)
        entry = *found;
    entry.reg[reg] = (entry.reg[reg] & ~bits) | values;
    assert_int_equal(vhv_cpuid_set(fleet->tables[host], &entry), 0);
}

static inline void fleet_msr(struct fleet *fleet, size_t host, uint32_t msr, uint64_t bits,
                             uint64_t values)
{
    for (size_t i = 0; i < fleet->msr_count[host]; i++) {
        if (fleet->msrs[host][i].index == msr)
            fleet->msrs[host][i].value = (fleet->msrs[host][i].value & ~bits) | values;
    }
}

static inline void fleet_remove_msr(struct fleet *fleet, size_t host, uint32_t msr)
{
    struct vhv_msr *msrs = fleet->msrs[host];
    size_t kept = 0;

    for (size_t i = 0; i < fleet->msr_count[host]; i++) {
        if (msrs[i].index != msr)
            msrs[kept++] = msrs[i];
    }
    fleet->msr_count[host] = kept;
}

static inline void fleet_capture(struct fleet *fleet)
{
    char name[32];

    fleet_forget(fleet);
    for (size_t i = 0; i < fleet->count; i++) {
        snprintf(name, sizeof(name), "esx%zu", i + 1);
        if (vhv_capture_new(&fleet->captures[i], name, fleet->tables[i], fleet->msrs[i],
                            fleet->msr_count[i]) < 0)
            fail_msg("%s", vhv_error_message());
    }
}

static inline int fleet_try(struct fleet *fleet)
{
    fleet_capture(fleet);
    return vhv_baseline_new(&fleet->baseline, (const struct vhv_capture *const *)fleet->captures,
                            fleet->count);
}

static inline void joined(struct fleet *fleet)
{
    if (fleet_try(fleet) < 0)
        fail_msg("%s", vhv_error_message());
}

static inline uint32_t common(const struct fleet *fleet, uint32_t leaf, uint32_t subleaf,
                              enum vhv_cpuid_reg reg)
{
    return vhv_cpuid_get(vhv_capture_cpuid(vhv_baseline_capture(fleet->baseline)), leaf, subleaf,
                         reg);
}

static inline bool common_msr(const struct fleet *fleet, uint32_t msr, uint64_t *value)
{
    size_t count;
    const struct vhv_msr *msrs = vhv_capture_msrs(vhv_baseline_capture(fleet->baseline), &count);

    for (size_t i = 0; i < count; i++) {
        if (msrs[i].index == msr) {
            *value = msrs[i].value;
            return true;
        }
    }
    return false;
}

static inline void print_all_differences(const struct fleet *fleet)
{
    const struct vhv_baseline_difference *found;

    for (size_t i = 0; (found = vhv_baseline_difference(fleet->baseline, i)); i++)
        print_error("differs: %s\n", found->text);
}

/* The difference whose text is @text, which must be there. */
static inline const struct vhv_baseline_difference *difference(const struct fleet *fleet,
                                                               const char *text)
{
    const struct vhv_baseline_difference *found;

    for (size_t i = 0; (found = vhv_baseline_difference(fleet->baseline, i)); i++) {
        if (strcmp(found->text, text) == 0)
            return found;
    }
    print_all_differences(fleet);
    fail_msg("no difference \"%s\"", text);
    return NULL;
}

static inline void assert_differences(const struct fleet *fleet, size_t count)
{
    if (!vhv_baseline_difference(fleet->baseline, count) &&
        (count == 0 || vhv_baseline_difference(fleet->baseline, count - 1)))
        return;
    print_all_differences(fleet);
    fail_msg("there are not %zu differences", count);
}

#endif
