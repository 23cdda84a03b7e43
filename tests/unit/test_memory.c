/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <libvhv/memory.h>
#include <stdio.h>
#include <string.h>

#include "../cmocka.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static int setup(void **state)
{
    return vhv_memory_new((struct vhv_memory **)state);
}

static int teardown(void **state)
{
    vhv_memory_free(*state);
    return 0;
}

static void add_numbers_stay_and_regions_are_listed_by_address(void **state)
{
    static const uint64_t gpas[] = {8 * MIB, 0, 16 * MIB, 4 * MIB};
    struct vhv_region region;

    for (int i = 0; i < 4; i++)
        assert_int_equal(vhv_memory_add(*state, gpas[i], 4096, NULL), i);
    assert_int_equal(vhv_memory_count(*state), 4);
    for (size_t i = 0; i < 4; i++) {
        static const uint64_t sorted[] = {0, 4 * MIB, 8 * MIB, 16 * MIB};

        assert_int_equal(vhv_memory_region(*state, i, &region), 0);
        assert_int_equal(region.gpa, sorted[i]);
        assert_int_equal(region.bytes, 4096);
        assert_int_equal(region.fd, -1);
    }
    assert_fails(vhv_memory_region(*state, 4, &region), ENOENT, "4");
}

static void add_flags_are_told_by_region(void **state)
{
    const struct vhv_region_options options = {
        .size = sizeof(options),
        .backing = VHV_BACKING_MEMFD,
        .read_only = true,
        .dirty_log = true,
    };
    struct vhv_region region;

    assert_int_equal(vhv_memory_add(*state, 4096, 8192, &options), 0);
    assert_int_equal(vhv_memory_region(*state, 0, &region), 0);
    assert_int_equal(region.backing, VHV_BACKING_MEMFD);
    assert_true(region.read_only);
    assert_true(region.dirty_log);
    assert_true(region.fd >= 0);
}

