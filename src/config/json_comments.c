/* SPDX-License-Identifier: MIT */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/dictionary.h"
#include "config/json.h"

/* A comment reads back from a .vmx file as it is here. */
static int check_comment(const cJSON *item, bool may_be_blank)
{
    const char *text, *first;
    int result;

    if (!cJSON_IsString(item))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "a comment is not a string");
    result = vhv_json_undo_escapes(item->valuestring);
    if (result < 0)
        return result;
    text = item->valuestring;
    first = may_be_blank ? text + strspn(text, " \t") : text;
    if (*first != '#' && (*first || !may_be_blank))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "a comment does not begin with '#'");
    if (strchr(first, '\n') || (*first && first[strlen(first) - 1] == '\r'))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "a comment has a line end: each is one line");
    return 0;
}

static int check_above(const cJSON *lines)
{
    const cJSON *item;

    if (!cJSON_IsArray(lines))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "this is not an array of strings");
    cJSON_ArrayForEach(item, lines)
    {
        int result = check_comment(item, true);

        if (result < 0)
            return result;
    }
    return 0;
}

/* {"above": ["# a line", …], "behind": "# the same line"}; nothing is behind the end. */
static int check_comments(const cJSON *comments)
{
    bool above = false, behind = *comments->string == 0;
    const cJSON *item;

    if (!cJSON_IsObject(comments))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                        "this is not an object with members above and behind");
    cJSON_ArrayForEach(item, comments)
    {
        bool is_above = strcmp(item->string, "above") == 0;
        bool *given = is_above ? &above : &behind;
        int result;

        if ((!is_above && strcmp(item->string, "behind") != 0) || *given)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                            "the members are above and, of a setting, behind: each at most once");
        *given = true;
        result = is_above ? check_above(item) : check_comment(item, false);
        if (result < 0)
            return vhv_fail_within(result, "%s", item->string);
    }
    return 0;
}

static int compare_items(const void *a, const void *b)
{
    return vhv_key_compare((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static int compare_with_item(const void *name, const void *item)
{
    return vhv_key_compare(name, (*(const cJSON *const *)item)->string);
}

static int check_twice(const struct vhv_json_comments *comments)
{
    for (size_t i = 1; i < comments->count; i++) {
        if (compare_items(&comments->items[i - 1], &comments->items[i]) == 0)
            return vhv_json_fail_in(vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "this is given twice"),
                                    "comments", comments->items[i]);
    }
    return 0;
}

int vhv_json_comments_index(struct vhv_json_comments *comments, const cJSON *object)
{
    size_t bytes = (size_t)cJSON_GetArraySize(object) * sizeof(comments->items[0]);
    const cJSON *item;

    if (!bytes)
        return 0;
    comments->items = malloc(bytes);
    if (!comments->items)
        return vhv_fail_memory(bytes);
    cJSON_ArrayForEach(item, object)
    {
        int result = vhv_json_undo_escapes(item->string);

        if (result >= 0)
            result = check_comments(item);
        if (result < 0)
            return vhv_json_fail_in(result, "comments", item);
        comments->items[comments->count++] = item;
    }
    qsort(comments->items, comments->count, sizeof(comments->items[0]), compare_items);
    return check_twice(comments);
}

const cJSON *vhv_json_comments_find(const struct vhv_json_comments *comments, const char *name)
{
    const cJSON **found = NULL;

    if (comments->count)
        found = bsearch(name, comments->items, comments->count, sizeof(comments->items[0]),
                        compare_with_item);
    return found ? *found : NULL;
}
