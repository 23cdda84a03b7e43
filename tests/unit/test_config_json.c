/* SPDX-License-Identifier: MIT */
/* A configuration in JSON: what is read, what is refused, and that nothing is lost on the way. */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cmocka.h"

static struct vhv_config *parse(const char *text)
{
    struct vhv_config *config = NULL;

    if (vhv_config_parse_json(&config, text, strlen(text), "test.json") < 0)
        fail_msg("%s", vhv_error_message());
    return config;
}

static struct vhv_config *parse_vmx(const char *text)
{
    struct vhv_config *config = NULL;

    if (vhv_config_parse(&config, text, strlen(text), "test.vmx") < 0)
        fail_msg("%s", vhv_error_message());
    return config;
}

/* To be freed. */
static char *written(const struct vhv_config *config,
                     int (*write_it)(const struct vhv_config *, FILE *))
{
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);

    assert_non_null(stream);
    assert_int_equal(write_it(config, stream), 0);
    fclose(stream);
    return text;
}

static void assert_refused(const char *text, const char *says)
{
    struct vhv_config *config = NULL;

    assert_fails(vhv_config_parse_json(&config, text, strlen(text), "test.json"), EINVAL, says);
    assert_int_equal(strncmp(vhv_error_message(), "test.json: ", 11), 0);
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);
    assert_null(config);
}

static void assert_vmx(const char *json, const char *vmx)
{
    struct vhv_config *config = parse(json);
    char *text = written(config, vhv_config_write);

    assert_string_equal(text, vmx);
    free(text);
    vhv_config_free(config);
}

/* The members of "settings" as they are written. */
static void assert_json(const char *vmx, const char *member)
{
    struct vhv_config *config = parse_vmx(vmx);
    char *text = written(config, vhv_config_write_json);

    if (!strstr(text, member))
        fail_msg("there is no %s in\n%s", member, text);
    free(text);
    vhv_config_free(config);
}

/* vmx → JSON → vmx, and from there to JSON again. */
static void assert_nothing_is_lost(const char *vmx)
{
    struct vhv_config *config = parse_vmx(vmx), *back;
    char *first = written(config, vhv_config_write), *second, *again;
    char *json = written(config, vhv_config_write_json);

    back = parse(json);
    second = written(back, vhv_config_write);
    again = written(back, vhv_config_write_json);
    assert_string_equal(second, first);
    assert_string_equal(again, json);
    free(first);
    free(second);
    free(again);
    free(json);
    vhv_config_free(config);
    vhv_config_free(back);
}

static void parse_json_settings_are_those_of_a_vmx_file(void **state)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    struct vhv_config *config =
        parse("{\"settings\": {\"displayName\": \"a b\", \"NumVCPUs\": 2, \"memsize\": \"512\", "
              "\"vhv.enable\": true, \"hypervisor.cpuid.v0\": false, \"other\": -5, \"x\": \"\","
              "\"cpuid.1.ecx\": \"----:----:----:----:----:----:--h-:----\"}}");

    (void)state;
    assert_string_equal(vhv_config_display_name(config), "a b");
    assert_int_equal(vhv_config_vcpus(config), 2);
    assert_int_equal(vhv_config_memory_bytes(config), 512 << 20);
    assert_string_equal(vhv_config_get(config, "OTHER"), "-5");
    assert_string_equal(vhv_config_get(config, "x"), "");
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.vhv_enable.value, VHV_SETTING_TRUE);
    assert_int_equal(options.hypervisor_v0.value, VHV_SETTING_FALSE);
    assert_int_equal(options.request_count, 1);
    assert_int_equal(options.requests[0].mask.op[5], VHV_MASK_HOST);
    vhv_config_free(config);
}

static void parse_json_origin_has_file_and_no_line(void **state)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    struct vhv_config *config = parse("{\"settings\": {\"vhv.enable\": true}}"), *copy;
    struct vhv_config_item item;

    (void)state;
    assert_int_equal(vhv_config_copy(&copy, config), 0);
    vhv_config_free(config);
    vhv_config_cpuid(copy, &options);
    assert_string_equal(options.vhv_enable.origin.file, "test.json");
    assert_int_equal(options.vhv_enable.origin.line, 0);
    assert_string_equal(options.vhv_enable.origin.key, "vhv.enable");
    assert_int_equal(vhv_config_item(copy, 0, &item), 1);
    assert_string_equal(item.file, "test.json");
    assert_int_equal(item.line, 0);
    assert_int_equal(vhv_config_set(copy, "vhv.enable", "TRUE"), 0);
    assert_int_equal(vhv_config_item(copy, 0, &item), 1);
    assert_null(item.file);
    vhv_config_free(copy);
}

