/* SPDX-License-Identifier: MIT */
#include "cpuid/rules.h"

#include <inttypes.h>
#include <libvhv/feature.h>
#include <libvhv/mask.h>

#include "cpuid/vmx.h"

#define BIT(bit)        (UINT64_C(1) << (bit))
#define BITS(high, low) ((BIT(high) << 1) - BIT(low))
#define ALL             UINT32_MAX

/* Registers of a row. */
enum {
    A = 1 << VHV_EAX,
    B = 1 << VHV_EBX,
    C = 1 << VHV_ECX,
    D = 1 << VHV_EDX,
    CD = C | D,
    AC = A | C,
    ABC = A | B | C,
    ABD = A | B | D,
    BCD = B | C | D,
    ABCD = A | B | C | D
};

/* No leaf has this subleaf. */
#define ANY UINT32_MAX

struct cpuid_row {
    uint32_t leaf;
    uint32_t subleaf; /* or ANY */
    uint8_t regs;
    struct vhv_field field;
};

#define FIELD(leaf, subleaf, regs, bits, rule, name) \
    {leaf, subleaf, regs, {bits, VHV_RULE_##rule, name}},

static const struct cpuid_row cpuid_rows[] = {
#include "cpuid/rules.inc"
};

struct msr_row {
    uint32_t msr;
    struct vhv_field field;
};

/* What no row names is features, but for the halves of controls. KVM holds the MSRs that a guest is
 * given against the same rules. [SDM "VMX Capability Reporting Facility"] */
static const struct msr_row msr_rows[] = {
    {VHV_VMX_BASIC, {BITS(30, 0), VHV_RULE_SAME, "VMCS revision"}},
    {VHV_VMX_BASIC, {BITS(44, 32), VHV_RULE_MOST, "size of a VMCS"}},
    {VHV_VMX_BASIC, {BIT(48), VHV_RULE_DEFICIT, NULL}},
    {VHV_VMX_BASIC, {BITS(53, 50), VHV_RULE_SAME, "memory type of a VMCS"}},
    {VHV_VMX_MISC, {BITS(4, 0), VHV_RULE_SAME, "rate of the VMX-preemption timer"}},
    {VHV_VMX_MISC, {BITS(24, 16), VHV_RULE_LEAST, "number of CR3-target values"}},
    {VHV_VMX_MISC, {BITS(27, 25), VHV_RULE_LEAST, "length of MSR lists"}},
    {VHV_VMX_MISC, {BITS(63, 32), VHV_RULE_SAME, "MSEG revision"}},
    {VHV_VMX_CR0_FIXED0, {UINT64_MAX, VHV_RULE_DEFICIT, NULL}},
    {VHV_VMX_CR4_FIXED0, {UINT64_MAX, VHV_RULE_DEFICIT, NULL}},
    {VHV_VMX_VMCS_ENUM, {BITS(9, 1), VHV_RULE_LEAST, "highest index of a VMCS field"}},
    {VHV_VMX_EPT_VPID_CAP, {BITS(53, 48), VHV_RULE_LEAST, "size of HLAT prefixes"}},
};

static const struct vhv_field must_be_1 = {UINT32_MAX, VHV_RULE_DEFICIT, NULL};

static void take(struct vhv_field *fields, size_t *count, uint64_t *left,
                 const struct vhv_field *field)
{
    if (!(field->bits & *left))
        return;
    fields[*count] = *field;
    fields[*count].bits &= *left;
    *left &= ~field->bits;
    ++*count;
}

static size_t fields_of_msr(uint32_t msr, struct vhv_field fields[VHV_FIELDS])
{
    uint64_t left = UINT64_MAX;
    size_t count = 0;

    for (size_t i = 0; i < sizeof(msr_rows) / sizeof(msr_rows[0]); i++) {
        if (msr_rows[i].msr == msr)
            take(fields, &count, &left, &msr_rows[i].field);
    }
    if (vhv_vmx_is_controls(msr))
        take(fields, &count, &left, &must_be_1);
    take(fields, &count, &left, &(struct vhv_field){left, VHV_RULE_FEATURE, NULL});
    return count;
}

size_t vhv_fields_of(const struct vhv_place *place, struct vhv_field fields[VHV_FIELDS])
{
    uint64_t left = UINT32_MAX;
    size_t count = 0;

    if (place->msr)
        return fields_of_msr(place->msr, fields);
    for (size_t i = 0; i < sizeof(cpuid_rows) / sizeof(cpuid_rows[0]); i++) {
        const struct cpuid_row *row = &cpuid_rows[i];

        if (row->leaf == place->leaf && row->regs >> place->reg & 1 &&
            (row->subleaf == ANY || row->subleaf == place->subleaf))
            take(fields, &count, &left, &row->field);
    }
    take(fields, &count, &left, &(struct vhv_field){left, VHV_RULE_FEATURE, NULL});
    return count;
}

bool vhv_rule_is_bitwise(enum vhv_rule rule)
{
    return rule == VHV_RULE_FEATURE || rule == VHV_RULE_DEFICIT;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t vhv_rule_join(enum vhv_rule rule, uint64_t a, uint64_t b)
{
    switch (rule) {
    case VHV_RULE_FEATURE:
        return a & b;
    case VHV_RULE_DEFICIT:
        return a | b;
    case VHV_RULE_LEAST_SET:
        return a && b ? least(a, b) : a + b;
    case VHV_RULE_LEAST:
    case VHV_RULE_IMPLIED:
        return least(a, b);
    case VHV_RULE_MOST:
        return a > b ? a : b;
    case VHV_RULE_SAME_OR_NONE:
        return b ? a : 0;
    default:
        return a;
    }
}

bool vhv_rule_allows(enum vhv_rule rule, uint64_t guest, uint64_t host)
{
    switch (rule) {
    case VHV_RULE_FEATURE:
    case VHV_RULE_LEAST:
        return guest <= host;
    case VHV_RULE_DEFICIT:
    case VHV_RULE_MOST:
        return guest >= host;
    case VHV_RULE_LEAST_SET:
        return !guest || !host || guest <= host;
    case VHV_RULE_SAME:
        return guest == host;
    case VHV_RULE_SAME_OR_NONE:
        return !guest || guest == host;
    default:
        return true;
    }
}

/* The name of a register's only bit that is looked at. */
static const char *bit_name(const struct vhv_place *place, unsigned bit, enum vhv_vendor vendor)
{
    const struct vhv_feature *feature;

    if (place->msr)
        return vhv_vmx_bit_name(place->msr, bit);
    feature = vhv_feature_of_bit(place->leaf, place->subleaf, place->reg, bit, vendor);
    return feature ? feature->name : NULL;
}

struct vhv_capture_field vhv_field_make(const struct vhv_place *place,
                                        const struct vhv_field *field, uint64_t bits,
                                        enum vhv_vendor vendor)
{
    struct vhv_capture_field made = {
        .msr = place->msr,
        .leaf = place->leaf,
        .subleaf = place->subleaf,
        .reg = place->reg,
        .bit = (uint8_t)__builtin_ctzll(bits),
        .bits = (uint8_t)__builtin_popcountll(bits),
        .name = field->name,
    };

    if (!made.name && made.bits == 1)
        made.name = bit_name(place, made.bit, vendor);
    return made;
}

int vhv_cpuid_add_places(struct vhv_cpuid *places, const struct vhv_cpuid *table)
{
    const struct vhv_cpuid_entry *entry;
    int result = 0;

    for (size_t i = 0; result == 0 && (entry = vhv_cpuid_at(table, i)); i++) {
        const struct vhv_cpuid_entry place = {entry->leaf, entry->subleaf, true, {0}};

        if (!vhv_cpuid_find(places, place.leaf, place.subleaf))
            result = vhv_cpuid_set(places, &place);
    }
    return result;
}

void vhv_field_format_value(uint64_t value, char text[VHV_VALUE_BYTES])
{
    snprintf(text, VHV_VALUE_BYTES, value <= UINT16_MAX ? "%" PRIu64 : "0x%" PRIx64, value);
}

static void print_place(const struct vhv_capture_field *field, char *text, size_t bytes)
{
    struct vhv_mask_key key = {.leaf = field->leaf, .subleaf = field->subleaf, .reg = field->reg};
    char name[VHV_MASK_KEY_TEXT_BYTES];

    if (field->msr) {
        vhv_vmx_msr_format(field->msr, text, bytes);
        return;
    }
    key.has_subleaf = field->subleaf > 0 || vhv_cpuid_leaf_has_subleaves(field->leaf);
    vhv_mask_key_format(&key, name);
    snprintf(text, bytes, "%s", name);
}

void vhv_capture_field_format(const struct vhv_capture_field *field, char *text, size_t bytes)
{
    bool is_all = field->bits == (field->msr ? 64 : 32);
    char place[VHV_MASK_KEY_TEXT_BYTES], where[16] = "";

    print_place(field, place, sizeof(place));
    if (field->bits == 1)
        snprintf(where, sizeof(where), " bit %u", field->bit);
    else if (!is_all)
        snprintf(where, sizeof(where), " bits %u:%u", field->bit + field->bits - 1u, field->bit);
    snprintf(text, bytes, "%s%s%s%s%s", place, where, field->name ? " (" : "",
             field->name ? field->name : "", field->name ? ")" : "");
}
