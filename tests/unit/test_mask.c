/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libvhv/mask.h>
#include <string.h>

#include "../cmocka.h"

/* Where the caret of the last message points, counted from 1 in characters of the line above. */
static size_t caret_column(void)
{
    const char *shown = strstr(vhv_error_message(), "\n    ");
    const char *caret = shown ? strstr(shown + 1, "\n    ") : NULL;

    assert_non_null(caret);
    return strspn(caret + 5, " ") + 1;
}

#define assert_refused(text, column, says)                                    \
    do {                                                                      \
        struct vhv_mask untouched = {{VHV_MASK_TRUE}};                        \
        assert_fails(vhv_mask_parse(&untouched, text), EINVAL, says);         \
        assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);                \
        assert_non_null(strstr(vhv_error_message(), "column " #column ": ")); \
        assert_int_equal(caret_column(), column);                             \
        assert_int_equal(untouched.op[0], VHV_MASK_TRUE);                     \
    } while (0)

static struct vhv_mask parse(const char *text)
{
    struct vhv_mask mask;

    if (vhv_mask_parse(&mask, text) < 0)
        fail_msg("%s", vhv_error_message());
    return mask;
}

static uint32_t bits_with(const struct vhv_mask *mask, enum vhv_mask_op op)
{
    uint32_t bits = 0;

    for (int bit = 0; bit < 32; bit++)
        bits |= (uint32_t)(mask->op[bit] == op) << bit;
    return bits;
}

static void mask_parse_leftmost_character_is_bit_31(void **state)
{
    struct vhv_mask mask = parse("1---:----:----:----:----:----:----:--0h");

    (void)state;
    assert_int_equal(bits_with(&mask, VHV_MASK_FORCE), 0x80000000);
    assert_int_equal(bits_with(&mask, VHV_MASK_HIDE), 2);
    assert_int_equal(bits_with(&mask, VHV_MASK_HOST), 1);
    assert_int_equal(bits_with(&mask, VHV_MASK_PASS), 0x7ffffffc);
}

static void mask_parse_every_character_in_both_cases_has_its_op(void **state)
{
    static const uint8_t ops[] = {VHV_MASK_PASS,  VHV_MASK_HIDE,     VHV_MASK_FORCE,
                                  VHV_MASK_HOST,  VHV_MASK_RESERVED, VHV_MASK_TRUE,
                                  VHV_MASK_FALSE, VHV_MASK_IGNORE,   VHV_MASK_INSTALL};
    struct vhv_mask lower = parse("-01hrtfxi-01hrtfxi-01hrtfxi-----");
    struct vhv_mask upper = parse("-01HRTFXI-01HRTFXI-01HRTFXI-----");

    (void)state;
    for (int i = 0; i < 27; i++) {
        assert_int_equal(lower.op[31 - i], ops[i % 9]);
        assert_int_equal(upper.op[31 - i], ops[i % 9]);
    }
}

static void mask_parse_separators_do_not_count(void **state)
{
    static const char *const same[] = {
        "0000:0111:1000:1011:1111:1011:1111:1111",
        "0000 0111 1000 1011 1111 1011 1111 1111",
        "00000111100010111111101111111111",
        "00000111 10001011:11111011 11111111",
        " 0000 : 0111:: 1000:1011:1111:1011:1111:1111: ",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct vhv_mask mask = parse(same[i]);

        assert_int_equal(bits_with(&mask, VHV_MASK_FORCE), 0x078bfbff);
        assert_int_equal(bits_with(&mask, VHV_MASK_HIDE), 0xf8740400);
    }
}

static void mask_parse_wrong_length_is_refused_at_its_end(void **state)
{
    (void)state;
    assert_refused("----:----:----:----:----:----:--h-", 35, "28 mask characters: a mask has 32");
    assert_refused("1", 2, "1 mask character: a mask has 32");
    assert_refused("", 1, "0 mask characters");
    assert_refused("----:----:----:----:----:----:----:----:-", 41, "33rd mask character");
}

static void mask_parse_number_is_refused_and_offered_as_mask(void **state)
{
    (void)state;
    assert_refused("0x80000000", 1, "\"1000:0000:0000:0000:0000:0000:0000:0000\"");
    assert_refused("0X20", 1, "\"0000:0000:0000:0000:0000:0000:0010:0000\"");
    assert_refused("0x123456789", 1, "found a number: a mask has 32 characters");
    assert_refused("2147483648", 1, "found a number");
    assert_refused("078BFBFF", 1, "found a number");
}

static void mask_parse_x_after_zero_is_a_mask_when_32_long(void **state)
{
    struct vhv_mask mask = parse("0x------------------------------");

    (void)state;
    assert_int_equal(mask.op[31], VHV_MASK_HIDE);
    assert_int_equal(mask.op[30], VHV_MASK_IGNORE);
}

static void mask_parse_typographic_character_is_refused_by_name(void **state)
{
    (void)state;
    assert_refused("”—-:—-:—-:—-:—-:—-:–h-:—-”", 1, "right double quotation mark (U+201D)");
    assert_refused("—-:—-:—-:—-:—-:—-:–h-:—-", 1, "em dash (U+2014)");
    assert_refused("----:--–-", 8, "en dash (U+2013): a mask has one ASCII '-'");
    assert_refused("----:−---", 6, "minus sign (U+2212)");
    assert_refused("“----", 1, "quotes go around the mask");
    assert_refused("----‘", 5, "U+2018");
    assert_refused("----’", 5, "U+2019");
    assert_refused("„----", 1, "U+201E");
    assert_refused("----\u00a0----", 5, "no-break space (U+00A0): groups are kept apart");
}

static void mask_parse_quote_or_markdown_is_refused_with_remedy(void **state)
{
    (void)state;
    assert_refused("\"----:----", 1, "found a quotation mark");
    assert_refused("----:'----", 6, "found a quotation mark");
    assert_refused("\\----:\\----:\\----:\\----:\\----:\\----:\\--h-:\\----", 1,
                   "leave the backslashes out");
}

static void mask_parse_other_character_is_refused_where_it_stands(void **state)
{
    (void)state;
    assert_refused("----:--g-", 8, "found 'g': a mask is of \"-01hrtfxi\"");
    assert_refused("----\t----", 5, "U+0009");
    assert_refused("--é-", 3, "U+00E9");
    assert_refused("--\xff-", 3, "byte ffh, which is not UTF-8");
    assert_refused("--\xe2\x80", 3, "byte e2h, which is not UTF-8");
    assert_refused("--\xc0\xad", 3, "byte c0h, which is not UTF-8");     /* '-', overlong */
    assert_refused("--\xed\xa0\x80", 3, "byte edh, which is not UTF-8"); /* a surrogate */
}

static void mask_parse_long_text_shows_part_around_column(void **state)
{
    char text[1000];

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text + 900, "-z", sizeof("-z"));
    assert_fails(vhv_mask_parse(&(struct vhv_mask){{0}}, text), EINVAL, "column 902: found 'z'");
    assert_true(strlen(vhv_error_message()) < 300);
    assert_non_null(strstr(vhv_error_message(), "\n    ..."));
    assert_int_equal(caret_column(), 3 + 60 + 1);
}

