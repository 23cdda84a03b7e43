/* SPDX-License-Identifier: MIT */
/* Captures as JSON: {"name": …, "cpuid": […], "msrs": [{"index": …, "value": …}, …]}. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "cpuid/capture.h"
#include "cpuid/json.h"

static bool add_hex(cJSON *object, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "0x%" PRIx64, value);
    return cJSON_AddStringToObject(object, name, text);
}

/* Whether there was the memory for all of it. */
static bool add_capture(cJSON *root, const struct vhv_capture *capture)
{
    size_t count;
    const struct vhv_msr *msrs = vhv_capture_msrs(capture, &count);
    cJSON *array = NULL;

    if (!cJSON_AddStringToObject(root, "name", vhv_capture_name(capture)) ||
        !vhv_cpuid_add_json(vhv_capture_cpuid(capture), root))
        return false;
    if (count > 0 && !(array = cJSON_AddArrayToObject(root, "msrs")))
        return false;
    for (size_t i = 0; i < count; i++) {
        cJSON *object = cJSON_CreateObject();

        if (!cJSON_AddItemToArray(array, object) || !add_hex(object, "index", msrs[i].index) ||
            !add_hex(object, "value", msrs[i].value))
            return false;
    }
    return true;
}

int vhv_capture_print(const struct vhv_capture *capture, FILE *stream)
{
    cJSON *root = cJSON_CreateObject();
    char *text = add_capture(root, capture) ? cJSON_Print(root) : NULL;

    cJSON_Delete(root);
    if (!text)
        return vhv_fail(ENOMEM, VHV_CAUSE_NONE, "out of memory: could not write a capture as JSON");
    fprintf(stream, "%s\n", text);
    cJSON_free(text);
    if (fflush(stream) || ferror(stream))
        return vhv_fail(EIO, VHV_CAUSE_NONE, "could not write a capture: the stream has an error");
    return 0;
}

static int parse_msr(struct vhv_msr *msr, const cJSON *object)
{
    bool has_index = false, has_value = false;
    const cJSON *item;

    if (!cJSON_IsObject(object))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "this is not an object");
    cJSON_ArrayForEach(item, object)
    {
        bool is_index = strcmp(item->string, "index") == 0;
        bool *given = is_index ? &has_index : &has_value;
        uint64_t value;
        int result;

        if (!is_index && strcmp(item->string, "value") != 0)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: there is no such member", item->string);
        if (*given)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s is given twice", item->string);
        result = vhv_json_number(item, is_index ? 32 : 64, &value);
        if (result < 0)
            return vhv_fail_within(result, "%s", item->string);
        *given = true;
        if (is_index)
            msr->index = (uint32_t)value;
        else
            msr->value = value;
    }
    if (!has_index || !has_value)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s is missing", has_index ? "value" : "index");
    return 0;
}

static int parse_msrs(struct vhv_capture_parts *parts, const cJSON *array)
{
    const cJSON *object;
    size_t index = 0;

    if (!cJSON_IsArray(array))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "msrs is not an array");
    cJSON_ArrayForEach(object, array)
    {
        struct vhv_msr msr;
        int result = parse_msr(&msr, object);

        if (result == 0)
            result = vhv_capture_add_msr(parts, &msr);
        if (result < 0)
            return vhv_fail_within(result, "msrs[%zu]", index);
        index++;
    }
    return 0;
}

static int parse_name(struct vhv_capture_parts *parts, const cJSON *item)
{
    if (!cJSON_IsString(item))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "name is not a string");
    parts->name = item->valuestring;
    return 0;
}

static int parse_cpuid(struct vhv_capture_parts *parts, const cJSON *item)
{
    return vhv_cpuid_from_json(&parts->cpuid, item);
}

static const struct {
    const char *name;
    int (*parse)(struct vhv_capture_parts *parts, const cJSON *item);
} members[] = {{"name", parse_name}, {"cpuid", parse_cpuid}, {"msrs", parse_msrs}};

enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

static int parse_root(struct vhv_capture_parts *parts, const cJSON *root)
{
    bool given[MEMBERS] = {false};
    const cJSON *item;

    cJSON_ArrayForEach(item, root)
    {
        size_t member = 0;
        int result;

        while (member < MEMBERS && strcmp(item->string, members[member].name) != 0)
            member++;
        if (member == MEMBERS)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: there is no such member", item->string);
        if (given[member])
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s is given twice", item->string);
        given[member] = true;
        result = members[member].parse(parts, item);
        if (result < 0)
            return result;
    }
    if (!parts->cpuid)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "cpuid is missing");
    return 0;
}

int vhv_capture_parse_json(struct vhv_capture_parts *parts, cJSON **root, const char *text,
                           size_t bytes)
{
    int result = vhv_json_read(root, text, bytes);

    return result < 0 ? result : parse_root(parts, *root);
}
