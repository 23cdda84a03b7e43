/* SPDX-License-Identifier: MIT */
/* Every allocation fails in turn: the call is -ENOMEM with a message, and nothing has changed. */
#include "config/config.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <libvhv/convert.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

/* Allocations that still succeed; negative: all do. The linker sends the library's calls here. */
static int left = -1;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
char *__wrap_strdup(const char *text);

static bool fails(void)
{
    if (left == 0) {
        errno = ENOMEM;
        return true;
    }
    left -= left > 0;
    return false;
}

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    return fails() ? NULL : __real_realloc(old, bytes);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

static const char text[] = "# comment\n"
                           "numvcpus = 2 # two\n"
                           "cpuid.1.ecx = \"----:----:----:----:----:----:--h-:----\"\n";
static const char mask[] = "----:----:----:----:----:----:----:---1";

static void assert_no_memory(int result, int allowed)
{
    if (result != -ENOMEM)
        fail_msg("with %d allocations: %d, %s", allowed, result, vhv_error_message());
    assert_non_null(strstr(vhv_error_message(), "out of memory"));
}

/* Calls that make a configuration. */
static int parse(struct vhv_config **ret)
{
    return vhv_config_parse(ret, text, strlen(text), "test.vmx");
}

static int parse_json(struct vhv_config **ret)
{
    static const char json[] = "{\"settings\": {\"numvcpus\": 2, \"a|41\": \"b\","
                               "\"cpuid.1.ecx\": \"----:----:----:----:----:----:--h-:----\"},"
                               "\"comments\": {\"numvcpus\": {\"above\": [\"# comment\"]}}}";

    return vhv_config_parse_json(ret, json, strlen(json), "test.json");
}

static int import_template(struct vhv_config **ret)
{
    static const char template[] =
        "{\"cpuid_modifiers\": [{\"leaf\": \"0x1\", \"subleaf\": \"0x0\", \"flags\": 0,"
        "\"modifiers\": [{\"register\": \"eax\", \"bitmap\": \"0b1\"}]}]}";

    return vhv_config_import(ret, VHV_CONVERT_FIRECRACKER, template, strlen(template), "test", NULL,
                             NULL);
}

/* Of more bits than there is room for at first. */
static int import_names(struct vhv_config **ret)
{
    static const char names[] =
        "host,-vmx,-svm,-avx,-fpu,-vme,-de,-pse,-tsc,-msr,-pae,-mce,-cx8,-mtrr,-pge,-mca,-cmov";

    return vhv_config_import(ret, VHV_CONVERT_QEMU, names, strlen(names), "test", NULL, NULL);
}

static int load(struct vhv_config **ret)
{
    return vhv_config_load(ret, TEST_VECTORS "/accept.vmx");
}

static int copy(struct vhv_config **ret)
{
    static struct vhv_config *from;
    int allowed = left, result;

    left = -1;
    assert_int_equal(parse(&from), 0);
    left = allowed;
    result = vhv_config_copy(ret, from);
    left = -1;
    vhv_config_free(from);
    return result;
}

static void makers_without_memory_make_nothing(void **state)
{
    static int (*const makers[])(struct vhv_config **) = {
        vhv_config_new, parse, parse_json, import_template, import_names, load, copy};

    (void)state;
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
        struct vhv_config *config = NULL;
        int result = -1;

        for (int allowed = 0; result < 0; allowed++) {
            left = allowed;
            result = makers[i](&config);
            left = -1;
            if (result < 0) {
                assert_no_memory(result, allowed);
                assert_null(config);
            }
        }
        vhv_config_free(config);
    }
}

/* Calls that change one. */
static int set_known(struct vhv_config *config)
{
    return vhv_config_set(config, "NUMVCPUS", "3");
}

static int set_new(struct vhv_config *config)
{
    return vhv_config_set(config, "a", "b");
}

static int set_mask(struct vhv_config *config)
{
    return vhv_config_set(config, "cpuid.7.edx", mask);
}

static int set_line(struct vhv_config *config)
{
    return vhv_config_set_line(config, "a = \"b\"");
}

/* To be freed. */
static char *contents(const struct vhv_config *config)
{
    char *written = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&written, &bytes);

    assert_non_null(stream);
    assert_int_equal(vhv_config_write(config, stream), 0);
    fclose(stream);
    return written;
}

