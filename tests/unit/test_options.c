/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "../cmocka.h"
#include "base/error.h"
#include "base/options.h"

/* What an older, the current and a newer program would pass. */
struct older {
    size_t size;
};

struct current {
    size_t size;
    int value;
};

struct newer {
    struct current current;
    long added;
};

static void options_read_null_gives_zeros(void **state)
{
    struct current known = {.size = 1, .value = 7};

    (void)state;
    assert_int_equal(vhv_options_read(&known, sizeof(known), NULL, "current"), 0);
    assert_int_equal(known.value, 0);
}

static void options_read_older_struct_leaves_rest_zero(void **state)
{
    struct older given = {.size = sizeof(given)};
    struct current known = {.value = 7};

    (void)state;
    assert_int_equal(vhv_options_read(&known, sizeof(known), &given, "current"), 0);
    assert_int_equal(known.value, 0);
}

static void options_read_newer_struct_with_zero_tail_is_taken(void **state)
{
    struct newer given = {.current = {.size = sizeof(given), .value = 7}};
    struct current known;

    (void)state;
    assert_int_equal(vhv_options_read(&known, sizeof(known), &given, "current"), 0);
    assert_int_equal(known.value, 7);
}

static void options_read_newer_struct_with_set_tail_is_refused(void **state)
{
    struct newer given = {.current = {.size = sizeof(given)}, .added = 1};
    struct current known;

    (void)state;
    assert_fails(vhv_options_read(&known, sizeof(known), &given, "current"), EINVAL,
                 "struct current");
}

static void options_read_size_not_set_is_refused(void **state)
{
    struct current given = {.value = 7};
    struct current known;

    (void)state;
    assert_fails(vhv_options_read(&known, sizeof(known), &given, "current"), EINVAL,
                 "sizeof(struct current)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_read_null_gives_zeros),
        cmocka_unit_test(options_read_older_struct_leaves_rest_zero),
        cmocka_unit_test(options_read_newer_struct_with_zero_tail_is_taken),
        cmocka_unit_test(options_read_newer_struct_with_set_tail_is_refused),
        cmocka_unit_test(options_read_size_not_set_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
