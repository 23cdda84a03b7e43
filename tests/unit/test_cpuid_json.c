/* SPDX-License-Identifier: MIT */
#include <cjson/cJSON.h>
#include <errno.h>
#include <libvhv/cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

#define REGISTERS      "\"eax\": 1, \"ebx\": 2, \"ecx\": 3, \"edx\": 4"
#define ENTRY(members) "{\"cpuid\": [{" members "}]}"

static int parse(struct vhv_cpuid **ret, const char *text)
{
    return vhv_cpuid_parse_json(ret, text, strlen(text));
}

static void assert_refused(const char *text, const char *message)
{
    struct vhv_cpuid *cpuid = NULL;

    assert_fails(parse(&cpuid, text), EINVAL, message);
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);
    assert_null(cpuid);
}

static struct vhv_cpuid *parsed(const char *text)
{
    struct vhv_cpuid *cpuid = NULL;

    if (parse(&cpuid, text) < 0)
        fail_msg("%s", vhv_error_message());
    return cpuid;
}

static void cpuid_parse_json_strings_and_integers_are_exact(void **state)
{
    struct vhv_cpuid *cpuid =
        parsed(ENTRY("\"leaf\": \"0x80000001\", \"eax\": 4294967295, \"ebx\": \"0XffffFFFF\", "
                     "\"ecx\": 0, \"edx\": \"0x00000001\""));
    const struct vhv_cpuid_entry *entry = vhv_cpuid_at(cpuid, 0);

    (void)state;
    assert_int_equal(vhv_cpuid_count(cpuid), 1);
    assert_int_equal(entry->leaf, 0x80000001);
    assert_false(entry->has_subleaf);
    assert_int_equal(entry->reg[VHV_EAX], 0xffffffff);
    assert_int_equal(entry->reg[VHV_EBX], 0xffffffff);
    assert_int_equal(entry->reg[VHV_ECX], 0);
    assert_int_equal(entry->reg[VHV_EDX], 1);
    vhv_cpuid_free(cpuid);
}

static void cpuid_parse_json_subleaf_given_is_kept_even_if_zero(void **state)
{
    struct vhv_cpuid *cpuid = parsed(ENTRY("\"leaf\": 7, \"subleaf\": 0, " REGISTERS));

    (void)state;
    assert_true(vhv_cpuid_at(cpuid, 0)->has_subleaf);
    assert_null(vhv_cpuid_find(cpuid, 7, 1));
    vhv_cpuid_free(cpuid);
}

static void cpuid_parse_json_empty_array_is_an_empty_table(void **state)
{
    struct vhv_cpuid *cpuid = parsed(" {\"cpuid\": []} \r\n\t");

    (void)state;
    assert_int_equal(vhv_cpuid_count(cpuid), 0);
    vhv_cpuid_free(cpuid);
}

static void cpuid_parse_json_length_bounds_the_text(void **state)
{
    static const char text[] = "{\"cpuid\": []}garbage";
    struct vhv_cpuid *cpuid = NULL;

    (void)state;
    assert_int_equal(vhv_cpuid_parse_json(&cpuid, text, 13), 0);
    vhv_cpuid_free(cpuid);
    cpuid = NULL;
    assert_fails(vhv_cpuid_parse_json(&cpuid, text, 12), EINVAL, "line 1");
    assert_fails(vhv_cpuid_parse_json(&cpuid, text, 0), EINVAL, "line 1, column 1");
    assert_null(cpuid);
}

static void cpuid_parse_json_malformed_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_refused("{\"cpuid\":\n [}\n]}", "line 2, column 3");
    assert_refused("{\"cpuid\": []}\n{", "line 2, column 1: text after the end");
    assert_refused("{\"cpuid\": []},", "column 14: text after the end");
    assert_refused("{\"cpuid\": [", "malformed");
}

static void cpuid_parse_json_nul_is_refused(void **state)
{
    static const char text[] = "{\"cpuid\": []}\0";
    struct vhv_cpuid *cpuid = NULL;

    (void)state;
    assert_fails(vhv_cpuid_parse_json(&cpuid, text, sizeof(text) - 1), EINVAL,
                 "column 14: a NUL byte");
    assert_null(cpuid);
    assert_refused(ENTRY("\"leaf\": \"0x1\\u0000f\", " REGISTERS), "a NUL in a string");
    assert_refused("{\"cpuid\\u0000x\": []}", "a NUL in a string");
}

