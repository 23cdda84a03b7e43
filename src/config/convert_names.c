/* SPDX-License-Identifier: MIT */
/* Names of features and of fields, as QEMU and Xen know them. */
#include <string.h>

#include "base/error.h"
#include "config/convert.h"
#include "cpuid/mask_text.h"

static const struct name {
    const char *feature;
    const char *names[VHV_NAMERS];
} names[] = {
#define NAMES(feature, qemu, xen) {feature, {[VHV_NAMER_QEMU] = qemu, [VHV_NAMER_XEN] = xen}},
#include "config/convert_names.inc"
};

enum { NAMES_COUNT = sizeof(names) / sizeof(names[0]) };

/* Other names that are read. Xen's are those of its header arch-x86/cpufeatureset.h. */
static const struct {
    enum vhv_namer namer;
    const char *alias;
    const char *name;
} aliases[] = {
    {VHV_NAMER_QEMU, "ffxsr", "fxsr-opt"},
    {VHV_NAMER_QEMU, "i64", "lm"},
    {VHV_NAMER_QEMU, "pclmuldq", "pclmulqdq"},
    {VHV_NAMER_QEMU, "sse3", "pni"},
    {VHV_NAMER_QEMU, "sse4-1", "sse4.1"},
    {VHV_NAMER_QEMU, "sse4-2", "sse4.2"},
    {VHV_NAMER_QEMU, "xd", "nx"},
    {VHV_NAMER_XEN, "aesni", "aes"},
    {VHV_NAMER_XEN, "amd-ppin", "ppin"},
    {VHV_NAMER_XEN, "cmp-legacy", "cmplegacy"},
    {VHV_NAMER_XEN, "cr8-legacy", "altmovcr8"},
    {VHV_NAMER_XEN, "cx16", "cmpxchg16"},
    {VHV_NAMER_XEN, "cx8", "cmpxchg8"},
    {VHV_NAMER_XEN, "eist", "est"},
    {VHV_NAMER_XEN, "itsc", "invtsc"},
    {VHV_NAMER_XEN, "lahf-lm", "lahfsahf"},
    {VHV_NAMER_XEN, "lfence-dispatch", "lfence+"},
    {VHV_NAMER_XEN, "nodeid-msr", "nodeid"},
    {VHV_NAMER_XEN, "pqm", "cmt"},
    {VHV_NAMER_XEN, "sep", "sysenter"},
    {VHV_NAMER_XEN, "sse4-1", "sse4.1"},
    {VHV_NAMER_XEN, "sse4-2", "sse4.2"},
    {VHV_NAMER_XEN, "tm1", "tm"},
};

/* Bits of 1 EDX that AMD's processors repeat in 8000_0001h EDX, where they have no names. Both QEMU
 * and Xen keep them equal. */
#define REPEATED UINT32_C(0x0183f3ff)

static const struct vhv_mask_key repeated_in = {
    .leaf = 0x80000001, .reg = VHV_EDX, .vendor = VHV_VENDOR_AMD};