static void mask_parse_control_characters_never_reach_the_message(void **state)
{
    (void)state;
    assert_fails(vhv_mask_parse(&(struct vhv_mask){{0}}, "--\x1b[31m"), EINVAL, "--?[31m");
    assert_null(strchr(vhv_error_message(), 0x1b));
}

static void mask_format_any_mask_reads_back_the_same(void **state)
{
    const char *text = "-01h:rtfx:i---:0000:1111:hhhh:rtfx:-01h";
    struct vhv_mask mask = parse(text);
    char written[VHV_MASK_TEXT_BYTES];

    (void)state;
    vhv_mask_format(&mask, written);
    assert_string_equal(written, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mask_parse_leftmost_character_is_bit_31),
        cmocka_unit_test(mask_parse_every_character_in_both_cases_has_its_op),
        cmocka_unit_test(mask_parse_separators_do_not_count),
        cmocka_unit_test(mask_parse_wrong_length_is_refused_at_its_end),
        cmocka_unit_test(mask_parse_number_is_refused_and_offered_as_mask),
        cmocka_unit_test(mask_parse_x_after_zero_is_a_mask_when_32_long),
        cmocka_unit_test(mask_parse_typographic_character_is_refused_by_name),
        cmocka_unit_test(mask_parse_quote_or_markdown_is_refused_with_remedy),
        cmocka_unit_test(mask_parse_other_character_is_refused_where_it_stands),
        cmocka_unit_test(mask_parse_long_text_shows_part_around_column),
        cmocka_unit_test(mask_parse_control_characters_never_reach_the_message),
        cmocka_unit_test(mask_format_any_mask_reads_back_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
