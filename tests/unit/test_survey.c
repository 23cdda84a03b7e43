/* SPDX-License-Identifier: MIT */
/* What a guest is asked for, and what is made of its answers. */
#include "cpuid/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

static void put(struct vhv_cpuid *table, uint32_t leaf, int subleaf, uint32_t eax, uint32_t ebx,
                uint32_t ecx, uint32_t edx)
{
    const struct vhv_cpuid_entry entry = {.leaf = leaf,
                                          .subleaf = subleaf < 0 ? 0 : (uint32_t)subleaf,
                                          .has_subleaf = subleaf >= 0,
                                          .reg = {eax, ebx, ecx, edx}};

    assert_int_equal(vhv_cpuid_set(table, &entry), 0);
}

static struct vhv_cpuid *amd(void)
{
    struct vhv_cpuid *table;

    assert_int_equal(vhv_cpuid_new(&table), 0);
    put(table, 0x0, -1, 0xd, 0x68747541, 0x444d4163, 0x69746e65);
    put(table, 0x1, -1, 0x830f10, 0x800, 0xf6f83203, 0x178bfbff);
    put(table, 0xd, 0, 0x7, 0x340, 0x340, 0);
    put(table, 0xd, 2, 0x100, 0x240, 0, 0);
    put(table, 0x80000000, -1, 0x80000001, 0, 0, 0);
    put(table, 0x80000001, -1, 0x830f10, 0, 0x3f3, 0x2fd3fbff);
    return table;
}

static struct vhv_cpuid *intel(void)
{
    struct vhv_cpuid *table = amd();

    put(table, 0x0, -1, 0xb, 0x756e6547, 0x6c65746e, 0x49656e69);
    put(table, 0xb, 0, 0, 1, 0x100, 3);
    put(table, 0xb, 1, 0, 1, 0x201, 3);
    return table;
}

/* Answers as KVM does: from the table; on Intel's, beyond a range as the last basic leaf. */
static void answer(struct vhv_cpuid_question *question, const struct vhv_cpuid *guest)
{
    uint32_t leaf = question->leaf;

    for (int reg = VHV_EAX; reg <= VHV_EDX; reg++) {
        uint32_t base = leaf & 0xf0000000;

        if (vhv_cpuid_vendor(guest) == VHV_VENDOR_INTEL &&
            leaf > vhv_cpuid_get(guest, base, 0, VHV_EAX) && !vhv_cpuid_find(guest, leaf, 0))
            leaf = vhv_cpuid_get(guest, 0, 0, VHV_EAX);
        question->reg[reg] = vhv_cpuid_get(guest, leaf, question->subleaf, (enum vhv_cpuid_reg)reg);
    }
}

/* What is measured of a guest that was given @table and answers from @guest. */
static struct vhv_cpuid *measured(const struct vhv_cpuid *table, const struct vhv_cpuid *guest)
{
    struct vhv_cpuid_question *questions;
    struct vhv_cpuid *cpuid;
    int count = vhv_cpuid_survey(&questions, table);

    assert_true(count > 0);
    for (int i = 0; i < count; i++)
        answer(&questions[i], guest);
    assert_int_equal(vhv_cpuid_from_answers(&cpuid, table, questions, (size_t)count), 0);
    free(questions);
    return cpuid;
}

static int times_asked(const struct vhv_cpuid *table, uint32_t leaf, uint32_t subleaf)
{
    struct vhv_cpuid_question *questions;
    int count = vhv_cpuid_survey(&questions, table), times = 0;

    for (int i = 0; i < count; i++)
        times += questions[i].leaf == leaf && questions[i].subleaf == subleaf;
    free(questions);
    return times;
}

static void survey_asks_once_for_the_table_and_what_is_next_to_it(void **state)
{
    static const struct {
        uint32_t leaf, subleaf;
        int times;
    } places[] = {
        {0x0, 0, 1},        {0x1, 0, 1},        {0x1, 1, 0},        {0xd, 0, 1},
        {0xd, 1, 1}, /* a gap */
        {0xd, 2, 1},        {0xd, 3, 1},        {0xd, 4, 0},        {0x2, 0, 1},
        {0xc, 0, 1},        {0xe, 0, 1},        {0xf, 0, 0},        {0x40000000, 0, 1},
        {0x40000001, 0, 1}, {0x40000002, 0, 0}, {0x40000100, 0, 1}, {0x80000001, 0, 1},
        {0x80000002, 0, 1}, {0x80000003, 0, 0}, {0xc0000000, 0, 1},
    };
    struct vhv_cpuid *table = amd();

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (times_asked(table, places[i].leaf, places[i].subleaf) != places[i].times)
            fail_msg("leaf %#x.%u is not asked for %d times", places[i].leaf, places[i].subleaf,
                     places[i].times);
    }
    vhv_cpuid_free(table);
}

static void survey_of_absurd_ranges_is_bounded(void **state)
{
    struct vhv_cpuid_question *questions;
    struct vhv_cpuid *table;
    int count;

    (void)state;
    assert_int_equal(vhv_cpuid_new(&table), 0);
    put(table, 0, -1, 0xffffffff, 0, 0, 0);
    put(table, 0x40000000, -1, 0, 0, 0, 0);
    put(table, 0xffffffff, 0xffff, 1, 0, 0, 0);
    put(table, 0xfffffffe, 63, 1, 0, 0, 0);
    count = vhv_cpuid_survey(&questions, table);
    assert_in_range(count, 1, 200);
    free(questions);
    vhv_cpuid_free(table);
}