static void cpuid_parse_json_other_shape_is_refused(void **state)
{
    (void)state;
    assert_refused("[]", "not an object");
    assert_refused("{}", "not an object with member cpuid");
    assert_refused("\"cpuid\"", "not an object");
    assert_refused("{\"CPUID\": []}", "CPUID: there is no such member");
    assert_refused("{\"cpuid\": {}}", "cpuid is not an array");
    assert_refused("{\"cpuid\": [], \"host\": 1}", "host: only one member");
    assert_refused("{\"cpuid\": [], \"cpuid\": []}", "cpuid: only one member");
    assert_refused("{\"cpuid\": [[1]]}", "cpuid[0] is not an object");
    assert_refused("{\"cpuid\": [{\"leaf\": 1, " REGISTERS "}, null]}",
                   "cpuid[1] is not an object");
}

static void cpuid_parse_json_wrong_member_is_named_by_its_path(void **state)
{
    (void)state;
    assert_refused(ENTRY("\"leaf\": 1, \"flags\": 0, " REGISTERS), "cpuid[0].flags: there is no");
    assert_refused(ENTRY("\"leaf\": 1, \"EAX\": 0, " REGISTERS), "cpuid[0].EAX: there is no");
    assert_refused(ENTRY("\"leaf\": 1, \"ebx\": 0, " REGISTERS), "cpuid[0].ebx is given twice");
    assert_refused(ENTRY(REGISTERS), "cpuid[0].leaf is missing");
    assert_refused(ENTRY("\"leaf\": 1, \"eax\": 0, \"ebx\": 0, \"ecx\": 0"),
                   "cpuid[0].edx is missing");
    assert_refused("{\"cpuid\": [{\"leaf\": 1, " REGISTERS "}, {\"leaf\": 2}]}",
                   "cpuid[1].eax is missing");
}

static void cpuid_parse_json_wrong_number_is_named_by_its_path(void **state)
{
    static const char *const numbers[] = {
        "-1",
        "4294967296",
        "0.5",
        "1e99",
        "1e999",
        "\"\"",
        "\"0x\"",
        "\"1\"",
        "\"0x1 \"",
        "\" 0x1\"",
        "\"0xg\"",
        "true",
        "null",
        "[]",
        "{}",
        "\"0x100000000\"",
        "\"-0x1\"",
        "\"0x-1\"",
        "\"0x+1\"",
        "\"1x1\"",
        "\"0x0000000001\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char text[128];

        snprintf(text, sizeof(text), ENTRY("\"leaf\": %s, " REGISTERS), numbers[i]);
        assert_refused(text, "cpuid[0].leaf: ");
    }
    assert_refused(ENTRY("\"leaf\": 1, \"eax\": \"0x100000000\", \"ebx\": 0"),
                   "cpuid[0].eax: the number has more than 32 bits");
}

static void cpuid_parse_json_same_place_twice_is_refused(void **state)
{
    (void)state;
    assert_refused("{\"cpuid\": [{\"leaf\": 1, " REGISTERS "}, {\"leaf\": 1, " REGISTERS "}]}",
                   "cpuid[1]: an entry before it answers leaf 0x1");
    assert_refused("{\"cpuid\": [{\"leaf\": 4, \"subleaf\": 2, " REGISTERS
                   "}, {\"leaf\": 4, " REGISTERS "}]}",
                   "cpuid[1]: an entry before it");
    assert_refused("{\"cpuid\": [{\"leaf\": 4, " REGISTERS
                   "}, {\"leaf\": 4, \"subleaf\": 2, " REGISTERS "}]}",
                   "cpuid[1]: an entry before it");
}

static void cpuid_parse_json_too_many_entries_is_refused(void **state)
{
    struct vhv_cpuid *cpuid = NULL;
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    assert_non_null(stream);
    fprintf(stream, "{\"cpuid\": [{\"leaf\": 0, " REGISTERS "}");
    for (int i = 1; i <= VHV_CPUID_MAX_ENTRIES; i++)
        fprintf(stream, ", {\"leaf\": %d, " REGISTERS "}", i);
    fprintf(stream, "]}");
    fclose(stream);
    assert_fails(vhv_cpuid_parse_json(&cpuid, text, bytes), ENOSPC, "cpuid[256]");
    assert_null(cpuid);
    free(text);
}

static void cpuid_parse_json_deep_nesting_is_refused(void **state)
{
    enum { DEEP = 1000000 };
    struct vhv_cpuid *cpuid = NULL;
    char *text = malloc(DEEP);

    (void)state;
    assert_non_null(text);
    memset(text, '[', DEEP);
    assert_fails(vhv_cpuid_parse_json(&cpuid, text, DEEP), EINVAL, "malformed");
    assert_null(cpuid);
    free(text);
}

