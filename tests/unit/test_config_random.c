/* SPDX-License-Identifier: MIT */
/* Properties of reading and writing, on texts made by a fixed generator. */
#include <errno.h>
#include <libvhv/config.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

enum { TEXTS = 20000, MAX_PIECES = 24 };

/* Pieces of lines, so that many texts are close to the border between right and wrong. */
static const char *const pieces[] = {
    "a",
    "A",
    "b.c",
    "numvcpus",
    "memsize",
    "cpuid.1.ecx",
    "cpuid.7.0.edx.amd",
    " ",
    "\t",
    " = ",
    "=",
    "\"",
    "\"",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "#",
    "|",
    "|22",
    "|7C",
    "|0a",
    "\\u0000",
    "\xc3\xa9",
    "\xef\xbb\xbf",
    "1",
    "2",
    "\x01",
    "\xff",
    "\"----:----:----:----:----:----:--h-:----\"",
    "= \"TRUE\"\n",
    "# x\n",
    "vhv.enable",
};

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static size_t make_text(char *text, size_t text_bytes, uint32_t *state)
{
    unsigned count = next(state) % MAX_PIECES;
    size_t bytes = 0;

    for (unsigned i = 0; i < count; i++) {
        const char *piece = pieces[next(state) % (sizeof(pieces) / sizeof(pieces[0]))];

        bytes += (size_t)snprintf(text + bytes, text_bytes - bytes, "%s", piece);
    }
    return bytes;
}

static char *written(const struct vhv_config *config, size_t *bytes)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, bytes);

    assert_non_null(stream);
    assert_int_equal(vhv_config_write(config, stream), 0);
    fclose(stream);
    return text;
}

static void assert_same_items(const struct vhv_config *a, const struct vhv_config *b)
{
    struct vhv_config_item one, other;
    size_t i;

    for (i = 0; vhv_config_item(a, i, &one); i++) {
        assert_int_equal(vhv_config_item(b, i, &other), 1);
        assert_string_equal(one.key, other.key);
        assert_string_equal(one.value, other.value);
        assert_int_equal(one.line, other.line);
    }
    assert_int_equal(vhv_config_item(b, i, &other), 0);
}

static void parse_of_what_was_written_is_the_same(void **state)
{
    uint32_t random = 1;
    unsigned parsed = 0;

    (void)state;
    for (unsigned i = 0; i < TEXTS; i++) {
        char text[2048], *first, *second;
        size_t bytes = make_text(text, sizeof(text), &random), first_bytes, second_bytes;
        struct vhv_config *config = NULL, *again = NULL;

        if (vhv_config_parse(&config, text, bytes, "random") < 0) {
            assert_int_equal(strncmp(vhv_error_message(), "random:", 7), 0);
            continue;
        }
        first = written(config, &first_bytes);
        if (vhv_config_parse(&again, first, first_bytes, "random") < 0)
            fail_msg("%s, from\n%s", vhv_error_message(), text);
        second = written(again, &second_bytes);
        assert_same_items(config, again);
        assert_string_equal(first, second);
        free(first);
        free(second);
        vhv_config_free(config);
        vhv_config_free(again);
        parsed++;
    }
    /* The generator is no use if nearly everything is refused. */
    assert_in_range(parsed, TEXTS / 20, TEXTS);
}

static char *written_json(const struct vhv_config *config, size_t *bytes)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, bytes);

    assert_non_null(stream);
    assert_int_equal(vhv_config_write_json(config, stream), 0);
    fclose(stream);
    return text;
}

static void vmx_by_way_of_json_is_the_same(void **state)
{
    uint32_t random = 3;
    unsigned parsed = 0;

    (void)state;
    for (unsigned i = 0; i < TEXTS; i++) {
        char text[2048], *first, *json, *second;
        size_t bytes = make_text(text, sizeof(text), &random), json_bytes;
        struct vhv_config *config, *again;

        if (vhv_config_parse(&config, text, bytes, "random") < 0)
            continue;
        first = written(config, &bytes);
        json = written_json(config, &json_bytes);
        if (vhv_config_parse_json(&again, json, json_bytes, "json") < 0)
            fail_msg("%s, from\n%s", vhv_error_message(), json);
        second = written(again, &bytes);
        assert_string_equal(first, second);
        free(first);
        free(json);
        free(second);
        vhv_config_free(config);
        vhv_config_free(again);
        parsed++;
    }
    assert_in_range(parsed, TEXTS / 20, TEXTS);
}

static void set_line_that_is_refused_changes_nothing(void **state)
{
    static const char start[] = "numvcpus = \"2\" # two\na = \"b\"\n";
    uint32_t random = 2;

    (void)state;
    for (unsigned i = 0; i < TEXTS; i++) {
        struct vhv_config *config;
        char text[2048], *after;
        size_t bytes;

        assert_int_equal(vhv_config_parse(&config, start, strlen(start), "start"), 0);
        make_text(text, sizeof(text), &random);
        if (vhv_config_set_line(config, text) < 0) {
            after = written(config, &bytes);
            assert_string_equal(after, start);
            free(after);
        }
        vhv_config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_of_what_was_written_is_the_same),
        cmocka_unit_test(vmx_by_way_of_json_is_the_same),
        cmocka_unit_test(set_line_that_is_refused_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
