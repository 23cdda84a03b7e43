/* SPDX-License-Identifier: MIT */
/*
 * Firecracker's custom CPU templates: bits of registers of leaves, set, cleared or left as they
 * are. Source: [Firecracker documentation "CPU templates", schema.json].
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "config/convert.h"
#include "cpuid/mask_text.h"
#include "cpuid/registers.h"

/* KVM_CPUID_FLAG_SIGNIFCANT_INDEX: the entry has a subleaf. */
enum { FLAG_SUBLEAF = 1 };

/* A path, such as cpuid_modifiers[2].modifiers[0], and a word or so. */
enum { PATH_BYTES = 96 };

/* Members of an object, by name. */
struct members {
    const char *const *names;
    const cJSON **items;
    size_t count;
};

/* Finds each member once. Those before @required must be there. */
static int find_members(const cJSON *object, struct members *members, size_t required)
{
    const cJSON *item;

    if (!cJSON_IsObject(object))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "this is not an object");
    cJSON_ArrayForEach(item, object)
    {
        char shown[PATH_BYTES];
        size_t i = 0;

        while (i < members->count && strcmp(item->string, members->names[i]) != 0)
            i++;
        vhv_text_printable(shown, sizeof(shown), item->string);
        if (i == members->count)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: there is no such member", shown);
        if (members->items[i])
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s is given twice", shown);
        members->items[i] = item;
    }
    for (size_t i = 0; i < required; i++) {
        if (!members->items[i])
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s is missing", members->names[i]);
    }
    return 0;
}

/* "0x1f" or "0b101". */
static int read_number(uint32_t *number, const cJSON *item)
{
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    bool is_binary = strncmp(text, "0b", 2) == 0;
    const char *digits = text + 2;
    size_t count, most = is_binary ? 32 : 8;

    if (!is_binary && strncmp(text, "0x", 2) != 0)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                        "%s: this is not a string of a number such as \"0x1f\" or \"0b101\"",
                        item->string);
    count = strspn(digits, is_binary ? "01" : "0123456789abcdefABCDEF");
    if (!count || digits[count])
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: this is not a number", item->string);
    if (count - strspn(digits, "0") > most)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: the number has more than 32 bits",
                        item->string);
    *number = (uint32_t)strtoul(digits, NULL, is_binary ? 2 : 16);
    return 0;
}

/* Bit 0 is the last character; what a short one does not have is left as it is. */
static int read_bitmap(struct vhv_mask *mask, const cJSON *item)
{
    const char *text = cJSON_IsString(item) ? item->valuestring : NULL;
    size_t first, at;
    unsigned bit = 0;

    if (!text)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "bitmap: this is not a string");
    first = strncmp(text, "0b", 2) == 0 ? 2 : 0;
    *mask = (struct vhv_mask){{0}};
    for (at = strlen(text); at > first; at--) {
        char c = text[at - 1];
        int result = 0;

        if (c == '_')
            continue;
        if (c != 'x' && c != '0' && c != '1')
            result = vhv_text_fail_at(text, at - 1, "found what is none of '0', '1', 'x', '_'");
        else if (bit == 32)
            result = vhv_text_fail_at(text, at - 1, "found a bit before bit 31");
        if (result < 0)
            return vhv_fail_within(result, "bitmap");
        mask->op[bit++] = c == 'x' ? VHV_MASK_PASS : c == '1' ? VHV_MASK_FORCE : VHV_MASK_HIDE;
    }
    return 0;
}

static int read_register(enum vhv_cpuid_reg *reg, const cJSON *item)
{
    for (unsigned i = 0; cJSON_IsString(item) && i < VHV_CPUID_REGS; i++) {
        if (strcmp(item->valuestring, vhv_cpuid_registers[i]) == 0) {
            *reg = (enum vhv_cpuid_reg)i;
            return 0;
        }
    }
    return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "register: this is not eax, ebx, ecx or edx");
}

static int import_register(struct vhv_import *import, struct vhv_mask_key *key, const cJSON *object)
{
    enum { REGISTER, BITMAP, COUNT };
    static const char *const names[COUNT] = {"register", "bitmap"};
    const cJSON *items[COUNT] = {0};
    struct members members = {names, items, COUNT};
    struct vhv_mask mask;
    int result = find_members(object, &members, COUNT);

    if (result >= 0)
        result = read_register(&key->reg, items[REGISTER]);
    if (result >= 0)
        result = read_bitmap(&mask, items[BITMAP]);
    return result < 0 ? result : vhv_import_mask(import, key, &mask);
}