static void parse_json_comments_go_to_their_lines(void **state)
{
    (void)state;
    assert_vmx("{\"settings\": {\"a\": \"1\", \"b\": \"2\"}, \"comments\": {"
               "\"\": {\"above\": [\"\", \"# end\"]},"
               "\"B\": {\"behind\": \"# two\", \"above\": [\"# first\", \" \\t# second\"]}}}",
               "a = \"1\"\n# first\n \t# second\nb = \"2\" # two\n\n# end\n");
    assert_vmx("{\"settings\": {}, \"comments\": {\"\": {\"above\": [\"# alone\"]}}}", "# alone\n");
    assert_vmx("{\"comments\": {}, \"settings\": {\"a\": \"\"}}", "a = \"\"\n");
}

static void parse_json_escape_is_a_byte(void **state)
{
    struct vhv_config *config = parse("{\"settings\": {\"a|41\": \"x|ffy|7C22|zz|\"}}");

    (void)state;
    assert_string_equal(vhv_config_get(config, "aA"), "x\xffy|22|zz|");
    vhv_config_free(config);
    assert_refused("{\"settings\": {\"a\": \"|00\"}}", "settings.\"a\": |00 is a NUL byte");
    assert_refused("{\"settings\": {\"a|00\": 1}}", "|00 is a NUL byte");
    assert_refused("{\"settings\": {\"a|20b\": 1}}", "settings.\"a b\": column 2: found ' '");
}

static void parse_json_malformed_is_refused_with_line_and_column(void **state)
{
    static char deep[100000];

    (void)state;
    assert_refused("{\"settings\":\n {\"a\": }}", "test.json: JSON, line 2, column 8: malformed");
    assert_refused("", "line 1, column 1: malformed");
    assert_refused("{\"settings\": {}} x", "line 1, column 18: text after the end");
    assert_refused("{\"settings\": {\"a\": \"\\u0000\"}}", "a NUL in a string");
    memset(deep, '[', sizeof(deep) - 1);
    assert_refused(deep, "malformed");
}

static void parse_json_escaped_backslash_is_no_nul(void **state)
{
    (void)state;
    assert_vmx("{\"settings\": {\"a\": \"\\\\u0000\"}}", "a = \"\\u0000\"\n");
    assert_refused("{\"settings\": {\"a\": \"\\\\u0000 \\\\\\u0000\"}}",
                   "column 31: a NUL in a string");
}

static void parse_json_members_that_the_format_has_not_are_refused(void **state)
{
    (void)state;
    assert_refused("[]", "the JSON is not an object");
    assert_refused("{}", "settings is missing");
    assert_refused("{\"settings\": {}, \"vhv.enable\": true}", "vhv.enable: there is no such");
    assert_refused("{\"Settings\": {}}", "Settings: there is no such member");
    assert_refused("{\"settings\": []}", "settings is not an object");
    assert_refused("{\"settings\": {}, \"settings\": {}}", "settings is given twice");
    assert_refused("{\"settings\": {}, \"comments\": 1}", "comments is not an object");
    assert_refused("{\"settings\": {}, \"comments\": {}, \"comments\": {}}", "comments is given");
}

static void parse_json_same_name_twice_is_refused(void **state)
{
    (void)state;
    assert_refused("{\"settings\": {\"a\": 1, \"b\": 2, \"A\": 1}}",
                   "settings.\"A\" is given twice");
}

