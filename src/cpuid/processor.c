/* SPDX-License-Identifier: MIT */
#include "cpuid/processor.h"

#include <cpuid.h>

#include "base/error.h"

/* Leaves come in ranges; the first leaf of each has the last one in EAX. */
#define BASIC          0x0U
#define HYPERVISOR     0x40000000U
#define HYPERVISOR_END 0x40010000U
#define EXTENDED       0x80000000U
#define RANGE_LEAVES   0x100U

/* No leaf has more subleaves than XSAVE's, which has one for each bit of XCR0 and IA32_XSS. */
#define MAX_SUBLEAVES 64U

/* How a leaf tells which subleaves it has besides 0. */
enum rule_kind {
    UNTIL_ZERO, /* up to the first one with 0 in a field, that one too */
    UP_TO_EAX,  /* up to the one in EAX of subleaf 0 */
    IN_BITMAP,  /* those whose bit is set in a register of subleaf 0 */
    OF_XSAVE    /* 1, and those whose bit is set in XCR0 (subleaf 0) or IA32_XSS (subleaf 1) */
};

struct rule {
    uint32_t leaf;
    enum rule_kind kind;
    enum vhv_cpuid_reg reg; /* of the field or bitmap */
    uint32_t field;
};

/* Source: [SDM "CPUID—CPU Identification"], [APM3 "CPUID"]. */
static const struct rule rules[] = {
    {0x4, UNTIL_ZERO, VHV_EAX, 0x1f},
    {0x7, UP_TO_EAX, VHV_EAX, 0},
    {0xb, UNTIL_ZERO, VHV_ECX, 0xff00},
    {0xd, OF_XSAVE, VHV_EAX, 0},
    {0xf, IN_BITMAP, VHV_EDX, 0},
    {0x10, IN_BITMAP, VHV_EBX, 0},
    {0x12, UNTIL_ZERO, VHV_EAX, 0xf}, /* subleaves 0 and 1 are never 0 there with SGX */
    {0x14, UP_TO_EAX, VHV_EAX, 0},
    {0x17, UP_TO_EAX, VHV_EAX, 0},
    {0x18, UP_TO_EAX, VHV_EAX, 0},
    {0x1b, UNTIL_ZERO, VHV_EAX, 0xfff},
    {0x1d, UP_TO_EAX, VHV_EAX, 0},
    {0x1e, UP_TO_EAX, VHV_EAX, 0},
    {0x1f, UNTIL_ZERO, VHV_ECX, 0xff00},
    {0x20, UP_TO_EAX, VHV_EAX, 0},
    {0x23, IN_BITMAP, VHV_EAX, 0},
    {0x24, UP_TO_EAX, VHV_EAX, 0},
    {0x8000001d, UNTIL_ZERO, VHV_EAX, 0x1f},
    {0x80000020, IN_BITMAP, VHV_EBX, 0},
    {0x80000026, UNTIL_ZERO, VHV_ECX, 0xff00},
};

struct reader {
    struct vhv_cpuid *cpuid;
    vhv_cpuid_query_fn query;
    void *cookie;
};

static const struct rule *rule_of(uint32_t leaf)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].leaf == leaf)
            return &rules[i];
    }
    return NULL;
}

static int read_entry(struct reader *reader, struct vhv_cpuid_entry *entry)
{
    reader->query(entry->leaf, entry->subleaf, entry->reg, reader->cookie);
    return vhv_cpuid_set(reader->cpuid, entry);
}

static int read_until_zero(struct reader *reader, const struct rule *rule,
                           struct vhv_cpuid_entry *entry)
{
    int result = 0;

    while (result == 0 && entry->reg[rule->reg] & rule->field && ++entry->subleaf < MAX_SUBLEAVES)
        result = read_entry(reader, entry);
    return result;
}

