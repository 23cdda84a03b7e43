/* SPDX-License-Identifier: MIT */
/*
 * A file is read whole or refused with its line in the message. What was read is written, and read
 * back the same; a copy is the same; a line that is refused changes nothing.
 */
#include "config/config.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

static char *written(const struct vhv_config *config, size_t *bytes)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, bytes);

    fuzz_assert(stream);
    fuzz_assert(vhv_config_write(config, stream) == 0);
    fclose(stream);
    return text;
}

static void check_same_items(const struct vhv_config *a, const struct vhv_config *b)
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

static void check_same_cpuid(const struct vhv_config *a, const struct vhv_config *b)
{
    struct vhv_guest_cpuid_options one = {0}, other = {0};

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

static void check_same(const struct vhv_config *a, const struct vhv_config *b)
{
    size_t a_bytes, b_bytes;
    char *a_text = written(a, &a_bytes), *b_text = written(b, &b_bytes);

    check_same_items(a, b);
    check_same_cpuid(a, b);
    fuzz_assert(vhv_config_vcpus(a) == vhv_config_vcpus(b));
    fuzz_assert(vhv_config_memory_bytes(a) == vhv_config_memory_bytes(b));
    fuzz_assert(a_bytes == b_bytes && memcmp(a_text, b_text, a_bytes) == 0);
    free(a_text);
    free(b_text);
}

static int pass(const struct vhv_config_warning *warning, void *cookie)
{
    (void)cookie;
    fuzz_assert(warning->origin.key && warning->what && warning->why && warning->remedy);
    return 0;
}

static void check_taken(const struct vhv_config *config)
{
    struct vhv_config *back = NULL, *copy = NULL;
    size_t bytes;
    char *text = written(config, &bytes);

    fuzz_assert(vhv_config_parse(&back, text, bytes, "written") == 0);
    check_same(config, back);
    fuzz_assert(vhv_config_copy(&copy, config) == 0);
    check_same(config, copy);
    fuzz_assert(vhv_config_lint(config, pass, NULL) >= 0);
    vhv_config_free(copy);
    vhv_config_free(back);
    free(text);
}

static void check_set_line(const char *line)
{
    static const char start[] = "numvcpus = \"2\" # two\na = \"b\"\n";
    struct vhv_config *config = NULL, *before = NULL;

    fuzz_assert(vhv_config_parse(&config, start, strlen(start), "start") == 0);
    fuzz_assert(vhv_config_copy(&before, config) == 0);
    if (vhv_config_set_line(config, line) < 0) {
        fuzz_assert(vhv_error_cause() == VHV_CAUSE_SYNTAX);
        check_same(config, before);
    } else {
        check_taken(config);
    }
    vhv_config_free(before);
    vhv_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vhv_config *config = NULL;
    int result = vhv_config_parse(&config, (const char *)data, size, "fuzz");
    char *line = malloc(size + 1);

    if (result < 0) {
        fuzz_assert(result == -EINVAL && !config);
        fuzz_assert(strncmp(vhv_error_message(), "fuzz:", 5) == 0);
    } else {
        check_taken(config);
    }
    vhv_config_free(config);
    fuzz_assert(line);
    memcpy(line, data, size);
    line[size] = 0;
    check_set_line(line);
    free(line);
    return 0;
}
