/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libvhv/feature.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"
#include "cpuid/processor.h"

/* A processor made of a table: what is not in the table answers zeros. */
static void ask_table(uint32_t leaf, uint32_t subleaf, uint32_t reg[VHV_CPUID_REGS], void *cookie)
{
    for (enum vhv_cpuid_reg i = VHV_EAX; i <= VHV_EDX; i++)
        reg[i] = vhv_cpuid_get(cookie, leaf, subleaf, i);
}

static struct vhv_cpuid *silicon;

static void set(uint32_t leaf, uint32_t subleaf, uint32_t eax, uint32_t ebx, uint32_t ecx,
                uint32_t edx)
{
    struct vhv_cpuid_entry entry = {
        .leaf = leaf,
        .subleaf = subleaf,
        .has_subleaf = vhv_cpuid_leaf_has_subleaves(leaf),
        .reg = {eax, ebx, ecx, edx},
    };

    assert_int_equal(vhv_cpuid_set(silicon, &entry), 0);
}

static int make_silicon(void **state)
{
    (void)state;
    if (vhv_cpuid_new(&silicon) < 0)
        return -1;
    set(0, 0, 0x24, 0, 0, 0);
    set(0x80000000, 0, 0x80000026, 0, 0, 0);
    return 0;
}

static int free_silicon(void **state)
{
    (void)state;
    vhv_cpuid_free(silicon);
    return 0;
}

static struct vhv_cpuid *enumerated(void)
{
    struct vhv_cpuid *cpuid = NULL;

    assert_int_equal(vhv_cpuid_enumerate(&cpuid, ask_table, silicon), 0);
    return cpuid;
}

/* Enumerates, and wants exactly these subleaves of a leaf; @subleaves ends in 0. */
static void assert_subleaves(uint32_t leaf, const uint32_t *subleaves)
{
    struct vhv_cpuid *cpuid = enumerated();
    const struct vhv_cpuid_entry *entry;
    size_t wanted = 1, found = 0;

    assert_non_null(vhv_cpuid_find(cpuid, leaf, 0));
    for (const uint32_t *subleaf = subleaves; *subleaf; subleaf++, wanted++) {
        if (!vhv_cpuid_find(cpuid, leaf, *subleaf))
            fail_msg("leaf 0x%x has no subleaf %u", leaf, *subleaf);
    }
    for (size_t i = 0; (entry = vhv_cpuid_at(cpuid, i)); i++)
        found += entry->leaf == leaf;
    assert_int_equal(found, wanted);
    vhv_cpuid_free(cpuid);
}

#define SUBLEAVES(...) ((const uint32_t[]){__VA_ARGS__, 0})

static void cpuid_enumerate_reads_each_leaf_to_the_last(void **state)
{
    struct vhv_cpuid *cpuid;

    (void)state;
    set(0x24, 0, 0, 1, 2, 3);
    set(0x25, 0, 9, 9, 9, 9);
    set(0x80000026, 0, 4, 0, 0, 0);
    set(0x80000027, 0, 9, 9, 9, 9);
    cpuid = enumerated();
    assert_int_equal(vhv_cpuid_count(cpuid), 0x25 + 1 + 0x27);
    assert_int_equal(vhv_cpuid_get(cpuid, 0x24, 0, VHV_EDX), 3);
    assert_int_equal(vhv_cpuid_get(cpuid, 0x80000026, 0, VHV_EAX), 4);
    vhv_cpuid_free(cpuid);
}

static void cpuid_enumerate_marks_subleaves_where_the_architecture_has_them(void **state)
{
    struct vhv_cpuid *cpuid = enumerated();
    const struct vhv_cpuid_entry *entry;

    (void)state;
    for (size_t i = 0; (entry = vhv_cpuid_at(cpuid, i)); i++)
        assert_int_equal(entry->has_subleaf, vhv_cpuid_leaf_has_subleaves(entry->leaf));
    vhv_cpuid_free(cpuid);
}

static void cpuid_enumerate_caches_end_with_type_0(void **state)
{
    static const uint32_t leaves[] = {4, 0x8000001d};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        set(leaves[i], 0, 0x121, 0, 0, 0);
        set(leaves[i], 1, 0x143, 0, 0, 0);
        set(leaves[i], 2, 0xfe0, 0, 0, 0);
        set(leaves[i], 3, 0x121, 0, 0, 0);
        assert_subleaves(leaves[i], SUBLEAVES(1, 2));
    }
}