/* The subleaves of a leaf whose subleaf 0 is @first; bit 0 does not matter. */
static uint64_t bitmap_of(struct reader *reader, const struct rule *rule,
                          const struct vhv_cpuid_entry *first)
{
    uint32_t second[VHV_CPUID_REGS];
    uint32_t last;

    switch (rule->kind) {
    case UP_TO_EAX:
        last = first->reg[VHV_EAX];
        return last < MAX_SUBLEAVES - 1 ? (2ULL << last) - 1 : UINT64_MAX;
    case IN_BITMAP:
        return first->reg[rule->reg];
    case OF_XSAVE:
        reader->query(first->leaf, 1, second, reader->cookie);
        return 1ULL << 1 | first->reg[VHV_EAX] | (uint64_t)first->reg[VHV_EDX] << 32 |
               second[VHV_ECX] | (uint64_t)second[VHV_EDX] << 32;
    default:
        return 0;
    }
}

static int read_leaf(struct reader *reader, uint32_t leaf)
{
    const struct rule *rule = rule_of(leaf);
    struct vhv_cpuid_entry entry = {.leaf = leaf, .has_subleaf = rule};
    uint64_t bitmap;
    int result = read_entry(reader, &entry);

    if (result < 0 || !rule)
        return result;
    if (rule->kind == UNTIL_ZERO)
        return read_until_zero(reader, rule, &entry);
    bitmap = bitmap_of(reader, rule, &entry);
    for (uint32_t subleaf = 1; subleaf < MAX_SUBLEAVES && result == 0; subleaf++) {
        entry.subleaf = subleaf;
        if (bitmap >> subleaf & 1)
            result = read_entry(reader, &entry);
    }
    return result;
}

/* Returns 1, 0 if there is no such range, or a negative errno. */
static int read_range(struct reader *reader, uint32_t first)
{
    uint32_t reg[VHV_CPUID_REGS];

    reader->query(first, 0, reg, reader->cookie);
    if (reg[VHV_EAX] - first >= RANGE_LEAVES)
        return 0;
    for (uint32_t leaf = first; leaf <= reg[VHV_EAX]; leaf++) {
        int result = read_leaf(reader, leaf);

        if (result < 0)
            return result;
    }
    return 1;
}

/* A hypervisor that speaks several interfaces puts each in a range of its own. */
static int read_hypervisor(struct reader *reader)
{
    int result = 1;

    for (uint32_t first = HYPERVISOR; first < HYPERVISOR_END && result > 0; first += RANGE_LEAVES)
        result = read_range(reader, first);
    return result;
}

static int read_all(struct reader *reader)
{
    int result = read_range(reader, BASIC);

    /* Without a hypervisor its leaves are not defined: Intel's processors repeat a basic leaf. */
    if (result >= 0 && vhv_cpuid_get(reader->cpuid, 1, 0, VHV_ECX) >> 31)
        result = read_hypervisor(reader);
    if (result >= 0)
        result = read_range(reader, EXTENDED);
    return result;
}

int vhv_cpuid_enumerate(struct vhv_cpuid **ret, vhv_cpuid_query_fn query, void *cookie)
{
    struct reader reader = {.query = query, .cookie = cookie};
    int result = vhv_cpuid_new(&reader.cpuid);

    if (result < 0)
        return result;
    result = read_all(&reader);
    if (result < 0) {
        vhv_cpuid_free(reader.cpuid);
        return result;
    }
    *ret = reader.cpuid;
    return 0;
}

static void ask_processor(uint32_t leaf, uint32_t subleaf, uint32_t reg[VHV_CPUID_REGS],
                          void *cookie)
{
    (void)cookie;
    __cpuid_count(leaf, subleaf, reg[VHV_EAX], reg[VHV_EBX], reg[VHV_ECX], reg[VHV_EDX]);
}

int vhv_cpuid_read_processor(struct vhv_cpuid **ret)
{
    return vhv_cpuid_enumerate(ret, ask_processor, NULL);
}