/* With as many names as there is room for, so that a change has to make room. */
static struct vhv_config *full_config(void)
{
    struct vhv_config *config;

    assert_int_equal(parse(&config), 0);
    while (config->dictionary.item_count < config->dictionary.item_capacity) {
        char key[16];

        snprintf(key, sizeof(key), "k%zu", config->dictionary.line_count);
        assert_int_equal(vhv_config_set(config, key, "v"), 0);
    }
    return config;
}

static void setters_without_memory_change_nothing(void **state)
{
    static int (*const setters[])(struct vhv_config *) = {set_known, set_new, set_mask, set_line};

    (void)state;
    for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
        int result = -1;

        for (int allowed = 0; result < 0; allowed++) {
            struct vhv_config *config = full_config();
            char *before = contents(config), *after;

            left = allowed;
            result = setters[i](config);
            left = -1;
            after = contents(config);
            if (result < 0) {
                assert_no_memory(result, allowed);
                assert_string_equal(after, before);
            } else {
                assert_true(allowed > 0);
                assert_string_not_equal(after, before);
            }
            free(before);
            free(after);
            vhv_config_free(config);
        }
    }
}

static void write_json_without_memory_fails(void **state)
{
    FILE *stream = fopen("/dev/null", "w");
    struct vhv_config *config;
    int result = -1;

    (void)state;
    assert_non_null(stream);
    assert_int_equal(parse(&config), 0);
    for (int allowed = 0; result < 0; allowed++) {
        left = allowed;
        result = vhv_config_write_json(config, stream);
        left = -1;
        if (result < 0)
            assert_no_memory(result, allowed);
    }
    vhv_config_free(config);
    fclose(stream);
}

static void export_without_memory_writes_nothing(void **state)
{
    struct vhv_config *config;

    (void)state;
    assert_int_equal(parse(&config), 0);
    for (unsigned form = VHV_CONVERT_FIRECRACKER; form <= VHV_CONVERT_XEN_REGISTERS; form++) {
        char *written = NULL;
        size_t bytes = 0;
        int result = -1;

        for (int allowed = 0; result < 0; allowed++) {
            FILE *stream = open_memstream(&written, &bytes);

            assert_non_null(stream);
            left = allowed;
            result = vhv_config_export(config, (enum vhv_convert_form)form, VHV_VENDOR_INTEL,
                                       stream, NULL, NULL);
            left = -1;
            fclose(stream);
            if (result < 0) {
                assert_no_memory(result, allowed);
                assert_int_equal(bytes, 0);
            }
            free(written);
        }
        assert_true(bytes > 0);
    }
    vhv_config_free(config);
}

static size_t masks_of(const struct vhv_config *config)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};

    vhv_config_cpuid(config, &options);
    return options.request_count;
}

static void set_policy_without_memory_leaves_the_earlier_one(void **state)
{
    struct vhv_config *config, *earlier, *policy;
    int result = -1;

    (void)state;
    assert_int_equal(vhv_config_new(&config), 0);
    assert_int_equal(parse(&earlier), 0);
    assert_int_equal(parse(&policy), 0);
    assert_int_equal(vhv_config_set(policy, "cpuid.7.edx", mask), 0);
    assert_int_equal(vhv_config_set_policy(policy, earlier), 0);
    assert_int_equal(vhv_config_set_policy(config, earlier), 0);
    for (int allowed = 0; result < 0; allowed++) {
        left = allowed;
        result = vhv_config_set_policy(config, policy);
        left = -1;
        if (result < 0) {
            assert_no_memory(result, allowed);
            assert_int_equal(masks_of(config), 1);
        }
    }
    assert_int_equal(masks_of(config), 2);
    vhv_config_free(config);
    vhv_config_free(earlier);
    vhv_config_free(policy);
}

int main(void)
{
    cJSON_Hooks hooks = {.malloc_fn = __wrap_malloc, .free_fn = free};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makers_without_memory_make_nothing),
        cmocka_unit_test(setters_without_memory_change_nothing),
        cmocka_unit_test(write_json_without_memory_fails),
        cmocka_unit_test(export_without_memory_writes_nothing),
        cmocka_unit_test(set_policy_without_memory_leaves_the_earlier_one),
    };

    cJSON_InitHooks(&hooks);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
