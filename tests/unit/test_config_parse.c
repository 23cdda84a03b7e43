/* SPDX-License-Identifier: MIT */
/* What the grammar of a .vmx file takes and refuses. */
#include <errno.h>
#include <libvhv/config.h>
#include <string.h>

#include "../cmocka.h"

static struct vhv_config *parse_bytes(const char *text, size_t bytes)
{
    struct vhv_config *config = NULL;

    if (vhv_config_parse(&config, text, bytes, "test.vmx") < 0)
        fail_msg("%s", vhv_error_message());
    return config;
}

static void assert_value(const char *text, const char *key, const char *value)
{
    struct vhv_config *config = parse_bytes(text, strlen(text));
    const char *found = vhv_config_get(config, key);

    assert_non_null(found);
    assert_string_equal(found, value);
    vhv_config_free(config);
}

static void assert_refused_bytes(const char *text, size_t bytes, const char *says)
{
    struct vhv_config *config = NULL;

    assert_fails(vhv_config_parse(&config, text, bytes, "test.vmx"), EINVAL, says);
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);
    assert_null(config);
}

static void assert_refused(const char *text, const char *says)
{
    assert_refused_bytes(text, strlen(text), says);
}

static void parse_value_quoted_or_not_is_the_same(void **state)
{
    (void)state;
    assert_value("a = \"b\"", "a", "b");
    assert_value("a = b", "a", "b");
    assert_value("a=b", "a", "b");
    assert_value("\t a\t=\t\"b\" \t", "a", "b");
    assert_value("a = \"b\" # \"c\"", "a", "b");
    assert_value("a = b#c", "a", "b");
    assert_value("a = \"b # c\"", "a", "b # c");
    assert_value("a = b=\"c\"", "a", "b=\"c\"");
    assert_value("a = ", "a", "");
    assert_value("a = # nothing", "a", "");
    assert_value("a = \"\"", "a", "");
}

static void parse_escape_is_a_byte(void **state)
{
    (void)state;
    assert_value("a = \"|22|7c|7C\"", "a", "\"||");
    assert_value("a = |22b|20c", "a", "\"b c");
    assert_value("a = |c3|a9", "a", "\xc3\xa9");
    assert_value("a = \"|0A\"", "a", "\n");
}

static void parse_malformed_escape_is_literal(void **state)
{
    (void)state;
    assert_value("a = \"|\"", "a", "|");
    assert_value("a = \"|2\"", "a", "|2");
    assert_value("a = \"|g0|0g\"", "a", "|g0|0g");
    assert_value("a = \"||22\"", "a", "|\"");
}

static void parse_name_in_any_case_is_found(void **state)
{
    (void)state;
    assert_value("displayName = \"b\"", "DISPLAYNAME", "b");
    assert_value("DisplayNAME = \"b\"", "displayname", "b");
}

static void parse_line_ends_of_every_kind(void **state)
{
    static const char text[] = "a = 1\r\nb = 2\nc = \"3\"\r\r\n\r\n# d\r\ne = 5\r";
    struct vhv_config *config = parse_bytes(text, strlen(text));
    struct vhv_config_item item;

    (void)state;
    assert_string_equal(vhv_config_get(config, "a"), "1");
    assert_string_equal(vhv_config_get(config, "c"), "3");
    assert_string_equal(vhv_config_get(config, "e"), "5");
    assert_int_equal(vhv_config_item(config, 3, &item), 1);
    assert_int_equal(item.line, 6);
    vhv_config_free(config);
}

static void parse_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    assert_value("\xef\xbb\xbf"
                 "a = b",
                 "a", "b");
    assert_refused("\xef\xbb\xbf\xef\xbb\xbf"
                   "a = b",
                   "test.vmx:1: column 1: found a byte order mark");
    assert_refused("a = b\n\xef\xbb\xbf"
                   "c = d",
                   "test.vmx:2: column 1: found a byte order mark");
}

static void parse_empty_file_has_no_items(void **state)
{
    struct vhv_config *config = parse_bytes("", 0);
    struct vhv_config_item item;

    (void)state;
    assert_int_equal(vhv_config_item(config, 0, &item), 0);
    assert_null(vhv_config_get(config, "a"));
    vhv_config_free(config);
}

static void parse_line_that_is_no_assignment_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_refused("a = b\n\nhello\n", "test.vmx:3: column 6: found no '=' after the name\n"
                                       "    hello\n"
                                       "         ^");
    assert_refused("a b = c", "column 3: found no '='");
    assert_refused("a: \"b\"", "column 4: found no '='");
    assert_refused("= b", "column 1: found no name");
    assert_refused("a # = b", "column 3: found no '='");
    assert_refused("a\x01 = b", "column 2: found the control character 01h");
    assert_refused("a\x7f = b", "control character 7fh");
}