static void answers_that_were_given_make_the_same_table(void **state)
{
    struct vhv_cpuid *const tables[] = {amd(), intel()};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct vhv_cpuid *cpuid = measured(tables[i], tables[i]);

        assert_int_equal(vhv_cpuid_count(cpuid), vhv_cpuid_count(tables[i]));
        assert_int_equal(vhv_cpuid_compare(tables[i], cpuid, NULL, NULL), 0);
        for (size_t at = 0; at < vhv_cpuid_count(cpuid); at++)
            assert_int_equal(vhv_cpuid_at(cpuid, at)->has_subleaf,
                             vhv_cpuid_at(tables[i], at)->has_subleaf);
        vhv_cpuid_free(cpuid);
        vhv_cpuid_free(tables[i]);
    }
}

static void answers_that_were_not_given_are_entries(void **state)
{
    struct vhv_cpuid *table = amd(), *guest = amd(), *cpuid;

    (void)state;
    put(guest, 0x1, -1, 0x830f10, 0x800, 0xf6f83203, 0x178bfbfe);
    put(guest, 0x5, -1, 0x40, 0x40, 3, 0x11);
    put(guest, 0xd, 1, 0xf, 0x340, 0, 0);
    put(guest, 0xd, 3, 0x40, 0x3c0, 0, 0);
    put(guest, 0xe, -1, 1, 0, 0, 0);
    put(guest, 0x40000000, -1, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d);
    put(guest, 0x80000002, -1, 0x20444d41, 0, 0, 0);
    cpuid = measured(table, guest);
    assert_int_equal(vhv_cpuid_compare(cpuid, guest, NULL, NULL), 0);
    assert_true(vhv_cpuid_find(cpuid, 0xd, 3)->has_subleaf);
    assert_false(vhv_cpuid_find(cpuid, 0x5, 0)->has_subleaf);
    vhv_cpuid_free(cpuid);
    vhv_cpuid_free(guest);
    vhv_cpuid_free(table);
}

static void answers_of_zeros_for_what_was_given_are_entries(void **state)
{
    struct vhv_cpuid *table = amd(), *guest = amd(), *cpuid;

    (void)state;
    put(guest, 0x80000001, -1, 0, 0, 0, 0);
    cpuid = measured(table, guest);
    assert_non_null(vhv_cpuid_find(cpuid, 0x80000001, 0));
    assert_int_equal(vhv_cpuid_compare(table, cpuid, NULL, NULL), 3);
    vhv_cpuid_free(cpuid);
    vhv_cpuid_free(guest);
    vhv_cpuid_free(table);
}

/* On AMD's, an answer like the last basic leaf's is one that should not be there. */
static void answers_as_last_basic_leaf_are_nothing_on_intel_alone(void **state)
{
    struct vhv_cpuid *table = amd(), *guest = amd(), *cpuid;

    (void)state;
    put(guest, 0x40000000, -1, 0x7, 0x340, 0x340, 0);
    cpuid = measured(table, guest);
    assert_non_null(vhv_cpuid_find(cpuid, 0x40000000, 0));
    vhv_cpuid_free(cpuid);
    vhv_cpuid_free(guest);
    vhv_cpuid_free(table);

    table = intel();
    guest = intel();
    put(guest, 0x40000000, -1, 0, 1, 0x100, 3);
    cpuid = measured(table, guest);
    assert_null(vhv_cpuid_find(cpuid, 0x40000000, 0));
    vhv_cpuid_free(cpuid);
    put(guest, 0x40000000, -1, 0, 1, 0x100, 4);
    cpuid = measured(table, guest);
    assert_non_null(vhv_cpuid_find(cpuid, 0x40000000, 0));
    vhv_cpuid_free(cpuid);
    vhv_cpuid_free(guest);
    vhv_cpuid_free(table);
}

/* KVM gives the vCPU's id and the subleaf for a level that there is not. */
static void answers_of_no_level_are_nothing(void **state)
{
    struct vhv_cpuid *table = intel(), *guest = intel(), *cpuid;

    (void)state;
    put(guest, 0xb, 2, 0, 0, 2, 3);
    cpuid = measured(table, guest);
    assert_null(vhv_cpuid_find(cpuid, 0xb, 2));
    vhv_cpuid_free(cpuid);
    put(guest, 0xb, 2, 0, 0, 0x302, 3);
    cpuid = measured(table, guest);
    assert_non_null(vhv_cpuid_find(cpuid, 0xb, 2));
    vhv_cpuid_free(cpuid);
    vhv_cpuid_free(guest);
    vhv_cpuid_free(table);
}

static void answers_beyond_a_tables_room_are_refused(void **state)
{
    struct vhv_cpuid_question *questions;
    struct vhv_cpuid *table, *cpuid = NULL;
    int count;

    (void)state;
    assert_int_equal(vhv_cpuid_new(&table), 0);
    put(table, 0, -1, 0xff, 0, 0, 0);
    count = vhv_cpuid_survey(&questions, table);
    assert_true(count > VHV_CPUID_MAX_ENTRIES);
    for (int i = 0; i < count; i++)
        questions[i].reg[VHV_EDX] = 1;
    assert_fails(vhv_cpuid_from_answers(&cpuid, table, questions, (size_t)count), ENOSPC, "room");
    assert_null(cpuid);
    free(questions);
    vhv_cpuid_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survey_asks_once_for_the_table_and_what_is_next_to_it),
        cmocka_unit_test(survey_of_absurd_ranges_is_bounded),
        cmocka_unit_test(answers_that_were_given_make_the_same_table),
        cmocka_unit_test(answers_that_were_not_given_are_entries),
        cmocka_unit_test(answers_of_zeros_for_what_was_given_are_entries),
        cmocka_unit_test(answers_as_last_basic_leaf_are_nothing_on_intel_alone),
        cmocka_unit_test(answers_of_no_level_are_nothing),
        cmocka_unit_test(answers_beyond_a_tables_room_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