static void cpuid_enumerate_topology_ends_with_type_0(void **state)
{
    static const uint32_t leaves[] = {0xb, 0x1f, 0x80000026};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        set(leaves[i], 0, 0, 0, 0x100, 0);
        set(leaves[i], 1, 0, 0, 0x201, 0);
        set(leaves[i], 2, 0, 0, 0x002, 0);
        set(leaves[i], 3, 0, 0, 0x100, 0);
        assert_subleaves(leaves[i], SUBLEAVES(1, 2));
    }
}

static void cpuid_enumerate_sgx_and_pconfig_end_with_type_0(void **state)
{
    (void)state;
    set(0x12, 0, 3, 0, 0, 0);
    set(0x12, 1, 0x36, 0, 0, 0);
    set(0x12, 2, 0x70200001, 0, 0, 0);
    set(0x12, 3, 0, 0, 0, 0);
    assert_subleaves(0x12, SUBLEAVES(1, 2, 3));
    set(0x1b, 0, 1, 0, 0, 0);
    assert_subleaves(0x1b, SUBLEAVES(1));
}

static void cpuid_enumerate_counted_leaves_end_at_eax(void **state)
{
    static const uint32_t leaves[] = {7, 0x14, 0x17, 0x18, 0x1d, 0x1e, 0x20, 0x24};

    (void)state;
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        set(leaves[i], 0, 2, 0, 0, 0);
        assert_subleaves(leaves[i], SUBLEAVES(1, 2));
    }
}

static void cpuid_enumerate_bitmaps_tell_the_subleaves(void **state)
{
    (void)state;
    set(0xf, 0, ~0U, ~0U, ~0U, 1U << 1);
    assert_subleaves(0xf, SUBLEAVES(1));
    set(0x10, 0, ~0U, 1U << 1 | 1U << 3, ~0U, ~0U);
    assert_subleaves(0x10, SUBLEAVES(1, 3));
    set(0x23, 0, 1U << 0 | 1U << 1 | 1U << 3, 0, 0, 0);
    assert_subleaves(0x23, SUBLEAVES(1, 3));
    set(0x80000020, 0, ~0U, 1U << 5, ~0U, ~0U);
    assert_subleaves(0x80000020, SUBLEAVES(5));
}

static void cpuid_enumerate_xsave_has_xcr0_and_xss(void **state)
{
    (void)state;
    set(0xd, 0, 0x207, 0, 0, 1U << 30);
    set(0xd, 1, 0xf, 0, 1U << 8 | 1U << 11, 1U << 31);
    assert_subleaves(0xd, SUBLEAVES(1, 2, 8, 9, 11, 62, 63));
}

static void cpuid_enumerate_hypervisor_leaves_need_the_bit(void **state)
{
    struct vhv_cpuid *cpuid;

    (void)state;
    set(1, 0, 0, 0, ~(1U << 31), 0);
    set(0x40000000, 0, 0x40000001, 1, 2, 3);
    cpuid = enumerated();
    assert_null(vhv_cpuid_find(cpuid, 0x40000000, 0));
    vhv_cpuid_free(cpuid);

    set(1, 0, 0, 0, 1U << 31, 0);
    cpuid = enumerated();
    assert_int_equal(vhv_cpuid_get(cpuid, 0x40000000, 0, VHV_EDX), 3);
    assert_non_null(vhv_cpuid_find(cpuid, 0x40000001, 0));
    assert_null(vhv_cpuid_find(cpuid, 0x40000002, 0));
    vhv_cpuid_free(cpuid);
}

static void cpuid_enumerate_second_hypervisor_interface_is_read(void **state)
{
    struct vhv_cpuid *cpuid;

    (void)state;
    set(1, 0, 0, 0, 1U << 31, 0);
    set(0x40000000, 0, 0x40000005, 0, 0, 0);
    set(0x40000100, 0, 0x40000101, 0, 0, 0);
    set(0x40000300, 0, 0x40000301, 0, 0, 0);
    cpuid = enumerated();
    assert_non_null(vhv_cpuid_find(cpuid, 0x40000005, 0));
    assert_non_null(vhv_cpuid_find(cpuid, 0x40000101, 0));
    assert_null(vhv_cpuid_find(cpuid, 0x40000300, 0));
    vhv_cpuid_free(cpuid);
}

static void cpuid_enumerate_range_without_a_sensible_end_is_passed_over(void **state)
{
    struct vhv_cpuid *cpuid;

    (void)state;
    set(0x80000000, 0, 0x07280203, 0, 0, 0);
    cpuid = enumerated();
    assert_null(vhv_cpuid_find(cpuid, 0x80000000, 0));
    vhv_cpuid_free(cpuid);

    set(0x80000000, 0, 0xffffffff, 0, 0, 0);
    cpuid = enumerated();
    assert_null(vhv_cpuid_find(cpuid, 0x80000000, 0));
    vhv_cpuid_free(cpuid);
}