static void parse_quotes_that_do_not_match_are_refused(void **state)
{
    (void)state;
    assert_refused("a = \"b", "column 5: found a quotation mark that is never closed");
    assert_refused("a = \"b\n\"", "test.vmx:1: column 5");
    assert_refused("a = \"b\" c", "column 9: found more after the value: a '\"' in a value");
    assert_refused("a = \"b\"c\"", "column 8: found more after the value");
    assert_refused("a = b c", "column 7: found more after the value: a value with white space");
}

static void parse_typographic_quotes_are_named(void **state)
{
    (void)state;
    assert_refused("a = \xe2\x80\x9c"
                   "b\xe2\x80\x9d",
                   "column 5: found a typographic quotation mark (U+201C)");
    assert_refused("a = \xc2\xab"
                   "b c\xc2\xbb",
                   "U+00AB");
    assert_value("a = \"\xe2\x80\x9c"
                 "b\xe2\x80\x9d\"",
                 "a",
                 "\xe2\x80\x9c"
                 "b\xe2\x80\x9d");
}

static void parse_nul_byte_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_refused_bytes("a = b\nc = \0d\n", 13, "test.vmx:2: a NUL byte");
    assert_refused_bytes("a = b\n\0", 7, "test.vmx:2: a NUL byte");
    assert_refused_bytes("# \0", 3, "test.vmx:1: a NUL byte");
    assert_refused("a = \"b|00\"", "column 7: found |00");
    assert_refused("a = |00", "column 5: found |00");
}

static void parse_same_name_twice_is_refused_with_both_lines(void **state)
{
    (void)state;
    assert_refused("# x\na = 1\nb = 2\nA = 3\n", "test.vmx:4: A is set on line 2 already");
    assert_refused("a = 1\na = 1\nb = 2\nb = 2\na = 1\n", "test.vmx:2: a is set on line 1 already");
    assert_refused("b = 1\na = 2\na = 3\nb = 4", "test.vmx:3: a is set on line 2");
}

static void parse_setting_with_impossible_value_is_refused(void **state)
{
    (void)state;
    assert_refused("\nnumvcpus = \"0\"",
                   "test.vmx:2: numvcpus: \"0\" is not a decimal number from 1 to 64");
    assert_refused("numvcpus = 65", "1 to 64");
    assert_refused("numvcpus = \"\"", "1 to 64");
    assert_refused("numvcpus = \"2 \"", "1 to 64");
    assert_refused("numvcpus = 0x2", "1 to 64");
    assert_refused("numvcpus = -1", "1 to 64");
    assert_refused("numvcpus = 18446744073709551617", "1 to 64");
    assert_refused("MEMSIZE = 16777217",
                   "test.vmx:1: memsize: \"16777217\" is not a decimal number from 1 to 16777216");
    assert_refused("memsize = 99999999999999999999999999999999", "16777216");
    assert_refused("vhv.enable = yes", "vhv.enable: \"yes\" is neither TRUE nor FALSE");
    assert_refused("vhv.enable = \"\"", "vhv.enable: \"\" is neither");
    assert_refused("hypervisor.cpuid.v0 = 0", "neither TRUE nor FALSE");
    assert_refused("vhv.enable = \"a|0Ab\"", "\"a?b\" is neither");
}

static void parse_malformed_mask_is_refused_with_caret(void **state)
{
    (void)state;
    assert_refused("a = b\ncpuid.1.ecx = \"----:-z\"",
                   "test.vmx:2: cpuid.1.ecx: column 7: found 'z'");
    assert_refused("cpuid.1.ecx = \"----:-z\"", "\n    ----:-z\n          ^");
    assert_refused("cpuid.1.efx = \"-\"",
                   "test.vmx:1: key \"cpuid.1.efx\": \"efx\" is not a register");
    assert_refused("cpuid.0x1.ecx = \"-\"", "without 0x");
    assert_refused("cpuid.1 = \"-\"", "names no register");
    assert_refused("CPUID.1.ECX = \"-\"", "CPUID.1.ECX: column 2");
}

