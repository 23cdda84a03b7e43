/* SPDX-License-Identifier: MIT */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/config.h"
#include "config/line.h"
#include "config/settings.h"
#include "cpuid/mask_text.h"

/* Numbers of at most this many digits are exact in every reader of JSON. */
enum { EXACT_DIGITS = 15 };

struct writer {
    cJSON *settings;
    cJSON *comments;
    cJSON *above; /* lines whose setting is not reached yet; NULL: none */
};

/* What the reader would take for an escape is escaped itself, and so is a byte that no string of
 * JSON can have. Returns memory to be freed, or NULL. */
static char *escape(const char *text)
{
    char *escaped = malloc(3 * strlen(text) + 1), *to = escaped;

    if (!escaped)
        return NULL;
    while (*text) {
        uint32_t code;
        size_t length = vhv_text_decode(text, &code);
        bool is_text = code != VHV_TEXT_INVALID || length > 1;

        if (is_text && vhv_escaped_byte(text) < 0)
            to = mempcpy(to, text, length);
        else
            to += sprintf(to, "|%02X", (unsigned)(unsigned char)*text);
        text += length;
    }
    *to = 0;
    return escaped;
}

/* Takes @item in any case. */
static bool add_member(cJSON *object, const char *name, cJSON *item)
{
    char *escaped = escape(name);
    bool added = escaped && cJSON_AddItemToObject(object, escaped, item);

    if (!added)
        cJSON_Delete(item);
    free(escaped);
    return added;
}

static cJSON *string_of(const char *text)
{
    char *escaped = escape(text);
    cJSON *item = escaped ? cJSON_CreateString(escaped) : NULL;

    free(escaped);
    return item;
}

/* A value that JSON would not give back in the same spelling stays a string. */
static cJSON *value_of(const struct vhv_line *line)
{
    const char *value = line->value;
    bool is_exact = strlen(value) <= EXACT_DIGITS && (value[0] != '0' || !value[1]);

    if (vhv_setting_is_boolean(line->key) && strcmp(value, "TRUE") == 0)
        return cJSON_CreateTrue();
    if (vhv_setting_is_boolean(line->key) && strcmp(value, "FALSE") == 0)
        return cJSON_CreateFalse();
    if (vhv_setting_is_number(line->key) && is_exact)
        return cJSON_CreateRaw(value);
    return string_of(value);
}

/* Adds what is above and behind the setting @name, if there is anything. */
static bool add_comments(struct writer *writer, const char *name, const char *behind)
{
    cJSON *comments, *above = writer->above;

    if (!above && !*behind)
        return true;
    comments = cJSON_CreateObject();
    writer->above = NULL;
    if (above && !add_member(comments, "above", above)) {
        cJSON_Delete(comments);
        return false;
    }
    if (*behind && !add_member(comments, "behind", string_of(behind))) {
        cJSON_Delete(comments);
        return false;
    }
    return add_member(writer->comments, name, comments);
}

static bool add_line(struct writer *writer, const struct vhv_line *line)
{
    cJSON *item;

    if (line->key)
        return add_member(writer->settings, line->key, value_of(line)) &&
               add_comments(writer, line->key, line->comment);
    if (!writer->above)
        writer->above = cJSON_CreateArray();
    item = string_of(line->comment);
    if (cJSON_AddItemToArray(writer->above, item))
        return true;
    cJSON_Delete(item);
    return false;
}

static char *print(const struct vhv_config *config)
{
    const struct vhv_dictionary *dictionary = &config->dictionary;
    cJSON *root = cJSON_CreateObject();
    struct writer writer = {.settings = cJSON_AddObjectToObject(root, "settings"),
                            .comments = cJSON_AddObjectToObject(root, "comments")};
    bool complete = writer.settings && writer.comments;
    char *text;

    for (size_t i = 0; complete && i < dictionary->line_count; i++)
        complete = add_line(&writer, dictionary->lines[i]);
    complete = complete && add_comments(&writer, "", "");
    if (complete && !writer.comments->child)
        cJSON_DeleteItemFromObjectCaseSensitive(root, "comments");
    text = complete ? cJSON_Print(root) : NULL;
    cJSON_Delete(writer.above);
    cJSON_Delete(root);
    return text;
}

int vhv_config_write_json(const struct vhv_config *config, FILE *stream)
{
    char *text = print(config);

    if (!text)
        return vhv_fail(ENOMEM, VHV_CAUSE_NONE,
                        "out of memory: could not write the configuration as JSON");
    fprintf(stream, "%s\n", text);
    cJSON_free(text);
    if (fflush(stream) || ferror(stream))
        return vhv_fail(EIO, VHV_CAUSE_NONE,
                        "could not write the configuration: the stream has an error");
    return 0;
}