/* KVM's flags of the entry, of which libvhv has the leaf decide. */
static int import_flags(struct vhv_import *import, const struct vhv_mask_key *key,
                        const cJSON *item, const char *path)
{
    bool has_subleaf = key->subleaf > 0 || vhv_cpuid_leaf_has_subleaves(key->leaf);
    uint64_t flags;
    char what[48];

    if (!cJSON_IsNumber(item) || vhv_json_number(item, 32, &flags) < 0)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "flags: this is not an integer of 32 bits");
    if (flags == (has_subleaf ? FLAG_SUBLEAF : 0))
        return 0;
    snprintf(what, sizeof(what), "flags are %" PRIu64, flags);
    return vhv_import_lose(import, path, what,
                           has_subleaf ? "the leaf has subleaves: its flags are 1"
                                       : "the leaf has no subleaves: its flags are 0",
                           "nothing, if the template was made on another kernel");
}

static int import_leaf(struct vhv_import *import, const cJSON *object, const char *path)
{
    enum { LEAF, SUBLEAF, FLAGS, MODIFIERS, COUNT };
    static const char *const names[COUNT] = {"leaf", "subleaf", "flags", "modifiers"};
    const cJSON *items[COUNT] = {0}, *item;
    struct members members = {names, items, COUNT};
    struct vhv_mask_key key = {0};
    size_t index = 0;
    int result = find_members(object, &members, COUNT);

    if (result >= 0)
        result = read_number(&key.leaf, items[LEAF]);
    if (result >= 0)
        result = read_number(&key.subleaf, items[SUBLEAF]);
    if (result >= 0)
        result = import_flags(import, &key, items[FLAGS], path);
    if (result >= 0 && !cJSON_IsArray(items[MODIFIERS]))
        result = vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "modifiers: this is not an array");
    if (result < 0)
        return result;
    cJSON_ArrayForEach(item, items[MODIFIERS])
    {
        result = import_register(import, &key, item);
        if (result < 0)
            return vhv_fail_within(result, "modifiers[%zu]", index);
        index++;
    }
    return 0;
}

static int import_leaves(struct vhv_import *import, const cJSON *array)
{
    const cJSON *item;
    size_t index = 0;

    cJSON_ArrayForEach(item, array)
    {
        char path[PATH_BYTES];
        int result;

        snprintf(path, sizeof(path), "cpuid_modifiers[%zu]", index++);
        result = import_leaf(import, item, path);
        if (result < 0)
            return vhv_fail_within(result, "%s", path);
    }
    return 0;
}

static int lose_msrs(struct vhv_import *import, const cJSON *array)
{
    const cJSON *item;
    size_t index = 0;

    cJSON_ArrayForEach(item, array)
    {
        const cJSON *address = cJSON_GetObjectItemCaseSensitive(item, "addr");
        char path[PATH_BYTES], what[PATH_BYTES], shown[24] = "?";
        int result;

        if (cJSON_IsString(address))
            vhv_text_printable(shown, sizeof(shown), address->valuestring);
        snprintf(path, sizeof(path), "msr_modifiers[%zu]", index++);
        snprintf(what, sizeof(what), "MSR %s is modified", shown);
        result = vhv_import_lose(import, path, what, "masks are for CPUID alone",
                                 "set it before the guest runs, by vhv_vcpu_set_msrs()");
        if (result < 0)
            return result;
    }
    return 0;
}

static int lose_capabilities(struct vhv_import *import, const cJSON *array)
{
    const cJSON *item;
    size_t index = 0;

    cJSON_ArrayForEach(item, array)
    {
        char path[PATH_BYTES], what[PATH_BYTES], shown[24] = "?";
        int result;

        if (cJSON_IsString(item))
            vhv_text_printable(shown, sizeof(shown), item->valuestring);
        snprintf(path, sizeof(path), "kvm_capabilities[%zu]", index++);
        snprintf(what, sizeof(what), "KVM's capability %s is asked for", shown);
        result = vhv_import_lose(import, path, what, "masks are for CPUID alone",
                                 "ask vhv_host_capability() before the guest is made");
        if (result < 0)
            return result;
    }
    return 0;
}

static int import_root(struct vhv_import *import, const cJSON *root)
{
    enum { CPUID, MSR, CAPABILITIES, COUNT };
    static const char *const names[COUNT] = {"cpuid_modifiers", "msr_modifiers",
                                             "kvm_capabilities"};
    const cJSON *items[COUNT] = {0};
    struct members members = {names, items, COUNT};
    int result = find_members(root, &members, 0);

    for (size_t i = 0; i < COUNT && result >= 0; i++) {
        if (items[i] && !cJSON_IsArray(items[i]))
            result = vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: this is not an array", names[i]);
    }
    if (result >= 0)
        result = vhv_import_host_vhv(import);
    if (result >= 0)
        result = import_leaves(import, items[CPUID]);
    if (result >= 0)
        result = lose_msrs(import, items[MSR]);
    if (result >= 0)
        result = lose_capabilities(import, items[CAPABILITIES]);
    return result;
}

int vhv_firecracker_import(struct vhv_import *import)
{
    cJSON *root = NULL;
    int result = vhv_json_read(&root, import->text, strlen(import->text));

    if (result >= 0)
        result = import_root(import, root);
    cJSON_Delete(root);
    return result;
}