static void add_bad_range_is_refused(void **state)
{
    static const struct {
        uint64_t gpa, bytes;
        const char *text;
    } bad[] = {
        {0x1001, 4096, "multiple"},
        {0x1000, 4097, "multiple"},
        {0x1000, 0, "no bytes"},
        {UINT64_MAX - 4095, 4096, "52"},
        {UINT64_MAX - 4095, 8192, "52"},
        {UINT64_C(1) << 52, 4096, "52"},
        {(UINT64_C(1) << 52) - 4096, 8192, "52"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_fails(vhv_memory_add(*state, bad[i].gpa, bad[i].bytes, NULL), EINVAL, bad[i].text);
        assert_int_equal(vhv_error_cause(), VHV_CAUSE_GUEST_ADDRESS);
    }
    assert_int_equal(vhv_memory_count(*state), 0);
    assert_int_equal(vhv_memory_add(*state, (UINT64_C(1) << 52) - 4096, 4096, NULL), 0);
}

static void add_bad_options_are_refused(void **state)
{
    struct vhv_region_options options = {.size = sizeof(options), .backing = 99};

    assert_fails(vhv_memory_add(*state, 0, 4096, &options), EINVAL, "backing 99");
    options = (struct vhv_region_options){.size = sizeof(options), .file_private = true};
    assert_fails(vhv_memory_add(*state, 0, 4096, &options), EINVAL, "VHV_BACKING_FILE");
    options = (struct vhv_region_options){
        .size = sizeof(options), .backing = VHV_BACKING_FILE, .file_offset = 512};
    assert_fails(vhv_memory_add(*state, 0, 4096, &options), EINVAL, "512");
    options = (struct vhv_region_options){.size = 1};
    assert_fails(vhv_memory_add(*state, 0, 4096, &options), EINVAL, "vhv_region_options");
}

static void add_overlap_is_refused_and_names_both(void **state)
{
    static const struct {
        uint64_t gpa, bytes;
    } overlap[] = {
        {0x4000, 0x4000}, {0x3000, 0x2000}, {0x7000, 0x2000}, {0x5000, 0x1000}, {0x0, 0x100000},
    };

    assert_int_equal(vhv_memory_add(*state, 0x100000, 0x1000, NULL), 0);
    assert_int_equal(vhv_memory_add(*state, 0x4000, 0x4000, NULL), 1);
    for (size_t i = 0; i < sizeof(overlap) / sizeof(overlap[0]); i++) {
        char text[32];

        snprintf(text, sizeof(text), "%#" PRIx64 "-", overlap[i].gpa);
        assert_fails(vhv_memory_add(*state, overlap[i].gpa, overlap[i].bytes, NULL), EEXIST, text);
        assert_non_null(strstr(vhv_error_message(), "region 1, 0x4000-0x7fff"));
    }
    assert_int_equal(vhv_memory_add(*state, 0x3000, 0x1000, NULL), 2);
    assert_int_equal(vhv_memory_add(*state, 0x8000, 0x1000, NULL), 3);
}

static void add_one_region_too_many_is_refused(void **state)
{
    for (int i = 0; i < VHV_MEMORY_MAX_REGIONS; i++)
        assert_int_equal(vhv_memory_add(*state, (uint64_t)(100 - i) * 8192, 4096, NULL), i);
    assert_fails(vhv_memory_add(*state, GIB, 4096, NULL), ENOSPC, "64");
    assert_int_equal(vhv_memory_count(*state), VHV_MEMORY_MAX_REGIONS);
    assert_int_equal(vhv_memory_write_le(*state, 100 * 8192, 1, 1), 0);
    assert_int_equal(vhv_memory_write_le(*state, 37 * 8192, 1, 1), 0);
}

static void add_ram_up_to_the_hole_is_one_region(void **state)
{
    struct vhv_region region;

    assert_int_equal(vhv_memory_add_ram(*state, VHV_MEMORY_HOLE_GPA, NULL), 1);
    assert_int_equal(vhv_memory_region(*state, 0, &region), 0);
    assert_int_equal(region.gpa, 0);
    assert_int_equal(region.bytes, 3 * GIB);
}

static void add_ram_beyond_the_hole_goes_on_at_4g(void **state)
{
    struct vhv_region region;

    assert_int_equal(vhv_memory_add_ram(*state, 5 * GIB, NULL), 2);
    assert_int_equal(vhv_memory_region(*state, 1, &region), 0);
    assert_int_equal(region.gpa, 4 * GIB);
    assert_int_equal(region.bytes, 2 * GIB);
    assert_int_equal(vhv_memory_write_le(*state, 6 * GIB - 8, 8, UINT64_MAX), 0);
    assert_fails(vhv_memory_write_le(*state, 3 * GIB - 1, 2, 0), EFAULT, "0xc0000000");
}

static void add_ram_second_part_fails_none_is_left(void **state)
{
    assert_int_equal(vhv_memory_add(*state, 4 * GIB, 4096, NULL), 0);
    assert_fails(vhv_memory_add_ram(*state, 4 * GIB, NULL), EEXIST, "0x100000000");
    assert_int_equal(vhv_memory_count(*state), 1);
    assert_int_equal(vhv_memory_write_le(*state, 4 * GIB, 1, 1), 0);
    assert_fails(vhv_memory_write_le(*state, 0, 1, 1), EFAULT, "at 0");
    assert_int_equal(vhv_memory_add(*state, 0, 4096, NULL), 1);
}

static void add_ram_of_a_file_is_refused(void **state)
{
    const struct vhv_region_options options = {.size = sizeof(options),
                                               .backing = VHV_BACKING_FILE};

    assert_fails(vhv_memory_add_ram(*state, 4096, &options), EINVAL, "VHV_BACKING_FILE");
}

/* Three regions in one piece, added upwards or downwards: whichever way mmap() goes, in one of the
 * two their order in this process is not the guest's. */
static void add_three(struct vhv_memory *memory, uint64_t gpa, bool downwards)
{
    const struct vhv_region_options options = {.size = sizeof(options), .read_only = downwards};

    for (uint64_t i = 0; i < 3; i++)
        assert_true(
            vhv_memory_add(memory, gpa + (downwards ? 2 - i : i) * 0x1000, 0x1000, &options) >= 0);
}

static void assert_contents(struct vhv_memory *memory, uint64_t gpa, const void *expected)
{
    const char *page = expected;

    for (uint64_t i = 0; i < 3; i++)
        assert_memory_equal(vhv_memory_at(memory, gpa + i * 0x1000, 0x1000), page + i * 0x1000,
                            0x1000);
}

static void write_across_adjacent_regions_is_read_back(void **state)
{
    static char text[0x3000], back[0x3000];

    memset(text + 0xff0, 'x', 0x1020);
    for (uint64_t gpa = 0x1000; gpa <= 0x11000; gpa += 0x10000) {
        add_three(*state, gpa, gpa == 0x1000);
        assert_int_equal(vhv_memory_write(*state, gpa + 0xff0, text + 0xff0, 0x1021), 0);
        assert_contents(*state, gpa, text);
        assert_int_equal(vhv_memory_read(*state, gpa, back, sizeof(back)), 0);
        assert_memory_equal(back, text, sizeof(text));
        assert_int_equal(vhv_memory_read_string(*state, gpa + 0xff0, back, 0x1021), 0x1020);
        assert_memory_equal(back, text + 0xff0, 0x1021);
    }
}

static void write_partly_outside_writes_nothing(void **state)
{
    static const uint8_t data[8192] = {1, 2, 3};
    uint64_t value;

    assert_int_equal(vhv_memory_add(*state, 0x1000, 0x1000, NULL), 0);
    assert_int_equal(vhv_memory_add(*state, 0x2000, 0x1000, NULL), 1);
    assert_fails(vhv_memory_write(*state, 0x2000, data, sizeof(data)), EFAULT, "0x3000");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_GUEST_ADDRESS);
    assert_fails(vhv_memory_write(*state, 0xfff, data, 2), EFAULT, "at 0xfff");
    assert_fails(vhv_memory_fill(*state, 0x1000, 0xff, UINT64_MAX), EFAULT, "0x3000");
    assert_fails(vhv_memory_write(*state, UINT64_MAX, data, 2), EFAULT, "0xffffffffffffffff");
    for (uint64_t gpa = 0x1000; gpa < 0x3000; gpa += 8) {
        assert_int_equal(vhv_memory_read_le(*state, gpa, 8, &value), 0);
        assert_int_equal(value, 0);
    }
}

