/* SPDX-License-Identifier: MIT */
#include "cpuid/json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

/* The members of an entry. The first four are enum vhv_cpuid_reg. */
enum member { MEMBER_LEAF = VHV_CPUID_REGS, MEMBER_SUBLEAF, MEMBERS };

static const char *const member_names[MEMBERS] = {
    [VHV_EAX] = "eax", [VHV_EBX] = "ebx",      [VHV_ECX] = "ecx",
    [VHV_EDX] = "edx", [MEMBER_LEAF] = "leaf", [MEMBER_SUBLEAF] = "subleaf",
};

/* Hexadecimal reads like the manuals, and a string is exact in every reader of JSON. */
static bool add_hex(cJSON *object, unsigned member, const char *format, uint32_t value)
{
    char text[16];

    snprintf(text, sizeof(text), format, value);
    return cJSON_AddStringToObject(object, member_names[member], text);
}

static bool add_entry(cJSON *array, const struct vhv_cpuid_entry *entry)
{
    cJSON *object = cJSON_CreateObject();

    if (!cJSON_AddItemToArray(array, object))
        return false;
    if (!add_hex(object, MEMBER_LEAF, "0x%" PRIx32, entry->leaf))
        return false;
    if (entry->has_subleaf && !add_hex(object, MEMBER_SUBLEAF, "0x%" PRIx32, entry->subleaf))
        return false;
    for (unsigned reg = 0; reg < VHV_CPUID_REGS; reg++) {
        if (!add_hex(object, reg, "0x%08" PRIx32, entry->reg[reg]))
            return false;
    }
    return true;
}

bool vhv_cpuid_add_json(const struct vhv_cpuid *cpuid, cJSON *object)
{
    cJSON *array = cJSON_AddArrayToObject(object, "cpuid");
    bool complete = array;

    for (size_t i = 0; complete && i < vhv_cpuid_count(cpuid); i++)
        complete = add_entry(array, vhv_cpuid_at(cpuid, i));
    return complete;
}

int vhv_cpuid_print_json(const struct vhv_cpuid *cpuid, FILE *stream)
{
    cJSON *root = cJSON_CreateObject();
    char *text = vhv_cpuid_add_json(cpuid, root) ? cJSON_Print(root) : NULL;

    cJSON_Delete(root);
    if (!text)
        return vhv_fail(ENOMEM, VHV_CAUSE_NONE, "out of memory: could not write CPUID as JSON");
    fprintf(stream, "%s\n", text);
    cJSON_free(text);
    return 0;
}

static unsigned member_of_name(const char *name)
{
    unsigned member = 0;

    while (member < MEMBERS && strcmp(name, member_names[member]) != 0)
        member++;
    return member;
}

static int parse_members(const cJSON *object, size_t index, uint32_t values[MEMBERS],
                         unsigned *given)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, object)
    {
        unsigned member = member_of_name(item->string);
        uint64_t value;
        int result;

        if (member == MEMBERS)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "cpuid[%zu].%s: there is no such member",
                            index, item->string);
        if (*given & 1U << member)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "cpuid[%zu].%s is given twice", index,
                            item->string);
        result = vhv_json_number(item, 32, &value);
        if (result < 0)
            return vhv_fail_within(result, "cpuid[%zu].%s", index, item->string);
        values[member] = (uint32_t)value;
        *given |= 1U << member;
    }
    return 0;
}

static int parse_entry(const cJSON *object, size_t index, struct vhv_cpuid_entry *entry)
{
    uint32_t values[MEMBERS] = {0};
    unsigned given = 0;
    int result;

    if (!cJSON_IsObject(object))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "cpuid[%zu] is not an object", index);
    result = parse_members(object, index, values, &given);
    if (result < 0)
        return result;
    for (unsigned member = 0; member < MEMBERS; member++) {
        if (member != MEMBER_SUBLEAF && !(given & 1U << member))
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "cpuid[%zu].%s is missing", index,
                            member_names[member]);
    }
    entry->leaf = values[MEMBER_LEAF];
    entry->subleaf = values[MEMBER_SUBLEAF];
    entry->has_subleaf = given & 1U << MEMBER_SUBLEAF;
    memcpy(entry->reg, values, sizeof(entry->reg));
    return 0;
}

static int parse_entries(struct vhv_cpuid *cpuid, const cJSON *array)
{
    const cJSON *object;
    size_t index = 0;

    cJSON_ArrayForEach(object, array)
    {
        struct vhv_cpuid_entry entry;
        int result = parse_entry(object, index, &entry);

        if (result < 0)
            return result;
        result = vhv_cpuid_set(cpuid, &entry);
        if (result < 0)
            return vhv_fail_within(result, "cpuid[%zu]", index);
        if (vhv_cpuid_count(cpuid) != index + 1)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                            "cpuid[%zu]: an entry before it answers leaf 0x%" PRIx32
                            ", subleaf 0x%" PRIx32,
                            index, entry.leaf, entry.subleaf);
        index++;
    }
    return 0;
}

int vhv_cpuid_from_json(struct vhv_cpuid **ret, const cJSON *member)
{
    struct vhv_cpuid *cpuid;
    int result;

    if (!cJSON_IsArray(member))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "cpuid is not an array");
    result = vhv_cpuid_new(&cpuid);
    if (result < 0)
        return result;
    result = parse_entries(cpuid, member);
    if (result < 0) {
        vhv_cpuid_free(cpuid);
        return result;
    }
    *ret = cpuid;
    return 0;
}

/* The array of {"cpuid": [...]}. */
static int parse_root(const cJSON *root, const cJSON **array)
{
    const cJSON *item = cJSON_IsObject(root) ? root->child : NULL;

    if (!item)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "the JSON is not an object with member cpuid");
    if (strcmp(item->string, "cpuid") != 0)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: there is no such member", item->string);
    if (item->next)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: only one member, cpuid, is expected",
                        item->next->string);
    *array = item;
    return 0;
}

int vhv_cpuid_parse_json(struct vhv_cpuid **ret, const char *text, size_t bytes)
{
    const cJSON *array = NULL;
    cJSON *root = NULL;
    int result = vhv_json_read(&root, text, bytes);

    if (result == 0)
        result = parse_root(root, &array);
    if (result == 0)
        result = vhv_cpuid_from_json(ret, array);
    cJSON_Delete(root);
    return result;
}
