/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libvhv/cpuid.h>
#include <string.h>

#include "../cmocka.h"

static struct vhv_cpuid_entry plain(uint32_t leaf, uint32_t eax)
{
    return (struct vhv_cpuid_entry){.leaf = leaf, .reg = {eax}};
}

static struct vhv_cpuid_entry indexed(uint32_t leaf, uint32_t subleaf, uint32_t eax)
{
    return (struct vhv_cpuid_entry){
        .leaf = leaf, .subleaf = subleaf, .has_subleaf = true, .reg = {eax}};
}

static void set(struct vhv_cpuid *cpuid, struct vhv_cpuid_entry entry)
{
    assert_int_equal(vhv_cpuid_set(cpuid, &entry), 0);
}

static int make_table(void **state)
{
    struct vhv_cpuid *cpuid = NULL;

    if (vhv_cpuid_new(&cpuid) < 0)
        return -1;
    *state = cpuid;
    return 0;
}

static int free_table(void **state)
{
    vhv_cpuid_free(*state);
    return 0;
}

static void assert_place(const struct vhv_cpuid *cpuid, size_t index, uint32_t leaf,
                         uint32_t subleaf)
{
    const struct vhv_cpuid_entry *entry = vhv_cpuid_at(cpuid, index);

    assert_non_null(entry);
    assert_int_equal(entry->leaf, leaf);
    assert_int_equal(entry->subleaf, subleaf);
}

static void cpuid_set_in_any_order_keeps_entries_sorted(void **state)
{
    set(*state, plain(0xffffffff, 5));
    set(*state, indexed(4, 1, 3));
    set(*state, plain(0, 1));
    set(*state, plain(0x80000001, 4));
    set(*state, indexed(4, 0, 2));

    assert_int_equal(vhv_cpuid_count(*state), 5);
    assert_place(*state, 0, 0, 0);
    assert_place(*state, 1, 4, 0);
    assert_place(*state, 2, 4, 1);
    assert_place(*state, 3, 0x80000001, 0);
    assert_place(*state, 4, 0xffffffff, 0);
    assert_null(vhv_cpuid_at(*state, 5));
}

static void cpuid_set_same_place_replaces(void **state)
{
    set(*state, indexed(7, 1, 1));
    set(*state, indexed(7, 1, 2));
    set(*state, plain(1, 3));
    set(*state, plain(1, 4));

    assert_int_equal(vhv_cpuid_count(*state), 2);
    assert_int_equal(vhv_cpuid_get(*state, 7, 1, VHV_EAX), 2);
    assert_int_equal(vhv_cpuid_get(*state, 1, 0, VHV_EAX), 4);
}

static void cpuid_set_plain_entry_replaces_all_subleaves(void **state)
{
    set(*state, plain(3, 3));
    set(*state, indexed(4, 0, 1));
    set(*state, indexed(4, 1, 2));
    set(*state, indexed(4, 7, 3));
    set(*state, plain(5, 5));
    set(*state, plain(4, 9));

    assert_int_equal(vhv_cpuid_count(*state), 3);
    assert_int_equal(vhv_cpuid_get(*state, 3, 0, VHV_EAX), 3);
    assert_int_equal(vhv_cpuid_get(*state, 4, 7, VHV_EAX), 9);
    assert_int_equal(vhv_cpuid_get(*state, 5, 0, VHV_EAX), 5);
}

static void cpuid_set_subleaf_replaces_plain_entry(void **state)
{
    set(*state, plain(3, 3));
    set(*state, plain(4, 9));
    set(*state, indexed(4, 2, 1));

    assert_int_equal(vhv_cpuid_count(*state), 2);
    assert_null(vhv_cpuid_find(*state, 4, 0));
    assert_int_equal(vhv_cpuid_get(*state, 4, 2, VHV_EAX), 1);
}

static void cpuid_set_beyond_last_entry_is_refused_and_changes_nothing(void **state)
{
    struct vhv_cpuid_entry entry;

    for (uint32_t i = 0; i < VHV_CPUID_MAX_ENTRIES; i++)
        set(*state, plain(2 * i, i));
    entry = plain(0x21, 1);
    assert_fails(vhv_cpuid_set(*state, &entry), ENOSPC, "0x21");
    assert_int_equal(vhv_cpuid_count(*state), VHV_CPUID_MAX_ENTRIES);
    assert_null(vhv_cpuid_find(*state, 0x21, 0));
    assert_null(vhv_cpuid_find(*state, 0xffffffff, 0));

    set(*state, plain(0x20, 7));
    set(*state, indexed(0x20, 3, 8));
    assert_int_equal(vhv_cpuid_count(*state), VHV_CPUID_MAX_ENTRIES);
    assert_int_equal(vhv_cpuid_get(*state, 0x20, 3, VHV_EAX), 8);
    assert_int_equal(vhv_cpuid_get(*state, 0x22, 0, VHV_EAX), 0x11);
}

