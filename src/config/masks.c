/* SPDX-License-Identifier: MIT */
#include "config/masks.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "cpuid/mask_text.h"

static const char prefix[] = "cpuid.";

static bool is_register(const char *part, size_t bytes)
{
    return bytes == 3 && vhv_ascii_lower(part[0]) == 'e' && vhv_ascii_lower(part[2]) == 'x' &&
           strchr("abcd", vhv_ascii_lower(part[1]));
}

/* With a leaf or a register among its parts. */
bool vhv_is_mask_key(const char *key)
{
    const char *part = key + strlen(prefix);
    size_t digits;

    for (size_t i = 0; prefix[i]; i++) {
        if (vhv_ascii_lower(key[i]) != prefix[i])
            return false;
    }
    digits = strspn(part, "0123456789abcdefABCDEF");
    if (digits && (part[digits] == 0 || part[digits] == '.'))
        return true;
    while (*part) {
        size_t bytes = strcspn(part, ".");

        if (is_register(part, bytes))
            return true;
        part += bytes + (part[bytes] == '.');
    }
    return false;
}

int vhv_masks_reserve(struct vhv_config *config, size_t count)
{
    struct vhv_cpuid_request *grown;
    size_t bytes;

    if (count <= config->request_capacity)
        return 0;
    if (count < 2 * config->request_capacity)
        count = 2 * config->request_capacity;
    if (vhv_multiply_overflows(count, sizeof(*grown), &bytes))
        return vhv_fail_memory(SIZE_MAX);
    grown = realloc(config->requests, bytes);
    if (!grown)
        return vhv_fail_memory(bytes);
    config->requests = grown;
    config->request_capacity = count;
    return 0;
}

int vhv_masks_index(struct vhv_config *config)
{
    size_t count = 0;
    int result;

    for (size_t i = 0; i < config->dictionary.item_count; i++)
        count += vhv_is_mask_key(config->dictionary.items[i]->key);
    result = vhv_masks_reserve(config, count);
    if (result < 0)
        return result;
    vhv_masks_collect(config);
    return 0;
}

static void collect_below(struct vhv_config *config)
{
    for (size_t i = 0; i < config->policy->request_count; i++) {
        const struct vhv_cpuid_request *request = &config->policy->requests[i];

        if (!vhv_dictionary_find(&config->dictionary, request->origin.key))
            config->requests[config->request_count++] = *request;
    }
}

void vhv_masks_collect(struct vhv_config *config)
{
    config->request_count = 0;
    if (config->policy)
        collect_below(config);
    for (size_t i = 0; i < config->dictionary.item_count; i++) {
        const struct vhv_line *line = config->dictionary.items[i];
        struct vhv_cpuid_request request = {.origin = vhv_config_origin(config, line)};

        /* Both were checked before the line came into the dictionary. */
        if (vhv_is_mask_key(line->key) && vhv_mask_key_parse(&request.key, line->key) == 0 &&
            vhv_mask_parse(&request.mask, line->value) == 0)
            config->requests[config->request_count++] = request;
    }
}