static void parse_other_names_with_cpuid_are_passed_over(void **state)
{
    (void)state;
    assert_value("cpuid.coresPerSocket = \"2\"", "cpuid.corespersocket", "2");
    assert_value("cpuid.brandstring = \"x y\"", "cpuid.brandstring", "x y");
    assert_value("cpuid = \"x\"", "cpuid", "x");
    assert_value("cpuid. = \"x\"", "cpuid.", "x");
    assert_value("cpuids.1.ecx = \"x\"", "cpuids.1.ecx", "x");
    assert_value("hypervisor.cpuid.v1 = \"x\"", "hypervisor.cpuid.v1", "x");
}

static void parse_too_long_is_refused(void **state)
{
    static char text[VHV_CONFIG_MAX_BYTES + 1];
    struct vhv_config *config = NULL;

    (void)state;
    memset(text, '\n', sizeof(text));
    assert_fails(vhv_config_parse(&config, text, sizeof(text), "big.vmx"), EFBIG,
                 "big.vmx: longer than 1048576 bytes");
    assert_null(config);
    assert_int_equal(vhv_config_parse(&config, text, sizeof(text) - 1, "big.vmx"), 0);
    vhv_config_free(config);
}

static void parse_file_of_many_names_finds_each(void **state)
{
    enum { NAMES = 60000 };
    static char text[VHV_CONFIG_MAX_BYTES];
    struct vhv_config *config;
    size_t bytes = 0;

    (void)state;
    /* 7919 is prime to the count: every number comes once, in no simple order. */
    for (unsigned i = 0; i < NAMES; i++)
        bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "k%u = %u\n",
                                  i * 7919u % NAMES, i % 10);
    config = parse_bytes(text, bytes);
    for (unsigned i = 0; i < NAMES; i++) {
        struct vhv_config_item item;

        assert_int_equal(vhv_config_item(config, i, &item), 1);
        assert_int_equal(item.line, i + 1);
        assert_ptr_equal(vhv_config_get(config, item.key), item.value);
    }
    vhv_config_free(config);
}

static void load_published_lines_that_are_right_are_taken(void **state)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    struct vhv_config *config;

    (void)state;
    if (vhv_config_load(&config, TEST_VECTORS "/accept.vmx") < 0)
        fail_msg("%s", vhv_error_message());
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.request_count, 15);
    vhv_config_free(config);
}

static void parse_published_lines_that_are_wrong_are_refused(void **state)
{
    /* What the message says, a line of the file each. */
    static const char *const says[] = {
        "column 15: found a typographic quotation mark (U+201D)",
        "found a backslash",
        "is leaf 80000002",
        "found the end after 28 mask characters",
        "1000:0000:0000:0000:0000:0000:0000:0000",
        "\"efx\" is not a register",
        "\"via\" is not a vendor",
    };
    FILE *file = fopen(TEST_VECTORS "/reject.txt", "r");
    char line[256];
    size_t count = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        struct vhv_config *config = NULL;

        assert_in_range(count, 0, sizeof(says) / sizeof(says[0]) - 1);
        assert_fails(vhv_config_parse(&config, line, strlen(line), "reject"), EINVAL, says[count]);
        assert_int_equal(strncmp(vhv_error_message(), "reject:1: ", 10), 0);
        count++;
    }
    fclose(file);
    assert_int_equal(count, sizeof(says) / sizeof(says[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_value_quoted_or_not_is_the_same),
        cmocka_unit_test(parse_escape_is_a_byte),
        cmocka_unit_test(parse_malformed_escape_is_literal),
        cmocka_unit_test(parse_name_in_any_case_is_found),
        cmocka_unit_test(parse_line_ends_of_every_kind),
        cmocka_unit_test(parse_byte_order_mark_is_skipped),
        cmocka_unit_test(parse_empty_file_has_no_items),
        cmocka_unit_test(parse_line_that_is_no_assignment_is_refused_with_its_place),
        cmocka_unit_test(parse_quotes_that_do_not_match_are_refused),
        cmocka_unit_test(parse_typographic_quotes_are_named),
        cmocka_unit_test(parse_nul_byte_is_refused_with_its_line),
        cmocka_unit_test(parse_same_name_twice_is_refused_with_both_lines),
        cmocka_unit_test(parse_setting_with_impossible_value_is_refused),
        cmocka_unit_test(parse_malformed_mask_is_refused_with_caret),
        cmocka_unit_test(parse_other_names_with_cpuid_are_passed_over),
        cmocka_unit_test(parse_too_long_is_refused),
        cmocka_unit_test(parse_file_of_many_names_finds_each),
        cmocka_unit_test(load_published_lines_that_are_right_are_taken),
        cmocka_unit_test(parse_published_lines_that_are_wrong_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
