/* SPDX-License-Identifier: MIT */
#include <libvhv/mask.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpuid/mask_text.h"
#include "cpuid/registers.h"

/* "cpuid", leaf, subleaf, register, vendor. */
enum { MAX_PARTS = 5 };
/* Longer than any key can be; what is cut off was wrong anyway. */
enum { MAX_KEY_BYTES = 128 };

static const char form[] = "a key is cpuid.<leaf>[.<subleaf>].<eax|ebx|ecx|edx>[.<amd|intel>]";
static const char *const vendors[] = {
    [VHV_VENDOR_ANY] = "", [VHV_VENDOR_AMD] = "amd", [VHV_VENDOR_INTEL] = "intel"};

/* A key in lower case, taken apart at its dots. */
struct parts {
    char text[MAX_KEY_BYTES];
    const char *part[MAX_PARTS];
    size_t count;
};

#define fail_key(key, format, ...) \
    vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "key \"%s\": " format, key, __VA_ARGS__)

static int index_of(const char *word, const char *const *words, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0)
            return i;
    }
    return -1;
}

static bool is_register(const char *part)
{
    return index_of(part, vhv_cpuid_registers, VHV_CPUID_REGS) >= 0;
}

static int take_apart(struct parts *parts, const char *text, const char *shown)
{
    size_t length = strlen(text);
    char *at = parts->text;

    if (length >= sizeof(parts->text))
        return fail_key(shown, "too long: %s", form);
    for (size_t i = 0; i <= length; i++)
        parts->text[i] = vhv_ascii_lower(text[i]);
    for (parts->count = 0; at; parts->count++) {
        if (parts->count == MAX_PARTS)
            return fail_key(shown, "more than %d parts: %s", MAX_PARTS, form);
        parts->part[parts->count] = strsep(&at, ".");
    }
    return 0;
}

/* Of the ranges in which processors and hypervisors have leaves, those that decimal digits can
 * write; 2000_0000h is Xeon Phi's. */
static bool is_plausible_leaf(uint64_t leaf)
{
    uint64_t upper = leaf >> 16;

    return upper == 0 || upper == 0x2000 || upper == 0x8000 || leaf >> 28 == 4;
}

static int read_number(uint32_t *number, const char *part, const char *what, const char *shown)
{
    size_t length = strlen(part);

    if (length > 2 && strncmp(part, "0x", 2) == 0)
        return fail_key(shown, "%s \"%s\": numbers are hexadecimal without 0x", what, part);
    if (length == 0 || strspn(part, "0123456789abcdef") != length)
        return fail_key(shown, "%s \"%s\" is not a hexadecimal number: %s", what, part, form);
    if (length - strspn(part, "0") > 8)
        return fail_key(shown, "%s %s does not fit 32 bits", what, part);
    *number = (uint32_t)strtoul(part, NULL, 16);
    return 0;
}

/* Generators of keys that print leaves as decimal numbers are common. */
static int read_leaf(uint32_t *leaf, const struct parts *parts, const char *shown)
{
    const char *part = parts->part[1];
    size_t length = strlen(part) - strspn(part, "0");
    bool decimal = part[strspn(part, "0123456789")] == 0;

    if (decimal && length >= 8 && !is_plausible_leaf(strtoull(part, NULL, 16)) &&
        strtoull(part, NULL, 10) <= UINT32_MAX)
        return fail_key(shown,
                        "no processor has leaf %s: numbers are hexadecimal; the decimal number %s "
                        "is leaf %llx",
                        part, part, strtoull(part, NULL, 10));
    return read_number(leaf, part, "leaf", shown);
}

/* The parts after the leaf: [subleaf] register [vendor]. */
static int read_rest(struct vhv_mask_key *key, const struct parts *parts, const char *shown)
{
    size_t at = 2;
    int vendor, result, reg;

    if (!is_register(parts->part[at]) && at + 1 < parts->count &&
        is_register(parts->part[at + 1])) {
        result = read_number(&key->subleaf, parts->part[at], "subleaf", shown);
        if (result < 0)
            return result;
        key->has_subleaf = true;
        at++;
    }
    reg = index_of(parts->part[at], vhv_cpuid_registers, VHV_CPUID_REGS);
    if (reg < 0)
        return fail_key(shown, "\"%s\" is not a register: eax, ebx, ecx or edx", parts->part[at]);
    key->reg = (enum vhv_cpuid_reg)reg;
    if (++at == parts->count)
        return 0;
    vendor = index_of(parts->part[at], vendors, sizeof(vendors) / sizeof(vendors[0]));
    if (vendor <= VHV_VENDOR_ANY)
        return fail_key(shown, "\"%s\" is not a vendor: amd or intel", parts->part[at]);
    key->vendor = (enum vhv_vendor)vendor;
    if (++at < parts->count)
        return fail_key(shown, "\"%s\" is too much: %s", parts->part[at], form);
    return 0;
}

int vhv_mask_key_parse(struct vhv_mask_key *key, const char *text)
{
    struct vhv_mask_key read = {0};
    char shown[MAX_KEY_BYTES];
    struct parts parts;
    int result;

    vhv_text_printable(shown, sizeof(shown), text);
    result = take_apart(&parts, text, shown);
    if (result < 0)
        return result;
    if (strcmp(parts.part[0], "cpuid") != 0)
        return fail_key(shown, "does not begin with \"cpuid.\": %s", form);
    if (parts.count < 2)
        return fail_key(shown, "names no leaf: %s", form);
    result = read_leaf(&read.leaf, &parts, shown);
    if (result < 0)
        return result;
    if (parts.count < 3)
        return fail_key(shown, "names no register: %s", form);
    result = read_rest(&read, &parts, shown);
    if (result < 0)
        return result;
    *key = read;
    return 0;
}

void vhv_mask_key_format(const struct vhv_mask_key *key, char text[VHV_MASK_KEY_TEXT_BYTES])
{
    char subleaf[16] = "";
    bool named = key->vendor == VHV_VENDOR_AMD || key->vendor == VHV_VENDOR_INTEL;

    if (key->has_subleaf)
        snprintf(subleaf, sizeof(subleaf), ".%x", key->subleaf);
    snprintf(text, VHV_MASK_KEY_TEXT_BYTES, "cpuid.%x%s.%s%s%s", key->leaf, subleaf,
             (unsigned)key->reg < VHV_CPUID_REGS ? vhv_cpuid_registers[key->reg] : "?",
             named ? "." : "", named ? vendors[key->vendor] : "");
}