static void parse_json_impossible_value_is_refused_with_its_path(void **state)
{
    (void)state;
    assert_refused("{\"settings\": {\"numvcpus\": 65}}",
                   "test.json: settings.\"numvcpus\": numvcpus: \"65\" is not a decimal number");
    assert_refused("{\"settings\": {\"numvcpus\": true}}", "\"TRUE\" is not a decimal number");
    assert_refused("{\"settings\": {\"vhv.enable\": 1}}", "\"1\" is neither TRUE nor FALSE");
    assert_refused("{\"settings\": {\"cpuid.1.ecx\": \"----:-z\"}}",
                   "settings.\"cpuid.1.ecx\": cpuid.1.ecx: column 7: found 'z'");
    assert_refused("{\"settings\": {\"cpuid.1.efx\": \"-\"}}", "settings.\"cpuid.1.efx\": key");
    assert_refused("{\"settings\": {\"\": 1}}", "found no name");
    assert_refused("{\"settings\": {\"a\": null}}", "settings.\"a\": a value is a string, an int");
    assert_refused("{\"settings\": {\"a\": [1]}}", "a value is");
    assert_refused("{\"settings\": {\"a\": {\"b\": 1}}}", "a value is");
    assert_refused("{\"settings\": {\"a\": 1.5}}", "not an integer");
    assert_refused("{\"settings\": {\"a\": 9007199254740993}}", "write it as a string");
    assert_refused("{\"settings\": {\"a\": -1e400}}", "not an integer");
    assert_refused("{\"settings\": {\"a\\u001b\": 1}}", "settings.\"a?\": ");
}

static void parse_json_malformed_comment_is_refused_with_its_path(void **state)
{
#define WITH(comments) "{\"settings\": {\"a\": 1}, \"comments\": {" comments "}}"
    (void)state;
    assert_refused(WITH("\"b\": {}"), "comments.\"b\": there is no such setting");
    assert_refused(WITH("\"a\": {}, \"A\": {}"), "is given twice");
    assert_refused(WITH("\"a\": \"#\""), "comments.\"a\": this is not an object");
    assert_refused(WITH("\"a\": {\"below\": []}"), "comments.\"a\": the members are");
    assert_refused(WITH("\"a\": {\"above\": [], \"above\": []}"), "at most once");
    assert_refused(WITH("\"\": {\"behind\": \"#\"}"), "of a setting, behind");
    assert_refused(WITH("\"a\": {\"above\": \"#\"}"), "above: this is not an array");
    assert_refused(WITH("\"a\": {\"above\": [1]}"), "above: a comment is not a string");
    assert_refused(WITH("\"a\": {\"above\": [\"x\"]}"), "does not begin with '#'");
    assert_refused(WITH("\"a\": {\"behind\": \"\"}"), "behind: a comment does not begin");
    assert_refused(WITH("\"a\": {\"behind\": \" #\"}"), "does not begin with '#'");
    assert_refused(WITH("\"a\": {\"behind\": \"#\\nb = 1\"}"), "a comment has a line end");
    assert_refused(WITH("\"a\": {\"above\": [\"# x\\r\"]}"), "a comment has a line end");
    assert_refused(WITH("\"a\": {\"above\": [\"# |00\"]}"), "|00 is a NUL byte");
#undef WITH
}

static void parse_json_too_long_is_refused(void **state)
{
    static char text[VHV_CONFIG_MAX_BYTES + 1];
    struct vhv_config *config = NULL;

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, "{\"settings\": {}}", 16);
    assert_fails(vhv_config_parse_json(&config, text, sizeof(text), "big.json"), EFBIG,
                 "big.json: longer than 1048576 bytes");
    assert_null(config);
    assert_int_equal(vhv_config_parse_json(&config, text, sizeof(text) - 1, "big.json"), 0);
    vhv_config_free(config);
}

/* Names and comments are found by their index: without it this takes minutes. */
static void parse_json_many_names_with_comments_are_read(void **state)
{
    enum { NAMES = 15000 };
    static char vmx[VHV_CONFIG_MAX_BYTES];
    size_t bytes = 0;

    (void)state;
    for (unsigned i = 0; i < NAMES; i++)
        bytes += (size_t)snprintf(vmx + bytes, sizeof(vmx) - bytes, "k%u = 1 # %u\n",
                                  i * 7919u % NAMES, i % 10);
    assert_nothing_is_lost(vmx);
}