static void cpuid_print_json_is_read_back_the_same(void **state)
{
    static const struct vhv_cpuid_entry entries[] = {
        {.leaf = 0, .reg = {0x16, 0x756e6547, 0x6c65746e, 0x49656e69}},
        {.leaf = 7, .subleaf = 0, .has_subleaf = true, .reg = {1, 0xffffffff, 0, 0x80000000}},
        {.leaf = 7, .subleaf = 1, .has_subleaf = true},
        {.leaf = 0xffffffff, .reg = {1, 2, 3, 4}},
    };
    struct vhv_cpuid *cpuid = NULL, *back;
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    assert_non_null(stream);
    assert_int_equal(vhv_cpuid_new(&cpuid), 0);
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
        assert_int_equal(vhv_cpuid_set(cpuid, &entries[i]), 0);
    assert_int_equal(vhv_cpuid_print(cpuid, stream, VHV_CPUID_JSON), 0);
    fclose(stream);
    assert_int_equal(text[bytes - 1], '\n');

    back = parsed(text);
    assert_int_equal(vhv_cpuid_count(back), sizeof(entries) / sizeof(entries[0]));
    assert_int_equal(vhv_cpuid_compare(back, cpuid, NULL, NULL), 0);
    for (size_t i = 0; i < vhv_cpuid_count(back); i++) {
        assert_int_equal(vhv_cpuid_at(back, i)->leaf, vhv_cpuid_at(cpuid, i)->leaf);
        assert_int_equal(vhv_cpuid_at(back, i)->subleaf, vhv_cpuid_at(cpuid, i)->subleaf);
        assert_int_equal(vhv_cpuid_at(back, i)->has_subleaf, vhv_cpuid_at(cpuid, i)->has_subleaf);
    }
    vhv_cpuid_free(back);
    vhv_cpuid_free(cpuid);
    free(text);
}

static size_t allocations_left;

static void *allocate_a_few(size_t bytes)
{
    if (allocations_left == 0) {
        errno = ENOMEM;
        return NULL;
    }
    allocations_left--;
    return malloc(bytes);
}

/* Calls with 0, 1, 2, … allocations by cJSON until they are enough, which must take some. */
static void assert_fails_without_memory(int (*call)(void))
{
    cJSON_Hooks hooks = {.malloc_fn = allocate_a_few, .free_fn = free};
    size_t allocations = 0;

    cJSON_InitHooks(&hooks);
    for (int result = -1; result != 0; allocations++) {
        assert_in_range(allocations, 0, 100);
        allocations_left = allocations;
        result = call();
        if (result != 0)
            assert_fails(result, ENOMEM, "out of memory");
    }
    cJSON_InitHooks(NULL);
    assert_in_range(allocations, 5, 100);
}

static int parse_one_entry(void)
{
    struct vhv_cpuid *cpuid = NULL;
    int result = parse(&cpuid, ENTRY("\"leaf\": \"0x1\", " REGISTERS));

    assert_int_equal(!cpuid, result < 0);
    vhv_cpuid_free(cpuid);
    return result;
}

static void cpuid_parse_json_without_memory_fails_as_that(void **state)
{
    (void)state;
    assert_fails_without_memory(parse_one_entry);
}

static int print_one_entry(void)
{
    static const struct vhv_cpuid_entry entry = {.leaf = 7, .has_subleaf = true};
    struct vhv_cpuid *cpuid = NULL;
    FILE *stream = fopen("/dev/null", "w");
    int result;

    assert_non_null(stream);
    assert_int_equal(vhv_cpuid_new(&cpuid), 0);
    assert_int_equal(vhv_cpuid_set(cpuid, &entry), 0);
    result = vhv_cpuid_print(cpuid, stream, VHV_CPUID_JSON);
    vhv_cpuid_free(cpuid);
    fclose(stream);
    return result;
}

static void cpuid_print_json_without_memory_fails_as_that(void **state)
{
    (void)state;
    assert_fails_without_memory(print_one_entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpuid_parse_json_strings_and_integers_are_exact),
        cmocka_unit_test(cpuid_parse_json_subleaf_given_is_kept_even_if_zero),
        cmocka_unit_test(cpuid_parse_json_empty_array_is_an_empty_table),
        cmocka_unit_test(cpuid_parse_json_length_bounds_the_text),
        cmocka_unit_test(cpuid_parse_json_malformed_is_refused_with_its_line),
        cmocka_unit_test(cpuid_parse_json_nul_is_refused),
        cmocka_unit_test(cpuid_parse_json_other_shape_is_refused),
        cmocka_unit_test(cpuid_parse_json_wrong_member_is_named_by_its_path),
        cmocka_unit_test(cpuid_parse_json_wrong_number_is_named_by_its_path),
        cmocka_unit_test(cpuid_parse_json_same_place_twice_is_refused),
        cmocka_unit_test(cpuid_parse_json_too_many_entries_is_refused),
        cmocka_unit_test(cpuid_parse_json_deep_nesting_is_refused),
        cmocka_unit_test(cpuid_print_json_is_read_back_the_same),
        cmocka_unit_test(cpuid_parse_json_without_memory_fails_as_that),
        cmocka_unit_test(cpuid_print_json_without_memory_fails_as_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