static const struct vhv_field_name fields[] = {
    {{"level", "maxleaf"}, {.leaf = 0, .reg = VHV_EAX}, 0, 32, 0, 0, false},
    {{"xlevel", NULL}, {.leaf = 0x80000000, .reg = VHV_EAX}, 0, 32, 0, 0, false},
    {{NULL, "maxhvleaf"}, {.leaf = 0x40000000, .reg = VHV_EAX}, 0, 8, 0, 0, false},
    {{"stepping", "stepping"}, {.leaf = 1, .reg = VHV_EAX}, 0, 4, 0, 0, false},
    {{"model", "model"}, {.leaf = 1, .reg = VHV_EAX}, 4, 4, 16, 4, false},
    {{"family", "family"}, {.leaf = 1, .reg = VHV_EAX}, 8, 4, 20, 8, true},
    {{NULL, "brandid"}, {.leaf = 1, .reg = VHV_EBX}, 0, 8, 0, 0, false},
    {{NULL, "clflush"}, {.leaf = 1, .reg = VHV_EBX}, 8, 8, 0, 0, false},
    {{NULL, "proccount"}, {.leaf = 1, .reg = VHV_EBX}, 16, 8, 0, 0, false},
    {{NULL, "localapicid"}, {.leaf = 1, .reg = VHV_EBX}, 24, 8, 0, 0, false},
    {{NULL, "procpkg"}, {.leaf = 4, .reg = VHV_EAX}, 26, 6, 0, 0, false},
    {{NULL, "nc"}, {.leaf = 0x80000008, .reg = VHV_ECX}, 0, 8, 0, 0, false},
    {{NULL, "apicidsize"}, {.leaf = 0x80000008, .reg = VHV_ECX}, 12, 4, 0, 0, false},
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static char normal(char c)
{
    return c == '_' ? '-' : vhv_ascii_lower(c);
}

/* Both systems take '_' for '-' in most names. */
static bool is_name(const char *name, const struct vhv_span *wanted)
{
    for (size_t i = 0; i < wanted->bytes; i++) {
        if (!name[i] || normal(name[i]) != normal(wanted->text[i]))
            return false;
    }
    return !name[wanted->bytes];
}

static int import_bit(struct vhv_import *import, const struct vhv_feature *feature, uint8_t op)
{
    const struct vhv_mask_key key = {
        .leaf = feature->leaf, .subleaf = feature->subleaf, .reg = feature->reg};
    uint32_t bit = UINT32_C(1) << feature->bit;
    int result = vhv_import_bits(import, &key, bit, op);

    if (result >= 0 && key.leaf == 1 && key.reg == VHV_EDX && bit & REPEATED)
        result = vhv_import_bits(import, &repeated_in, bit, op);
    return result;
}

/* The name that the table has. */
static struct vhv_span resolve(enum vhv_namer namer, const struct vhv_span *name)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (aliases[i].namer == namer && is_name(aliases[i].alias, name))
            return vhv_span_of(aliases[i].name);
    }
    return *name;
}

/* The next row from @index on that has the name; NAMES_COUNT: there is none. */
static size_t next_row(enum vhv_namer namer, const struct vhv_span *name, size_t index)
{
    while (index < NAMES_COUNT &&
           (!names[index].names[namer] || !is_name(names[index].names[namer], name)))
        index++;
    return index;
}

bool vhv_is_feature(enum vhv_namer namer, const struct vhv_span *name)
{
    struct vhv_span resolved = resolve(namer, name);

    return next_row(namer, &resolved, 0) < NAMES_COUNT;
}

int vhv_import_feature(struct vhv_import *import, enum vhv_namer namer, const struct vhv_span *name,
                       uint8_t op)
{
    struct vhv_span resolved = resolve(namer, name);
    size_t row = next_row(namer, &resolved, 0);
    int found = row < NAMES_COUNT;

    for (; row < NAMES_COUNT; row = next_row(namer, &resolved, row + 1)) {
        int result = import_bit(import, vhv_feature_find(names[row].feature), op);

        if (result < 0)
            return result;
    }
    return found;
}

const struct vhv_field_name *vhv_field_find(enum vhv_namer namer, const struct vhv_span *name)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].names[namer] && is_name(fields[i].names[namer], name))
            return &fields[i];
    }
    return NULL;
}

static uint32_t ones(unsigned bits)
{
    return bits == 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1;
}

uint32_t vhv_field_mask(const struct vhv_field_name *field)
{
    return ones(field->bits) << field->bit | ones(field->upper_bits) << field->upper;
}

int vhv_import_field(struct vhv_import *import, const struct vhv_field_name *field, uint64_t number)
{
    uint32_t most = ones(field->bits), value;
    uint64_t lower = number & most, upper = field->bits < 32 ? number >> field->bits : 0;
    int result;

    if (field->sums) {
        lower = number < most ? number : most;
        upper = number - lower;
    }
    if (upper > ones(field->upper_bits) || (field->bits == 32 && number > most))
        return -ERANGE;
    value = (uint32_t)lower << field->bit | (uint32_t)upper << field->upper;
    result = vhv_import_bits(import, &field->key, value, VHV_MASK_FORCE);
    if (result >= 0)
        result =
            vhv_import_bits(import, &field->key, vhv_field_mask(field) & ~value, VHV_MASK_HIDE);
    return result;
}

