/* SPDX-License-Identifier: MIT */
/* What makes two configurations the same. */
#ifndef VHV_TESTS_FUZZ_CONFIG_H
#define VHV_TESTS_FUZZ_CONFIG_H

#include <string.h>

#include "config/config.h"
#include "fuzz.h"

/* To be freed. */
static inline char *written(const struct vhv_config *config, size_t *bytes,
                            int (*write_it)(const struct vhv_config *, FILE *))
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, bytes);

    fuzz_assert(stream);
    fuzz_assert(write_it(config, stream) == 0);
    fclose(stream);
    return text;
}

static inline void check_same_items(const struct vhv_config *a, const struct vhv_config *b)
{
    struct vhv_config_item one, other;
    size_t i;

    for (i = 0; vhv_config_item(a, i, &one); i++) {
        fuzz_assert(vhv_config_item(b, i, &other));
        fuzz_assert(strcmp(one.key, other.key) == 0);
        fuzz_assert(strcmp(one.value, other.value) == 0);
        fuzz_assert(vhv_config_get(a, one.key) == one.value);
    }
    fuzz_assert(!vhv_config_item(b, i, &other));
}

static inline void check_same_cpuid(const struct vhv_config *a, const struct vhv_config *b)
{
    struct vhv_guest_cpuid_options one = {.size = sizeof(one)}, other = {.size = sizeof(other)};

    vhv_config_cpuid(a, &one);
    vhv_config_cpuid(b, &other);
    fuzz_assert(one.vhv_enable.value == other.vhv_enable.value);
    fuzz_assert(one.hypervisor_v0.value == other.hypervisor_v0.value);
    fuzz_assert(one.request_count == other.request_count);
    for (size_t i = 0; i < one.request_count; i++) {
        fuzz_assert(one.requests[i].key.leaf == other.requests[i].key.leaf);
        fuzz_assert(memcmp(&one.requests[i].mask, &other.requests[i].mask,
                           sizeof(one.requests[i].mask)) == 0);
    }
}

static inline void check_same_text(const struct vhv_config *a, const struct vhv_config *b,
                                   int (*write_it)(const struct vhv_config *, FILE *))
{
    size_t a_bytes, b_bytes;
    char *a_text = written(a, &a_bytes, write_it), *b_text = written(b, &b_bytes, write_it);

    fuzz_assert(a_bytes == b_bytes && memcmp(a_text, b_text, a_bytes) == 0);
    free(a_text);
    free(b_text);
}

static inline void check_same(const struct vhv_config *a, const struct vhv_config *b)
{
    check_same_items(a, b);
    check_same_cpuid(a, b);
    fuzz_assert(vhv_config_vcpus(a) == vhv_config_vcpus(b));
    fuzz_assert(vhv_config_memory_bytes(a) == vhv_config_memory_bytes(b));
    check_same_text(a, b, vhv_config_write);
}

/* Both forms read back the same. */
static inline void check_round_trips(const struct vhv_config *config)
{
    struct vhv_config *vmx = NULL, *json = NULL;
    size_t bytes;
    char *text = written(config, &bytes, vhv_config_write);

    fuzz_assert(vhv_config_parse(&vmx, text, bytes, "written") == 0);
    check_same(config, vmx);
    free(text);
    text = written(config, &bytes, vhv_config_write_json);
    fuzz_assert(vhv_config_parse_json(&json, text, bytes, "written") == 0);
    check_same(config, json);
    check_same_text(config, json, vhv_config_write_json);
    free(text);
    vhv_config_free(vmx);
    vhv_config_free(json);
}

#endif