static void cpuid_find_plain_entry_answers_every_subleaf(void **state)
{
    set(*state, plain(1, 7));

    assert_non_null(vhv_cpuid_find(*state, 1, 0));
    assert_ptr_equal(vhv_cpuid_find(*state, 1, 0xffffffff), vhv_cpuid_find(*state, 1, 0));
    assert_null(vhv_cpuid_find(*state, 0, 5));
    assert_null(vhv_cpuid_find(*state, 2, 0));
}

static void cpuid_find_absent_subleaf_is_null_and_gets_zero(void **state)
{
    set(*state, indexed(0xd, 0, 1));
    set(*state, indexed(0xd, 2, 1));

    assert_null(vhv_cpuid_find(*state, 0xd, 1));
    assert_null(vhv_cpuid_find(*state, 0xd, 3));
    assert_int_equal(vhv_cpuid_get(*state, 0xd, 1, VHV_EAX), 0);
}

static void cpuid_find_in_empty_table_is_null(void **state)
{
    assert_null(vhv_cpuid_find(*state, 0, 0));
    assert_null(vhv_cpuid_at(*state, 0));
}

static void cpuid_remove_takes_one_entry_and_tells(void **state)
{
    set(*state, plain(1, 1));
    set(*state, indexed(4, 0, 2));
    set(*state, indexed(4, 1, 3));

    assert_int_equal(vhv_cpuid_remove(*state, 4, 0), 1);
    assert_int_equal(vhv_cpuid_remove(*state, 4, 0), 0);
    assert_int_equal(vhv_cpuid_remove(*state, 1, 9), 1);
    assert_int_equal(vhv_cpuid_count(*state), 1);
    assert_place(*state, 0, 4, 1);
}

static void cpuid_copy_is_equal_and_independent(void **state)
{
    struct vhv_cpuid *copy = NULL;

    set(*state, plain(1, 1));
    set(*state, indexed(4, 3, 2));
    assert_int_equal(vhv_cpuid_copy(&copy, *state), 0);
    assert_int_equal(vhv_cpuid_compare(*state, copy, NULL, NULL), 0);
    assert_int_equal(vhv_cpuid_count(copy), 2);

    set(copy, plain(1, 2));
    assert_int_equal(vhv_cpuid_get(*state, 1, 0, VHV_EAX), 1);
    vhv_cpuid_free(copy);
}

static void cpuid_leaf_has_subleaves_is_the_architectures(void **state)
{
    static const uint32_t with[] = {4,    7,    0xb,  0xd,        0xf,        0x10,      0x12,
                                    0x14, 0x17, 0x18, 0x1b,       0x1d,       0x1e,      0x1f,
                                    0x20, 0x23, 0x24, 0x8000001d, 0x80000020, 0x80000026};
    size_t found = 0;

    (void)state;
    for (uint32_t leaf = 0; leaf < 0x100; leaf++)
        found += vhv_cpuid_leaf_has_subleaves(leaf) + vhv_cpuid_leaf_has_subleaves(leaf | 1U << 31);
    assert_int_equal(found, sizeof(with) / sizeof(with[0]));
    for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
        assert_true(vhv_cpuid_leaf_has_subleaves(with[i]));
}

static enum vhv_vendor vendor_of(struct vhv_cpuid *cpuid, const char *name)
{
    struct vhv_cpuid_entry entry = {.leaf = 0};

    memcpy(&entry.reg[VHV_EBX], name, 4);
    memcpy(&entry.reg[VHV_EDX], name + 4, 4);
    memcpy(&entry.reg[VHV_ECX], name + 8, 4);
    set(cpuid, entry);
    return vhv_cpuid_vendor(cpuid);
}

static void cpuid_vendor_is_by_the_string_of_leaf_0(void **state)
{
    assert_int_equal(vhv_cpuid_vendor(*state), VHV_VENDOR_ANY);
    assert_int_equal(vendor_of(*state, "AuthenticAMD"), VHV_VENDOR_AMD);
    assert_int_equal(vendor_of(*state, "HygonGenuine"), VHV_VENDOR_AMD);
    assert_int_equal(vendor_of(*state, "GenuineIntel"), VHV_VENDOR_INTEL);
    assert_int_equal(vendor_of(*state, "  Shanghai  "), VHV_VENDOR_INTEL);
    assert_int_equal(vendor_of(*state, "CentaurHauls"), VHV_VENDOR_INTEL);
    assert_int_equal(vendor_of(*state, "GenuineInteL"), VHV_VENDOR_ANY);
}

