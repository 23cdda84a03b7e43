/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/config.h"
#include "config/line.h"
#include "config/masks.h"
#include "config/settings.h"

/* Adds a line, which is without newline. The message of a failure does not yet say where. */
static int add_line(struct vhv_config *config, const char *text, unsigned number)
{
    struct vhv_line *line;
    int result = vhv_dictionary_reserve(&config->dictionary);

    if (result < 0)
        return result;
    result = vhv_line_parse(&line, text, number);
    if (result < 0)
        return result;
    if (line->key)
        result = vhv_setting_check(line->key, line->value);
    if (result < 0) {
        free(line);
        return result;
    }
    vhv_dictionary_append(&config->dictionary, line);
    return 0;
}

/* Turns the newline after @text, if it has one, and carriage returns before it into NULs. Returns
 * where the next line begins, or NULL if there is a NUL already. */
static char *end_line(char *text, char *end)
{
    char *newline = memchr(text, '\n', (size_t)(end - text));
    char *last = newline ? newline : end;

    if (memchr(text, 0, (size_t)(last - text)))
        return NULL;
    *last = 0;
    while (last > text && last[-1] == '\r')
        *--last = 0;
    return newline ? newline + 1 : end;
}

/* @end points to a NUL. */
static int add_lines(struct vhv_config *config, char *text, char *end)
{
    for (unsigned number = 1; text < end; number++) {
        char *next = end_line(text, end);
        int result;

        if (!next)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s:%u: a NUL byte: this is not a text file",
                            config->file, number);
        result = add_line(config, text, number);
        if (result < 0)
            return vhv_fail_within(result, "%s:%u", config->file, number);
        text = next;
    }
    return 0;
}

static int index_items(struct vhv_config *config)
{
    const struct vhv_line *earlier;
    const struct vhv_line *twice = vhv_dictionary_sort(&config->dictionary, &earlier);

    if (twice)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s:%u: %s is set on line %u already",
                        config->file, twice->number, twice->key, earlier->number);
    return vhv_masks_index(config);
}

static int parse(struct vhv_config *config, const char *text, size_t bytes, const char *name)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    size_t skipped = 0;
    char *copy;
    int result;

    config->file = strdup(name);
    if (!config->file)
        return vhv_fail_memory(strlen(name) + 1);
    copy = malloc(bytes + 1);
    if (!copy)
        return vhv_fail_memory(bytes + 1);
    memcpy(copy, text, bytes);
    copy[bytes] = 0;
    if (strncmp(copy, byte_order_mark, strlen(byte_order_mark)) == 0)
        skipped = strlen(byte_order_mark);
    result = add_lines(config, copy + skipped, copy + bytes);
    free(copy);
    return result < 0 ? result : index_items(config);
}

int vhv_config_parse(struct vhv_config **ret, const char *text, size_t bytes, const char *name)
{
    return vhv_config_read(ret, text, bytes, name, parse);
}
