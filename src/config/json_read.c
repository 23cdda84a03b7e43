/* SPDX-License-Identifier: MIT */
/* A configuration in JSON becomes the lines that the same .vmx file has. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "config/config.h"
#include "config/json.h"
#include "config/line.h"
#include "config/masks.h"
#include "config/settings.h"
#include "cpuid/mask_text.h"

/* Of a name in a message, this much is shown. */
enum { SHOWN_BYTES = 64 };

/* Room for an integer of JSON as text. */
enum { INTEGER_BYTES = 24 };

/* Integers below are exact in a double. */
#define MAX_INTEGER 0x1p53

struct reader {
    struct vhv_config *config;
    struct vhv_json_comments comments;
    unsigned line; /* the number of the last one */
};

int vhv_json_fail_in(int result, const char *member, const cJSON *item)
{
    char shown[SHOWN_BYTES];

    vhv_text_printable(shown, sizeof(shown), item->string);
    return vhv_fail_within(result, "%s.\"%s\"", member, shown);
}

int vhv_json_undo_escapes(char *text)
{
    for (const char *at = text; *at; at++) {
        if (vhv_escaped_byte(at) == 0)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                            "|00 is a NUL byte, which no name, value or comment can have");
    }
    vhv_escapes_undo(text);
    return 0;
}

/* The lines above a setting, or above the end. */
static int add_above(struct reader *reader, const cJSON *comments)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(comments, "above"))
    {
        int result =
            vhv_config_append(reader->config, ++reader->line, NULL, NULL, item->valuestring);

        if (result < 0)
            return result;
    }
    return 0;
}

/* The value as a .vmx file would have it; @integer is room for a number. */
static int value_of(const char **value, const cJSON *item, char integer[INTEGER_BYTES])
{
    double number = item->valuedouble;

    if (cJSON_IsString(item)) {
        *value = item->valuestring;
        return vhv_json_undo_escapes(item->valuestring);
    }
    if (cJSON_IsBool(item)) {
        *value = cJSON_IsTrue(item) ? "TRUE" : "FALSE";
        return 0;
    }
    if (!cJSON_IsNumber(item))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "a value is a string, an integer, true or false");
    if (!(number > -MAX_INTEGER && number < MAX_INTEGER) || number != (double)(int64_t)number)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                        "the number is not an integer of at most 53 bits: write it as a string");
    snprintf(integer, INTEGER_BYTES, "%.0f", number);
    *value = integer;
    return 0;
}

static int add_setting(struct reader *reader, const cJSON *item)
{
    const cJSON *comments, *behind;
    char integer[INTEGER_BYTES];
    const char *value = NULL;
    int result = vhv_json_undo_escapes(item->string);

    if (result >= 0)
        result = vhv_key_check(item->string);
    if (result >= 0)
        result = value_of(&value, item, integer);
    if (result >= 0)
        result = vhv_setting_check(item->string, value);
    if (result < 0)
        return vhv_json_fail_in(result, "settings", item);
    comments = vhv_json_comments_find(&reader->comments, item->string);
    behind = cJSON_GetObjectItemCaseSensitive(comments, "behind");
    result = add_above(reader, comments);
    if (result < 0)
        return result;
    return vhv_config_append(reader->config, ++reader->line, item->string, value,
                             behind ? behind->valuestring : "");
}

/* No setting is there twice, and no comment is without its setting. */
static int check_names(const struct reader *reader)
{
    struct vhv_dictionary *dictionary = &reader->config->dictionary;
    const struct vhv_line *earlier, *twice = vhv_dictionary_sort(dictionary, &earlier);
    char shown[SHOWN_BYTES];

    if (twice) {
        vhv_text_printable(shown, sizeof(shown), twice->key);
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "settings.\"%s\" is given twice", shown);
    }
    for (size_t i = 0; i < reader->comments.count; i++) {
        const cJSON *item = reader->comments.items[i];

        if (*item->string && !vhv_dictionary_find(dictionary, item->string))
            return vhv_json_fail_in(vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "there is no such setting"),
                                    "comments", item);
    }
    return 0;
}

static int add_all(struct reader *reader, const cJSON *settings)
{
    const cJSON *item;
    int result;

    cJSON_ArrayForEach(item, settings)
    {
        result = add_setting(reader, item);
        if (result < 0)
            return result;
    }
    result = add_above(reader, vhv_json_comments_find(&reader->comments, ""));
    if (result >= 0)
        result = check_names(reader);
    return result < 0 ? result : vhv_masks_index(reader->config);
}

/* {"settings": {…}, "comments": {…}} */
static int find_members(const cJSON *root, const cJSON **settings, const cJSON **comments)
{
    const cJSON *item;

    *settings = NULL;
    *comments = NULL;
    if (!cJSON_IsObject(root))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "the JSON is not an object");
    cJSON_ArrayForEach(item, root)
    {
        bool is_settings = strcmp(item->string, "settings") == 0;
        const cJSON **member = is_settings ? settings : comments;
        char shown[SHOWN_BYTES];

        vhv_text_printable(shown, sizeof(shown), item->string);
        if (!is_settings && strcmp(item->string, "comments") != 0)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                            "%s: there is no such member: settings belong into the object settings",
                            shown);
        if (*member)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s is given twice", shown);
        if (!cJSON_IsObject(item))
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s is not an object", shown);
        *member = item;
    }
    if (!*settings)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "settings is missing");
    return 0;
}

static int read_root(struct vhv_config *config, const cJSON *root)
{
    struct reader reader = {.config = config};
    const cJSON *settings, *comments;
    int result = find_members(root, &settings, &comments);

    if (result >= 0)
        result = vhv_json_comments_index(&reader.comments, comments);
    if (result >= 0)
        result = add_all(&reader, settings);
    free(reader.comments.items);
    return result;
}

static int parse(struct vhv_config *config, const char *text, size_t bytes, const char *name)
{
    cJSON *root = NULL;
    int result;

    config->lineless = true;
    config->file = strdup(name);
    if (!config->file)
        return vhv_fail_memory(strlen(name) + 1);
    result = vhv_json_read(&root, text, bytes);
    if (result >= 0)
        result = read_root(config, root);
    cJSON_Delete(root);
    return result < 0 ? vhv_fail_within(result, "%s", name) : result;
}

int vhv_config_parse_json(struct vhv_config **ret, const char *text, size_t bytes, const char *name)
{
    return vhv_config_read(ret, text, bytes, name, parse);
}
