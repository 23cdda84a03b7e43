/* SPDX-License-Identifier: MIT */
/*
 * Xen's cpuid= in both forms: names of features and numbers, or the bits of registers.
 * Source: [xl.cfg(5) "cpuid"].
 */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "config/convert.h"
#include "cpuid/registers.h"

static const char white[] = " \t\r\n";

/* What the characters mean: 's' is an old word for 'k'. */
static int op_of(char c)
{
    switch (c) {
    case '0':
        return VHV_MASK_HIDE;
    case '1':
        return VHV_MASK_FORCE;
    case 'k':
    case 's':
        return VHV_MASK_HOST;
    case 'x':
        return VHV_IMPORT_UNDECIDED;
    default:
        return -1;
    }
}

static int import_field(struct vhv_import *import, const struct vhv_field_name *field,
                        const struct vhv_span *value)
{
    uint64_t number;
    int result;

    if (value->bytes == 1 && strchr("kxs", *value->text))
        return vhv_import_bits(import, &field->key, vhv_field_mask(field),
                               (uint8_t)op_of(*value->text));
    result = vhv_import_number(import, value, &number);
    if (result >= 0)
        result = vhv_import_field(import, field, number);
    if (result == -ERANGE)
        return vhv_import_fail_at(import, value->text, "found a number that is too large");
    return result;
}

static int import_feature(struct vhv_import *import, const struct vhv_span *name,
                          const struct vhv_span *value)
{
    int op = value->bytes == 1 ? op_of(*value->text) : -1;
    char shown[VHV_WORD_BYTES];
    int result;

    if (op < 0)
        return vhv_import_fail_at(import, value->text, "found none of 0, 1, x, k and s");
    result = vhv_import_feature(import, VHV_NAMER_XEN, name, (uint8_t)op);
    if (result != 0)
        return result;
    vhv_span_show(shown, name);
    return vhv_import_lose(import, shown, "no bit of CPUID has this name here",
                           "masks say bits of CPUID alone",
                           "see whether it is misspelt, or a bit of an MSR");
}

static int import_item(struct vhv_import *import, const struct vhv_span *item)
{
    const char *equals = memchr(item->text, '=', item->bytes);
    const struct vhv_field_name *field;
    struct vhv_span name, value;

    if (!equals)
        return vhv_import_fail_at(import, item->text, "found no '=' after the name");
    name = (struct vhv_span){.text = item->text, .bytes = (size_t)(equals - item->text)};
    value = (struct vhv_span){.text = equals + 1, .bytes = item->bytes - name.bytes - 1};
    field = vhv_field_find(VHV_NAMER_XEN, &name);
    return field ? import_field(import, field, &value) : import_feature(import, &name, &value);
}

/* host,tm=0,family=6 */
static int import_names(struct vhv_import *import, const struct vhv_span *string)
{
    const char *end = string->text + string->bytes, *at = string->text;
    bool is_first = true;

    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        struct vhv_span item = {.text = at, .bytes = (size_t)((comma ? comma : end) - at)};
        int result = 0;

        if (is_first && !vhv_span_is(&item, "host"))
            return vhv_import_fail_at(import, at, "found no \"host\", which comes first");
        if (!is_first && item.bytes)
            result = import_item(import, &item);
        if (result < 0)
            return result;
        is_first = false;
        at = comma ? comma + 1 : end;
    }
    return is_first ? vhv_import_fail_at(import, at, "found nothing: \"host\" comes first") : 0;
}

/* Moves @at behind the number. */
static int read_number(const struct vhv_import *import, const char **at, uint32_t *number)
{
    struct vhv_span digits = {.text = *at, .bytes = strspn(*at, "0123456789abcdefABCDEFxX")};
    uint64_t wide;
    int result = vhv_import_number(import, &digits, &wide);

    if (result < 0)
        return result;
    if (wide > UINT32_MAX)
        return vhv_import_fail_at(import, *at, "found a number of more than 32 bits");
    *number = (uint32_t)wide;
    *at += digits.bytes;
    return 0;
}

/* ecx=x0…; the leaf and subleaf are in @key. Moves @at behind it. */
static int import_register(struct vhv_import *import, struct vhv_mask_key *key, const char **at,
                           const char *end)
{
    struct vhv_mask mask;
    unsigned reg = 0;

    while (reg < VHV_CPUID_REGS && strncmp(*at, vhv_cpuid_registers[reg], 3) != 0)
        reg++;
    if (reg == VHV_CPUID_REGS || (*at)[3] != '=')
        return vhv_import_fail_at(import, *at, "found none of eax=, ebx=, ecx= and edx=");
    key->reg = (enum vhv_cpuid_reg)reg;
    *at += 4;
    for (int bit = 31; bit >= 0; bit--, (*at)++) {
        int op = *at < end ? op_of(**at) : -1;

        if (op < 0)
            return vhv_import_fail_at(import, *at,
                                      "found none of 0, 1, x, k and s for bit %d: a register has "
                                      "32 of them, bit 31 first",
                                      bit);
        mask.op[bit] = (uint8_t)op;
    }
    return vhv_import_mask(import, key, &mask);
}

