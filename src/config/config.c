/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/line.h"
#include "config/masks.h"
#include "config/settings.h"

int vhv_config_new(struct vhv_config **ret)
{
    struct vhv_config *config = calloc(1, sizeof(*config));

    if (!config)
        return vhv_fail_memory(sizeof(*config));
    *ret = config;
    return 0;
}

void vhv_config_free(struct vhv_config *config)
{
    if (!config)
        return;
    vhv_config_free(config->policy);
    vhv_dictionary_clear(&config->dictionary);
    free(config->requests);
    free(config->file);
    free(config);
}

static int copy_lines(struct vhv_dictionary *to, const struct vhv_dictionary *from)
{
    const struct vhv_line *earlier;

    for (size_t i = 0; i < from->line_count; i++) {
        struct vhv_line *copy;
        int result = vhv_dictionary_reserve(to);

        if (result < 0)
            return result;
        copy = vhv_line_copy(from->lines[i]);
        if (!copy)
            return -ENOMEM;
        vhv_dictionary_append(to, copy);
    }
    vhv_dictionary_sort(to, &earlier);
    return 0;
}

int vhv_config_copy(struct vhv_config **ret, const struct vhv_config *from)
{
    struct vhv_config *config;
    int result = vhv_config_new(&config);

    if (result < 0)
        return result;
    config->lineless = from->lineless;
    if (from->file) {
        config->file = strdup(from->file);
        if (!config->file)
            result = vhv_fail_memory(strlen(from->file) + 1);
    }
    config->is_policy = from->is_policy;
    if (result >= 0)
        result = copy_lines(&config->dictionary, &from->dictionary);
    if (result >= 0 && from->policy)
        result = vhv_config_copy(&config->policy, from->policy);
    if (result >= 0)
        result = vhv_masks_reserve(config, from->request_count);
    if (result < 0) {
        vhv_config_free(config);
        return result;
    }
    vhv_masks_collect(config);
    *ret = config;
    return 0;
}

int vhv_config_set_policy(struct vhv_config *config, const struct vhv_config *policy)
{
    struct vhv_config *copy = NULL;
    int result = policy ? vhv_config_copy(&copy, policy) : 0;

    if (result >= 0 && copy)
        result = vhv_masks_reserve(config, config->request_count + copy->request_count);
    if (result < 0) {
        vhv_config_free(copy);
        return result;
    }
    for (struct vhv_config *layer = copy; layer; layer = layer->policy)
        layer->is_policy = true;
    vhv_config_free(config->policy);
    config->policy = copy;
    vhv_masks_collect(config);
    return 0;
}

int vhv_config_append(struct vhv_config *config, unsigned number, const char *key,
                      const char *value, const char *comment)
{
    struct vhv_span key_span, value_span;
    struct vhv_line *line;
    int result = vhv_dictionary_reserve(&config->dictionary);

    if (result < 0)
        return result;
    if (key) {
        key_span = vhv_span_of(key);
        value_span = vhv_span_of(value);
    }
    line = vhv_line_new(number, key ? &key_span : NULL, key ? &value_span : NULL, comment);
    if (!line)
        return -ENOMEM;
    vhv_dictionary_append(&config->dictionary, line);
    return 0;
}

int vhv_config_read(struct vhv_config **ret, const char *text, size_t bytes, const char *name,
                    int (*parse)(struct vhv_config *config, const char *text, size_t bytes,
                                 const char *name))
{
    struct vhv_config *config;
    int result;

    if (bytes > VHV_CONFIG_MAX_BYTES)
        return vhv_fail(EFBIG, VHV_CAUSE_NONE, "%s: longer than %d bytes", name,
                        VHV_CONFIG_MAX_BYTES);
    result = vhv_config_new(&config);
    if (result < 0)
        return result;
    result = parse(config, text, bytes, name);
    if (result < 0) {
        vhv_config_free(config);
        return result;
    }
    *ret = config;
    return 0;
}

struct vhv_origin vhv_config_origin(const struct vhv_config *config, const struct vhv_line *line)
{
    return (struct vhv_origin){
        .file = line->number ? config->file : NULL,
        .line = config->lineless ? 0 : line->number,
        .key = line->key,
    };
}

const char *vhv_config_get(const struct vhv_config *config, const char *key)
{
    const struct vhv_line *line = vhv_dictionary_find(&config->dictionary, key);

    return line ? line->value : NULL;
}

int vhv_config_item(const struct vhv_config *config, size_t index, struct vhv_config_item *item)
{
    const struct vhv_line *line;
    struct vhv_origin origin;

    if (index >= config->dictionary.item_count)
        return 0;
    line = config->dictionary.items[index];
    origin = vhv_config_origin(config, line);
    *item = (struct vhv_config_item){
        .key = line->key,
        .value = line->value,
        .file = origin.file,
        .line = origin.line,
    };
    return 1;
}

/* Makes the line that is to have @value, in the place of @old if that is there. */
static struct vhv_line *line_to_set(const struct vhv_line *old, const char *key, const char *value)
{
    struct vhv_span key_span = vhv_span_of(old ? old->key : key);
    struct vhv_span value_span = vhv_span_of(value);

    return vhv_line_new(0, &key_span, &value_span, old ? old->comment : "");
}

/* Everything that can fail comes before the first change. */
int vhv_config_set(struct vhv_config *config, const char *key, const char *value)
{
    struct vhv_line *line;
    int result = vhv_key_check(key);

    if (result >= 0)
        result = vhv_setting_check(key, value);
    if (result >= 0)
        result = vhv_dictionary_reserve(&config->dictionary);
    if (result >= 0)
        result = vhv_masks_reserve(config, config->request_count + 1);
    if (result < 0)
        return result;
    line = line_to_set(vhv_dictionary_find(&config->dictionary, key), key, value);
    if (!line)
        return -ENOMEM;
    vhv_dictionary_put(&config->dictionary, line);
    vhv_masks_collect(config);
    return 0;
}

int vhv_config_set_line(struct vhv_config *config, const char *text)
{
    struct vhv_line *line;
    int result = vhv_line_parse(&line, text, 0);

    if (result < 0)
        return result;
    if (line->key)
        result = vhv_config_set(config, line->key, line->value);
    else
        result = vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                          "a comment or an empty line where name = \"value\" is wanted");
    free(line);
    return result;
}

int vhv_config_remove(struct vhv_config *config, const char *key)
{
    const struct vhv_line *line = vhv_dictionary_find(&config->dictionary, key);

    if (!line)
        return 0;
    vhv_dictionary_remove(&config->dictionary, line);
    vhv_masks_collect(config);
    return 1;
}