static void read_partly_outside_leaves_data_alone(void **state)
{
    uint8_t data[16];

    memset(data, 0x55, sizeof(data));
    assert_int_equal(vhv_memory_add(*state, 0, 4096, NULL), 0);
    assert_fails(vhv_memory_read(*state, 4090, data, sizeof(data)), EFAULT, "0x1000");
    for (size_t i = 0; i < sizeof(data); i++)
        assert_int_equal(data[i], 0x55);
}

static void copy_no_bytes_does_nothing_anywhere(void **state)
{
    assert_int_equal(vhv_memory_write(*state, 0x1000, NULL, 0), 0);
    assert_int_equal(vhv_memory_read(*state, 0x1000, NULL, 0), 0);
    assert_int_equal(vhv_memory_fill(*state, 0x1000, 1, 0), 0);
}

static void fill_across_regions_sets_the_range_alone(void **state)
{
    static char expected[0x3000];

    memset(expected + 0xffc, 'f', 0x1008);
    for (uint64_t gpa = 0x1000; gpa <= 0x11000; gpa += 0x10000) {
        add_three(*state, gpa, gpa == 0x1000);
        assert_int_equal(vhv_memory_fill(*state, gpa + 0xffc, 'f', 0x1008), 0);
        assert_contents(*state, gpa, expected);
    }
}

static void read_string_without_end_is_told_and_empty(void **state)
{
    char text[16] = "before";

    assert_int_equal(vhv_memory_add(*state, 0, 4096, NULL), 0);
    assert_int_equal(vhv_memory_fill(*state, 4088, 'x', 8), 0);
    assert_fails(vhv_memory_read_string(*state, 4088, text, 8), ENAMETOOLONG, "8");
    assert_string_equal(text, "");
    strcpy(text, "before");
    assert_fails(vhv_memory_read_string(*state, 4088, text, 9), EFAULT, "at 0x1000");
    assert_string_equal(text, "");
    assert_fails(vhv_memory_read_string(*state, 4088, NULL, 0), ENAMETOOLONG, "0");
    assert_int_equal(vhv_memory_write(*state, 4095, "", 1), 0);
    assert_int_equal(vhv_memory_read_string(*state, 4088, text, 8), 7);
    assert_string_equal(text, "xxxxxxx");
}