struct told {
    size_t count;
    struct vhv_cpuid_difference differences[8];
    int answer;
};

static int tell(const struct vhv_cpuid_difference *difference, void *cookie)
{
    struct told *told = cookie;

    assert_in_range(told->count, 0, 7);
    told->differences[told->count++] = *difference;
    return told->answer;
}

static void assert_told(const struct told *told, size_t index, struct vhv_cpuid_difference wanted)
{
    const struct vhv_cpuid_difference *found = &told->differences[index];

    assert_in_range(index, 0, told->count - 1);
    assert_int_equal(found->leaf, wanted.leaf);
    assert_int_equal(found->subleaf, wanted.subleaf);
    assert_int_equal(found->reg, wanted.reg);
    assert_int_equal(found->a, wanted.a);
    assert_int_equal(found->b, wanted.b);
}

static void cpuid_compare_tells_each_register_in_order(void **state)
{
    struct vhv_cpuid *other = NULL;
    struct told told = {.count = 0};

    assert_int_equal(vhv_cpuid_new(&other), 0);
    set(*state, (struct vhv_cpuid_entry){.leaf = 1, .reg = {1, 2, 3, 4}});
    set(other, (struct vhv_cpuid_entry){.leaf = 1, .reg = {1, 7, 3, 8}});
    set(*state, indexed(4, 0, 5));
    set(other, indexed(4, 1, 6));
    set(*state, plain(6, 9));
    set(other, plain(6, 9));

    assert_int_equal(vhv_cpuid_compare(*state, other, tell, &told), 4);
    assert_int_equal(told.count, 4);
    assert_told(&told, 0, (struct vhv_cpuid_difference){1, 0, VHV_EBX, 2, 7});
    assert_told(&told, 1, (struct vhv_cpuid_difference){1, 0, VHV_EDX, 4, 8});
    assert_told(&told, 2, (struct vhv_cpuid_difference){4, 0, VHV_EAX, 5, 0});
    assert_told(&told, 3, (struct vhv_cpuid_difference){4, 1, VHV_EAX, 0, 6});
    assert_int_equal(vhv_cpuid_compare(*state, other, NULL, NULL), 4);
    vhv_cpuid_free(other);
}

static void cpuid_compare_plain_with_subleaves_compares_the_answers(void **state)
{
    struct vhv_cpuid *other = NULL;
    struct told told = {.count = 0};

    assert_int_equal(vhv_cpuid_new(&other), 0);
    set(*state, plain(7, 5));
    set(other, indexed(7, 0, 5));
    set(other, indexed(7, 1, 6));

    assert_int_equal(vhv_cpuid_compare(*state, other, tell, &told), 1);
    assert_told(&told, 0, (struct vhv_cpuid_difference){7, 1, VHV_EAX, 5, 6});
    vhv_cpuid_free(other);
}

static void cpuid_compare_stops_with_the_callbacks_value(void **state)
{
    struct vhv_cpuid *empty = NULL;
    struct told told = {.answer = -77};

    assert_int_equal(vhv_cpuid_new(&empty), 0);
    set(*state, plain(1, 1));
    set(*state, plain(2, 2));
    assert_int_equal(vhv_cpuid_compare(*state, empty, tell, &told), -77);
    assert_int_equal(told.count, 1);
    vhv_cpuid_free(empty);
}

#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, make_table, free_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TABLE_TEST(cpuid_set_in_any_order_keeps_entries_sorted),
        TABLE_TEST(cpuid_set_same_place_replaces),
        TABLE_TEST(cpuid_set_plain_entry_replaces_all_subleaves),
        TABLE_TEST(cpuid_set_subleaf_replaces_plain_entry),
        TABLE_TEST(cpuid_set_beyond_last_entry_is_refused_and_changes_nothing),
        TABLE_TEST(cpuid_find_plain_entry_answers_every_subleaf),
        TABLE_TEST(cpuid_find_absent_subleaf_is_null_and_gets_zero),
        TABLE_TEST(cpuid_find_in_empty_table_is_null),
        TABLE_TEST(cpuid_remove_takes_one_entry_and_tells),
        TABLE_TEST(cpuid_copy_is_equal_and_independent),
        TABLE_TEST(cpuid_leaf_has_subleaves_is_the_architectures),
        TABLE_TEST(cpuid_vendor_is_by_the_string_of_leaf_0),
        TABLE_TEST(cpuid_compare_tells_each_register_in_order),
        TABLE_TEST(cpuid_compare_plain_with_subleaves_compares_the_answers),
        TABLE_TEST(cpuid_compare_stops_with_the_callbacks_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