/* Says that every leaf has as many subleaves as can be. */
static void ask_endless(uint32_t leaf, uint32_t subleaf, uint32_t reg[VHV_CPUID_REGS], void *cookie)
{
    const uint32_t *last = cookie;

    (void)subleaf;
    memset(reg, 0xff, VHV_CPUID_REGS * sizeof(reg[0]));
    if (leaf == 0)
        reg[VHV_EAX] = *last;
}

static void cpuid_enumerate_endless_subleaves_end_at_64(void **state)
{
    struct vhv_cpuid *cpuid = NULL;
    uint32_t last = 7;

    (void)state;
    assert_int_equal(vhv_cpuid_enumerate(&cpuid, ask_endless, &last), 0);
    assert_int_equal(vhv_cpuid_count(cpuid), 6 + 64 + 64);
    vhv_cpuid_free(cpuid);
}

static void cpuid_enumerate_more_than_a_table_takes_is_refused(void **state)
{
    struct vhv_cpuid *cpuid = NULL;
    uint32_t last = 0x24;

    (void)state;
    assert_fails(vhv_cpuid_enumerate(&cpuid, ask_endless, &last), ENOSPC, "no room");
    assert_null(cpuid);
}

/* Names the flag if Linux shows it for a processor whose CPUID does not have it. */
static void check_flag(const struct vhv_cpuid *cpuid, const char *flag, size_t *known)
{
    const struct vhv_feature *feature = vhv_feature_find(flag);

    if (!feature)
        return;
    if (feature->vendor != VHV_VENDOR_ANY && feature->vendor != vhv_cpuid_vendor(cpuid))
        return;
    if (!vhv_cpuid_has(cpuid, feature))
        fail_msg("Linux shows %s, CPUID does not", flag);
    (*known)++;
}

static char *read_flags(char *line, size_t bytes)
{
    FILE *stream = fopen("/proc/cpuinfo", "r");
    bool found = false;

    while (stream && !found && fgets(line, (int)bytes, stream))
        found = !strncmp(line, "flags", 5);
    if (stream)
        fclose(stream);
    return found ? strchr(line, ':') : NULL;
}

static void cpuid_read_processor_has_the_flags_that_linux_shows(void **state)
{
    struct vhv_cpuid *cpuid = NULL;
    char line[8192];
    char *flags = read_flags(line, sizeof(line)), *save = NULL;
    size_t known = 0;

    (void)state;
    if (!flags) {
        print_message("needs the flags of /proc/cpuinfo\n");
        skip();
    }
    assert_int_equal(vhv_cpuid_read_processor(&cpuid), 0);
    for (char *flag = strtok_r(flags, ": \n", &save); flag; flag = strtok_r(NULL, " \n", &save))
        check_flag(cpuid, flag, &known);
    assert_in_range(known, 20, 1000);
    vhv_cpuid_free(cpuid);
}

#define SILICON_TEST(name) cmocka_unit_test_setup_teardown(name, make_silicon, free_silicon)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SILICON_TEST(cpuid_enumerate_reads_each_leaf_to_the_last),
        SILICON_TEST(cpuid_enumerate_marks_subleaves_where_the_architecture_has_them),
        SILICON_TEST(cpuid_enumerate_caches_end_with_type_0),
        SILICON_TEST(cpuid_enumerate_topology_ends_with_type_0),
        SILICON_TEST(cpuid_enumerate_sgx_and_pconfig_end_with_type_0),
        SILICON_TEST(cpuid_enumerate_counted_leaves_end_at_eax),
        SILICON_TEST(cpuid_enumerate_bitmaps_tell_the_subleaves),
        SILICON_TEST(cpuid_enumerate_xsave_has_xcr0_and_xss),
        SILICON_TEST(cpuid_enumerate_hypervisor_leaves_need_the_bit),
        SILICON_TEST(cpuid_enumerate_second_hypervisor_interface_is_read),
        SILICON_TEST(cpuid_enumerate_range_without_a_sensible_end_is_passed_over),
        cmocka_unit_test(cpuid_enumerate_endless_subleaves_end_at_64),
        cmocka_unit_test(cpuid_enumerate_more_than_a_table_takes_is_refused),
        cmocka_unit_test(cpuid_read_processor_has_the_flags_that_linux_shows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