/* What is decided of the feature's bit; VHV_MASK_PASS if nothing is. */
static uint8_t op_of(const struct vhv_export *export, const struct vhv_feature *feature,
                     struct vhv_export_register **found)
{
    *found = vhv_export_find(export, feature->leaf, feature->subleaf, feature->reg);
    return *found ? (*found)->mask.op[feature->bit] : VHV_MASK_PASS;
}

/* A name that stands for more than one bit can be written if it says the same of all of them. */
static bool has_conflict(const struct vhv_export *export, enum vhv_namer namer, size_t row,
                         uint8_t op, bool *is_written)
{
    const struct vhv_span name = vhv_span_of(names[row].names[namer]);

    *is_written = false;
    for (size_t i = next_row(namer, &name, 0); i < NAMES_COUNT; i = next_row(namer, &name, i + 1)) {
        const struct vhv_feature *feature = vhv_feature_find(names[i].feature);
        struct vhv_export_register *found;

        if (op_of(export, feature, &found) != op)
            return true;
        *is_written = *is_written || found->written >> feature->bit & 1;
    }
    return false;
}

static void export_feature(struct vhv_export *export, const struct vhv_name_writer *writer,
                           const struct vhv_feature *feature, size_t row)
{
    const char *name = names[row].names[writer->namer];
    uint32_t bit = UINT32_C(1) << feature->bit;
    struct vhv_export_register *found;
    uint8_t op = op_of(export, feature, &found);
    bool is_written;

    if (op == VHV_MASK_PASS || !name || has_conflict(export, writer->namer, row, op, &is_written))
        return;
    found->written |= bit;
    if (op == VHV_MASK_FORCE && !writer->forces)
        found->unforced |= bit;
    if (!is_written)
        writer->feature(export->stream, name, op);
}

/* Both tables have the same order. */
static void export_features(struct vhv_export *export, const struct vhv_name_writer *writer)
{
    const struct vhv_feature *feature;
    size_t row = 0;

    for (size_t i = 0; row < NAMES_COUNT && (feature = vhv_feature_at(i)); i++) {
        if (strcmp(names[row].feature, feature->name) == 0)
            export_feature(export, writer, feature, row++);
    }
}

/* The number in a field all of whose bits are decided; else -1. */
static int64_t number_of(const struct vhv_export_register *found,
                         const struct vhv_field_name *field)
{
    uint32_t zeros = vhv_export_zeros(found), set = vhv_export_ones(found);
    uint32_t mask = vhv_field_mask(field);
    int64_t lower = set >> field->bit & ones(field->bits);
    int64_t upper = set >> field->upper & ones(field->upper_bits);

    if (((zeros | set) & mask) != mask)
        return -1;
    if (!field->sums)
        return field->upper_bits ? lower | upper << field->bits : lower;
    return upper && lower != ones(field->bits) ? -1 : lower + upper;
}

static void export_field(struct vhv_export *export, const struct vhv_name_writer *writer,
                         const struct vhv_field_name *field)
{
    const struct vhv_mask_key *key = &field->key;
    struct vhv_export_register *found = vhv_export_find(export, key->leaf, key->subleaf, key->reg);
    int64_t number = found ? number_of(found, field) : -1;

    if (number < 0 || !field->names[writer->namer])
        return;
    found->written |= vhv_field_mask(field);
    writer->field(export->stream, field->names[writer->namer], (uint32_t)number);
}

/* Repeated bits are said by their names, if both are to be the same. */
static void export_repeated(const struct vhv_export *export)
{
    const struct vhv_export_register *named = vhv_export_find(export, 1, 0, VHV_EDX);
    struct vhv_export_register *found =
        vhv_export_find(export, repeated_in.leaf, repeated_in.subleaf, repeated_in.reg);

    for (unsigned bit = 0; bit < 32 && named && found; bit++) {
        if (REPEATED >> bit & 1 && named->mask.op[bit] == found->mask.op[bit])
            found->written |= 1u << bit;
    }
}

void vhv_export_names(struct vhv_export *export, const struct vhv_name_writer *writer)
{
    for (size_t i = 0; i < FIELDS; i++)
        export_field(export, writer, &fields[i]);
    export_features(export, writer);
    export_repeated(export);
}
