/* SPDX-License-Identifier: MIT */
#include "cpuid/survey.h"

#include <stdlib.h>

#include "base/error.h"

/* Where ranges of leaves begin, whether or not the table has them; 4000_0100h is where KVM goes
   when another hypervisor's leaves come first. */
static const uint32_t ranges[] = {0, 0x40000000, 0x40000100, 0x80000000, 0xC0000000};

enum { RANGES = sizeof(ranges) / sizeof(ranges[0]) };

/* Beyond these, leaves and subleaves are asked for only where the table has them. */
enum { RANGE_LEAVES = 0x100, MAX_SUBLEAVES = 64 };

/* Counts questions, and keeps them once there is room. */
struct survey {
    const struct vhv_cpuid *table;
    struct vhv_cpuid_question *questions; /* NULL: only count */
    size_t count;
};

static void ask(struct survey *survey, uint32_t leaf, uint32_t subleaf)
{
    if (survey->questions)
        survey->questions[survey->count] = (struct vhv_cpuid_question){leaf, subleaf, {0}};
    survey->count++;
}

/* The subleaves of a leaf from entry @first of the table on. Returns the next leaf's first entry.
 */
static size_t ask_subleaves(struct survey *survey, size_t first)
{
    const struct vhv_cpuid_entry *entry = vhv_cpuid_at(survey->table, first);
    uint32_t leaf = entry->leaf, next = 0;
    size_t at = first;

    if (!entry->has_subleaf) {
        ask(survey, leaf, 0);
        return first + 1;
    }
    while ((entry = vhv_cpuid_at(survey->table, at)) && entry->leaf == leaf) {
        for (; next < entry->subleaf && next < MAX_SUBLEAVES; next++)
            ask(survey, leaf, next);
        ask(survey, leaf, entry->subleaf);
        next = entry->subleaf + 1;
        at++;
    }
    if (next < MAX_SUBLEAVES)
        ask(survey, leaf, next);
    return at;
}

/* Leaves of a range that the table lacks, and the one behind its last. */
static void ask_range(struct survey *survey, uint32_t first)
{
    uint32_t last = vhv_cpuid_get(survey->table, first, 0, VHV_EAX);

    if (last < first || last - first >= RANGE_LEAVES)
        last = first;
    for (uint32_t leaf = first; leaf <= last + 1; leaf++) {
        if (!vhv_cpuid_find(survey->table, leaf, 0))
            ask(survey, leaf, 0);
    }
}

static void ask_everything(struct survey *survey)
{
    for (size_t at = 0; at < vhv_cpuid_count(survey->table);)
        at = ask_subleaves(survey, at);
    for (int i = 0; i < RANGES; i++)
        ask_range(survey, ranges[i]);
}

int vhv_cpuid_survey(struct vhv_cpuid_question **ret, const struct vhv_cpuid *table)
{
    struct survey survey = {.table = table};

    ask_everything(&survey);
    survey.questions = calloc(survey.count, sizeof(survey.questions[0]));
    if (!survey.questions)
        return vhv_fail_memory(survey.count * sizeof(survey.questions[0]));
    survey.count = 0;
    ask_everything(&survey);
    *ret = survey.questions;
    return (int)survey.count;
}

struct answers {
    const struct vhv_cpuid *table;
    const struct vhv_cpuid_question *answered;
    size_t count;
    enum vhv_vendor vendor;                     /* by the answers */
    const struct vhv_cpuid_question *last_leaf; /* of the basic range; NULL: was not asked for */
};

static const struct vhv_cpuid_question *find(const struct answers *answers, uint32_t leaf)
{
    for (size_t i = 0; i < answers->count; i++) {
        if (answers->answered[i].leaf == leaf && answers->answered[i].subleaf == 0)
            return &answers->answered[i];
    }
    return NULL;
}

static bool is_same(const struct vhv_cpuid_question *a, const struct vhv_cpuid_question *b)
{
    return a->reg[VHV_EAX] == b->reg[VHV_EAX] && a->reg[VHV_EBX] == b->reg[VHV_EBX] &&
           a->reg[VHV_ECX] == b->reg[VHV_ECX] && a->reg[VHV_EDX] == b->reg[VHV_EDX];
}

/* Leaves of levels of topology: ECX[15:8] is the level's type, and none ends the list. */
static bool is_no_level(const struct vhv_cpuid_question *answer)
{
    return (answer->leaf == 0xB || answer->leaf == 0x1F || answer->leaf == 0x80000026) &&
           !(answer->reg[VHV_ECX] >> 8 & 0xFF) && !answer->reg[VHV_EAX] && !answer->reg[VHV_EBX];
}

/* Whether a processor gives this answer for a leaf or subleaf that it does not have. */
static bool is_nothing(const struct answers *answers, const struct vhv_cpuid_question *answer)
{
    static const struct vhv_cpuid_question zeros;

    if (is_same(answer, &zeros) || is_no_level(answer))
        return true;
    /* Intel's answer beyond a range as they answer the last basic leaf. */
    return answers->vendor == VHV_VENDOR_INTEL && answers->last_leaf &&
           answer->leaf > answers->last_leaf->leaf && is_same(answer, answers->last_leaf);
}

static int put(struct vhv_cpuid *cpuid, const struct answers *answers,
               const struct vhv_cpuid_question *answer)
{
    const struct vhv_cpuid_entry *known =
        vhv_cpuid_find(answers->table, answer->leaf, answer->subleaf);
    struct vhv_cpuid_entry entry = {.leaf = answer->leaf, .subleaf = answer->subleaf};

    if (!known && is_nothing(answers, answer))
        return 0;
    entry.has_subleaf =
        known ? known->has_subleaf : answer->subleaf || vhv_cpuid_leaf_has_subleaves(answer->leaf);
    for (int reg = VHV_EAX; reg <= VHV_EDX; reg++)
        entry.reg[reg] = answer->reg[reg];
    return vhv_cpuid_set(cpuid, &entry);
}

static int put_all(struct vhv_cpuid *cpuid, struct answers *answers)
{
    const struct vhv_cpuid_question *vendor = find(answers, 0);
    int result = 0;

    if (vendor) {
        result = put(cpuid, answers, vendor);
        answers->vendor = vhv_cpuid_vendor(cpuid);
        answers->last_leaf = find(answers, vendor->reg[VHV_EAX]);
    }
    for (size_t i = 0; i < answers->count && result == 0; i++)
        result = put(cpuid, answers, &answers->answered[i]);
    return result;
}

int vhv_cpuid_from_answers(struct vhv_cpuid **ret, const struct vhv_cpuid *table,
                           const struct vhv_cpuid_question *answered, size_t count)
{
    struct answers answers = {.table = table, .answered = answered, .count = count};
    struct vhv_cpuid *cpuid;
    int result = vhv_cpuid_new(&cpuid);

    if (result < 0)
        return result;
    result = put_all(cpuid, &answers);
    if (result < 0) {
        vhv_cpuid_free(cpuid);
        return result;
    }
    *ret = cpuid;
    return 0;
}
