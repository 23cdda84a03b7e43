/* SPDX-License-Identifier: MIT */
#include <libvhv/cpuid.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpuid/registers.h"

const char *const vhv_cpuid_registers[VHV_CPUID_REGS] = {"eax", "ebx", "ecx", "edx"};

/*
 * Sorted by leaf and subleaf. An entry without subleaves has subleaf 0 and is its leaf's only
 * entry, so that one search finds either kind.
 */
struct vhv_cpuid {
    size_t count;
    struct vhv_cpuid_entry entries[VHV_CPUID_MAX_ENTRIES];
};

static bool is_before(const struct vhv_cpuid_entry *entry, uint32_t leaf, uint32_t subleaf)
{
    return entry->leaf < leaf || (entry->leaf == leaf && entry->subleaf < subleaf);
}

/* Index of the first entry that is not before (leaf, subleaf). */
static size_t lower_bound(const struct vhv_cpuid *cpuid, uint32_t leaf, uint32_t subleaf)
{
    size_t low = 0, high = cpuid->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (is_before(&cpuid->entries[middle], leaf, subleaf))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Index of the entry that answers (leaf, subleaf); cpuid->count if none does. */
static size_t index_of(const struct vhv_cpuid *cpuid, uint32_t leaf, uint32_t subleaf)
{
    size_t at = lower_bound(cpuid, leaf, subleaf);
    const struct vhv_cpuid_entry *entry = &cpuid->entries[at];

    if (at < cpuid->count && entry->leaf == leaf && entry->subleaf == subleaf)
        return at;
    if (at > 0 && entry[-1].leaf == leaf && !entry[-1].has_subleaf)
        return at - 1;
    return cpuid->count;
}

int vhv_cpuid_new(struct vhv_cpuid **ret)
{
    struct vhv_cpuid *cpuid = malloc(sizeof(*cpuid));

    if (!cpuid)
        return vhv_fail_memory(sizeof(*cpuid));
    cpuid->count = 0;
    *ret = cpuid;
    return 0;
}

int vhv_cpuid_copy(struct vhv_cpuid **ret, const struct vhv_cpuid *from)
{
    struct vhv_cpuid *cpuid;
    int result = vhv_cpuid_new(&cpuid);

    if (result < 0)
        return result;
    cpuid->count = from->count;
    memcpy(cpuid->entries, from->entries, from->count * sizeof(from->entries[0]));
    *ret = cpuid;
    return 0;
}

void vhv_cpuid_free(struct vhv_cpuid *cpuid)
{
    free(cpuid);
}

size_t vhv_cpuid_count(const struct vhv_cpuid *cpuid)
{
    return cpuid->count;
}

const struct vhv_cpuid_entry *vhv_cpuid_at(const struct vhv_cpuid *cpuid, size_t index)
{
    return index < cpuid->count ? &cpuid->entries[index] : NULL;
}

const struct vhv_cpuid_entry *vhv_cpuid_find(const struct vhv_cpuid *cpuid, uint32_t leaf,
                                             uint32_t subleaf)
{
    return vhv_cpuid_at(cpuid, index_of(cpuid, leaf, subleaf));
}

uint32_t vhv_cpuid_get(const struct vhv_cpuid *cpuid, uint32_t leaf, uint32_t subleaf,
                       enum vhv_cpuid_reg reg)
{
    const struct vhv_cpuid_entry *entry = vhv_cpuid_find(cpuid, leaf, subleaf);

    return entry ? entry->reg[reg] : 0;
}

/* The entries [first, end) that @entry takes the place of; first is where it belongs. */
static void replaced_by(const struct vhv_cpuid *cpuid, const struct vhv_cpuid_entry *entry,
                        size_t *first, size_t *end)
{
    size_t at;

    if (!entry->has_subleaf) {
        at = *first = lower_bound(cpuid, entry->leaf, 0);
        while (at < cpuid->count && cpuid->entries[at].leaf == entry->leaf)
            at++;
        *end = at;
        return;
    }
    at = index_of(cpuid, entry->leaf, entry->subleaf);
    if (at < cpuid->count) {
        *first = at;
        *end = at + 1;
    } else {
        *first = *end = lower_bound(cpuid, entry->leaf, entry->subleaf);
    }
}

/* Makes the entries from @end on start at @first. The caller has checked that they fit. */
static void move_tail(struct vhv_cpuid *cpuid, size_t end, size_t first)
{
    memmove(&cpuid->entries[first], &cpuid->entries[end],
            (cpuid->count - end) * sizeof(cpuid->entries[0]));
    cpuid->count = cpuid->count - end + first;
}

int vhv_cpuid_set(struct vhv_cpuid *cpuid, const struct vhv_cpuid_entry *entry)
{
    struct vhv_cpuid_entry copy = *entry;
    size_t first, end;

    if (!copy.has_subleaf)
        copy.subleaf = 0;
    replaced_by(cpuid, &copy, &first, &end);
    if (first == end && cpuid->count == VHV_CPUID_MAX_ENTRIES)
        return vhv_fail(ENOSPC, VHV_CAUSE_NONE,
                        "no room for CPUID leaf 0x%x, subleaf 0x%x: the table has %d entries",
                        copy.leaf, copy.subleaf, VHV_CPUID_MAX_ENTRIES);
    move_tail(cpuid, end, first + 1);
    cpuid->entries[first] = copy;
    return 0;
}

int vhv_cpuid_remove(struct vhv_cpuid *cpuid, uint32_t leaf, uint32_t subleaf)
{
    size_t at = index_of(cpuid, leaf, subleaf);

    if (at == cpuid->count)
        return 0;
    move_tail(cpuid, at + 1, at);
    return 1;
}

bool vhv_cpuid_leaf_has_subleaves(uint32_t leaf)
{
    switch (leaf) {
    case 0x4:
    case 0x7:
    case 0xb:
    case 0xd:
    case 0xf:
    case 0x10:
    case 0x12:
    case 0x14:
    case 0x17:
    case 0x18:
    case 0x1b:
    case 0x1d:
    case 0x1e:
    case 0x1f:
    case 0x20:
    case 0x23:
    case 0x24:
    case 0x8000001d:
    case 0x80000020:
    case 0x80000026:
        return true;
    default:
        return false;
    }
}

enum vhv_vendor vhv_cpuid_vendor(const struct vhv_cpuid *cpuid)
{
    static const struct {
        char name[13];
        enum vhv_vendor vendor;
    } vendors[] = {
        {"AuthenticAMD", VHV_VENDOR_AMD},   {"HygonGenuine", VHV_VENDOR_AMD},
        {"GenuineIntel", VHV_VENDOR_INTEL}, {"  Shanghai  ", VHV_VENDOR_INTEL},
        {"CentaurHauls", VHV_VENDOR_INTEL},
    };
    const struct vhv_cpuid_entry *entry = vhv_cpuid_find(cpuid, 0, 0);

    if (!entry)
        return VHV_VENDOR_ANY;
    for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
        if (!memcmp(&entry->reg[VHV_EBX], vendors[i].name, 4) &&
            !memcmp(&entry->reg[VHV_EDX], vendors[i].name + 4, 4) &&
            !memcmp(&entry->reg[VHV_ECX], vendors[i].name + 8, 4))
            return vendors[i].vendor;
    }
    return VHV_VENDOR_ANY;
}