static void read_le_is_little_endian_at_any_address(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t value;

    assert_int_equal(vhv_memory_add(*state, 0, 4096, NULL), 0);
    assert_int_equal(vhv_memory_add(*state, 4096, 4096, NULL), 1);
    assert_int_equal(vhv_memory_write(*state, 4093, bytes, 8), 0);
    assert_int_equal(vhv_memory_read_le(*state, 4093, 8, &value), 0);
    assert_true(value == UINT64_C(0x0807060504030201));
    assert_int_equal(vhv_memory_read_le(*state, 4093, 4, &value), 0);
    assert_int_equal(value, 0x04030201);
    assert_int_equal(vhv_memory_read_le(*state, 4093, 2, &value), 0);
    assert_int_equal(value, 0x0201);
    assert_fails(vhv_memory_read_le(*state, 4093, 3, &value), EINVAL, "3");
}

static void write_le_too_large_value_is_refused(void **state)
{
    uint64_t value;

    assert_int_equal(vhv_memory_add(*state, 0, 4096, NULL), 0);
    assert_fails(vhv_memory_write_le(*state, 0, 2, 0x10000), EINVAL, "0x10000");
    assert_fails(vhv_memory_write_le(*state, 0, 16, 0), EINVAL, "16");
    assert_int_equal(vhv_memory_write_le(*state, 0, 2, 0xfffe), 0);
    assert_int_equal(vhv_memory_read_le(*state, 0, 8, &value), 0);
    assert_int_equal(value, 0xfffe);
}

static void at_stays_within_one_region(void **state)
{
    unsigned char *host;

    assert_int_equal(vhv_memory_add(*state, 0x1000, 0x1000, NULL), 0);
    assert_int_equal(vhv_memory_add(*state, 0x2000, 0x1000, NULL), 1);
    host = vhv_memory_at(*state, 0x1000, 0x1000);
    assert_non_null(host);
    assert_ptr_equal(vhv_memory_at(*state, 0x1ff8, 8), host + 0xff8);
    assert_null(vhv_memory_at(*state, 0x1ff8, 9));
    assert_non_null(strstr(vhv_error_message(), "ends after 8"));
    assert_null(vhv_memory_at(*state, 0x1ff8, UINT64_MAX));
    assert_null(vhv_memory_at(*state, 0x3000, 1));
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_GUEST_ADDRESS);
}

static void dirty_before_power_on_is_refused(void **state)
{
    const struct vhv_region_options options = {.size = sizeof(options), .dirty_log = true};
    uint64_t bitmap[2];

    assert_int_equal(vhv_memory_add(*state, 0, 65 * 4096, &options), 0);
    assert_int_equal(vhv_memory_add(*state, MIB, 4096, NULL), 1);
    assert_fails(vhv_memory_dirty(*state, 2, bitmap, 2), ENOENT, "2");
    assert_fails(vhv_memory_dirty(*state, 1, bitmap, 2), EINVAL, "dirty log");
    assert_fails(vhv_memory_dirty(*state, 0, bitmap, 1), EINVAL, "2 words");
    assert_fails(vhv_memory_dirty(*state, 0, bitmap, 2), EBUSY, "powered on");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_WRONG_STAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(add_numbers_stay_and_regions_are_listed_by_address),
        TEST(add_flags_are_told_by_region),
        TEST(add_bad_range_is_refused),
        TEST(add_bad_options_are_refused),
        TEST(add_overlap_is_refused_and_names_both),
        TEST(add_one_region_too_many_is_refused),
        TEST(add_ram_up_to_the_hole_is_one_region),
        TEST(add_ram_beyond_the_hole_goes_on_at_4g),
        TEST(add_ram_second_part_fails_none_is_left),
        TEST(add_ram_of_a_file_is_refused),
        TEST(write_across_adjacent_regions_is_read_back),
        TEST(write_partly_outside_writes_nothing),
        TEST(read_partly_outside_leaves_data_alone),
        TEST(copy_no_bytes_does_nothing_anywhere),
        TEST(fill_across_regions_sets_the_range_alone),
        TEST(read_string_without_end_is_told_and_empty),
        TEST(read_le_is_little_endian_at_any_address),
        TEST(write_le_too_large_value_is_refused),
        TEST(at_stays_within_one_region),
        TEST(dirty_before_power_on_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