static void write_json_types_are_those_of_the_settings(void **state)
{
    (void)state;
    assert_json("vhv.enable = TRUE", "\"vhv.enable\":\ttrue");
    assert_json("vhv.enable = \"FALSE\"", "\"vhv.enable\":\tfalse");
    assert_json("vhv.enable = true", "\"vhv.enable\":\t\"true\"");
    assert_json("numvcpus = 2", "\"numvcpus\":\t2");
    assert_json("numvcpus = 02", "\"numvcpus\":\t\"02\"");
    assert_json("displayName = 2", "\"displayName\":\t\"2\"");
    assert_json("unknown = TRUE", "\"unknown\":\t\"TRUE\"");
    assert_json("a = \"x|22y\"", "\"a\":\t\"x\\\"y\"");
    assert_json("a = \"x|FFy|7C41|\"", "\"a\":\t\"x|FFy|7C41|\"");
}

static void write_json_without_comments_has_none(void **state)
{
    struct vhv_config *config = parse_vmx("a = b");
    char *text = written(config, vhv_config_write_json);

    (void)state;
    assert_string_equal(text, "{\n\t\"settings\":\t{\n\t\t\"a\":\t\"b\"\n\t}\n}\n");
    free(text);
    vhv_config_free(config);
}

static void write_json_loses_nothing(void **state)
{
    (void)state;
    assert_nothing_is_lost("");
    assert_nothing_is_lost("\n \t\n# only\n");
    assert_nothing_is_lost("# above\nA = 1#behind\n\n  # b\r\nb = \"\"\n# end");
    assert_nothing_is_lost("numvcpus = 02\nvhv.enable = True\nmemsize=512\n");
    assert_nothing_is_lost("a = \"|22|7C|0A|01|7f\"\nb = \"|zz|\"\nc = \"\\u0000\"\n");
    assert_nothing_is_lost("\xff = \"\xfe|FF\xc3\xa9\xef\xbf\xbd\" # \x80|41\n");
    assert_nothing_is_lost("a|41 = \"above\"\nabove = \"behind\"\nsettings = \"comments\"\n");
}

static void write_json_failing_stream_is_an_error(void **state)
{
    struct vhv_config *config = parse_vmx("a = b");
    FILE *stream = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(stream);
    assert_fails(vhv_config_write_json(config, stream), EIO, "the stream has an error");
    fclose(stream);
    vhv_config_free(config);
}

static void load_tells_json_from_vmx(void **state)
{
    static const struct {
        const char *text;
        unsigned vcpus;
    } files[] = {
        {"{\"settings\": {\"numvcpus\": 2}}", 2},
        {"\xef\xbb\xbf\r\n\t {\"settings\": {\"numvcpus\": 3}}", 3},
        {"# {\nnumvcpus = 4\n", 4},
        {"", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[] = "/tmp/vhv-config-json-XXXXXX";
        size_t bytes = strlen(files[i].text);
        struct vhv_config *config;
        int fd = mkstemp(path), result;

        assert_true(fd >= 0);
        assert_int_equal(write(fd, files[i].text, bytes), bytes);
        close(fd);
        result = vhv_config_load(&config, path);
        unlink(path);
        assert_int_equal(result, 0);
        assert_int_equal(vhv_config_vcpus(config), files[i].vcpus);
        vhv_config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_json_settings_are_those_of_a_vmx_file),
        cmocka_unit_test(parse_json_origin_has_file_and_no_line),
        cmocka_unit_test(parse_json_comments_go_to_their_lines),
        cmocka_unit_test(parse_json_escape_is_a_byte),
        cmocka_unit_test(parse_json_malformed_is_refused_with_line_and_column),
        cmocka_unit_test(parse_json_escaped_backslash_is_no_nul),
        cmocka_unit_test(parse_json_members_that_the_format_has_not_are_refused),
        cmocka_unit_test(parse_json_same_name_twice_is_refused),
        cmocka_unit_test(parse_json_impossible_value_is_refused_with_its_path),
        cmocka_unit_test(parse_json_malformed_comment_is_refused_with_its_path),
        cmocka_unit_test(parse_json_too_long_is_refused),
        cmocka_unit_test(parse_json_many_names_with_comments_are_read),
        cmocka_unit_test(write_json_types_are_those_of_the_settings),
        cmocka_unit_test(write_json_without_comments_has_none),
        cmocka_unit_test(write_json_loses_nothing),
        cmocka_unit_test(write_json_failing_stream_is_an_error),
        cmocka_unit_test(load_tells_json_from_vmx),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