/* 7,0:ebx=…,ecx=… */
static int import_registers(struct vhv_import *import, const struct vhv_span *string)
{
    const char *end = string->text + string->bytes, *at = string->text;
    struct vhv_mask_key key = {0};
    int result = read_number(import, &at, &key.leaf);

    if (result >= 0 && *at == ',') {
        at++;
        result = read_number(import, &at, &key.subleaf);
    }
    if (result < 0)
        return result;
    if (*at != ':')
        return vhv_import_fail_at(import, at, "found no ':' after the leaf");
    for (at++; at < end; at += strspn(at, white)) {
        result = import_register(import, &key, &at, end);
        if (result < 0)
            return result;
        if (at < end && *at != ',')
            return vhv_import_fail_at(import, at, "found more than 32 bits");
        at += at < end;
    }
    return 0;
}

/* The string in quotes at *@at, which moves behind it. */
static int read_string(const struct vhv_import *import, struct vhv_span *string, const char **at)
{
    const char *close;

    if (**at != '"' && **at != '\'')
        return vhv_import_fail_at(import, *at, "found no quotation mark: a list is of strings");
    close = strchr(*at + 1, **at);
    if (!close)
        return vhv_import_fail_at(import, *at, "found a quotation mark that is never closed");
    *string = (struct vhv_span){.text = *at + 1, .bytes = (size_t)(close - *at) - 1};
    *at = close + 1;
    return 0;
}

/* ["1:ecx=…", "7,0:ebx=…"] */
static int import_list(struct vhv_import *import, const char **at)
{
    while (true) {
        struct vhv_span string;
        int result;

        *at += 1 + strspn(*at + 1, white);
        if (**at == ']')
            break;
        result = read_string(import, &string, at);
        if (result >= 0)
            result = import_registers(import, &string);
        if (result < 0)
            return result;
        *at += strspn(*at, white);
        if (**at == ']')
            break;
        if (**at != ',')
            return vhv_import_fail_at(import, *at, "found neither ',' nor ']' after the string");
    }
    *at += 1;
    return 0;
}

/* What stands in one string, with or without its quotes. */
static int import_string(struct vhv_import *import, const struct vhv_span *string)
{
    bool is_leaf = string->bytes && *string->text >= '0' && *string->text <= '9';

    return is_leaf ? import_registers(import, string) : import_names(import, string);
}

int vhv_xen_import(struct vhv_import *import)
{
    struct vhv_span string = vhv_span_trim(import->text);
    const char *at = string.text;
    int result;

    if (strncmp(at, "cpuid", 5) == 0 && at[5 + strspn(at + 5, white)] == '=') {
        at += 5 + strspn(at + 5, white) + 1;
        string = vhv_span_trim(at);
        at = string.text;
    }
    if (*at == '[') {
        result = import_list(import, &at);
    } else if (*at == '"' || *at == '\'') {
        result = read_string(import, &string, &at);
        if (result >= 0)
            result = import_string(import, &string);
    } else {
        at += string.bytes;
        result = import_string(import, &string);
    }
    if (result >= 0 && at[strspn(at, white)])
        result = vhv_import_fail_at(import, at + strspn(at, white), "found more after the value");
    return result;
}

static char character_of(uint8_t op)
{
    static const char characters[] = {
        [VHV_MASK_PASS] = 'x',  [VHV_MASK_HIDE] = '0',     [VHV_MASK_FORCE] = '1',
        [VHV_MASK_HOST] = 'k',  [VHV_MASK_RESERVED] = '0', [VHV_MASK_TRUE] = '1',
        [VHV_MASK_FALSE] = '0',
    };

    return characters[op];
}

static void write_feature(FILE *stream, const char *name, uint8_t op)
{
    fprintf(stream, ",%s=%c", name, character_of(op));
}

static void write_number(FILE *stream, const char *name, uint32_t number)
{
    fprintf(stream, ",%s=%" PRIu32, name, number);
}

int vhv_xen_export(struct vhv_export *export)
{
    static const struct vhv_name_writer writer = {
        .namer = VHV_NAMER_XEN, .forces = true, .feature = write_feature, .field = write_number};

    fputs("cpuid = \"host", export->stream);
    vhv_export_names(export, &writer);
    fputs("\"\n", export->stream);
    return 0;
}

static void write_leaf(FILE *stream, const struct vhv_mask_key *key, bool is_first)
{
    fprintf(stream, "%s    \"0x%" PRIx32, is_first ? "" : "\",\n", key->leaf);
    if (key->has_subleaf)
        fprintf(stream, ",0x%" PRIx32, key->subleaf);
}

int vhv_xen_export_registers(struct vhv_export *export)
{
    const struct vhv_mask_key *last = NULL;

    fputs("cpuid = [\n", export->stream);
    for (size_t i = 0; i < export->count; i++) {
        struct vhv_export_register *found = &export->registers[i];
        const struct vhv_mask_key *key = &found->key;
        bool is_same = last && last->leaf == key->leaf && last->subleaf == key->subleaf;

        found->written = UINT32_MAX;
        if (!vhv_export_decided(found))
            continue;
        if (!is_same)
            write_leaf(export->stream, key, !last);
        fprintf(export->stream, "%c%s=", is_same ? ',' : ':', vhv_cpuid_registers[key->reg]);
        for (int bit = 31; bit >= 0; bit--)
            fputc(character_of(found->mask.op[bit]), export->stream);
        last = key;
    }
    fprintf(export->stream, "%s]\n", last ? "\"\n" : "");
    return 0;
}