struct comparison {
    const struct vhv_cpuid *a;
    const struct vhv_cpuid *b;
    vhv_cpuid_difference_fn difference;
    void *cookie;
    int differing;
};

static int compare_place(struct comparison *comparison, uint32_t leaf, uint32_t subleaf)
{
    for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++) {
        struct vhv_cpuid_difference found = {
            .leaf = leaf,
            .subleaf = subleaf,
            .reg = reg,
            .a = vhv_cpuid_get(comparison->a, leaf, subleaf, reg),
            .b = vhv_cpuid_get(comparison->b, leaf, subleaf, reg),
        };
        int stop;

        if (found.a == found.b)
            continue;
        comparison->differing++;
        stop = comparison->difference ? comparison->difference(&found, comparison->cookie) : 0;
        if (stop)
            return stop;
    }
    return 0;
}

/* The one that comes first in the order of tables; NULL is the end of a table. */
static const struct vhv_cpuid_entry *earlier(const struct vhv_cpuid_entry *a,
                                             const struct vhv_cpuid_entry *b)
{
    if (!a || !b)
        return a ? a : b;
    return is_before(b, a->leaf, a->subleaf) ? b : a;
}

static bool is_at(const struct vhv_cpuid_entry *entry, uint32_t leaf, uint32_t subleaf)
{
    return entry && entry->leaf == leaf && entry->subleaf == subleaf;
}

int vhv_cpuid_compare(const struct vhv_cpuid *a, const struct vhv_cpuid *b,
                      vhv_cpuid_difference_fn difference, void *cookie)
{
    struct comparison comparison = {.a = a, .b = b, .difference = difference, .cookie = cookie};
    const struct vhv_cpuid_entry *next;
    size_t in_a = 0, in_b = 0;

    while ((next = earlier(vhv_cpuid_at(a, in_a), vhv_cpuid_at(b, in_b)))) {
        uint32_t leaf = next->leaf, subleaf = next->subleaf;
        int stop = compare_place(&comparison, leaf, subleaf);

        if (stop)
            return stop;
        in_a += is_at(vhv_cpuid_at(a, in_a), leaf, subleaf);
        in_b += is_at(vhv_cpuid_at(b, in_b), leaf, subleaf);
    }
    return comparison.differing;
}
