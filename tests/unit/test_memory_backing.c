/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <libvhv/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void add_memfd_is_shared_and_cannot_be_cut(void **state)
{
    const struct vhv_region_options options = {.size = sizeof(options),
                                               .backing = VHV_BACKING_MEMFD};
    struct vhv_region region;
    char byte = 'm', back = 0;

    assert_int_equal(vhv_memory_add(*state, 0, 8192, &options), 0);
    assert_int_equal(vhv_memory_region(*state, 0, &region), 0);
    assert_int_equal(vhv_memory_write(*state, 5000, &byte, 1), 0);
    assert_int_equal(pread(region.fd, &back, 1, 5000), 1);
    assert_int_equal(back, 'm');
    assert_int_equal(ftruncate(region.fd, 4096), -1);
    assert_int_equal(fcntl(region.fd, F_GETFD), FD_CLOEXEC);
}

static int scratch_file(size_t bytes)
{
    char path[] = "/tmp/libvhv-test-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    return fd;
}

static void add_file_shared_changes_it_from_its_offset(void **state)
{
    int fd = scratch_file(12288);
    const struct vhv_region_options options = {
        .size = sizeof(options), .backing = VHV_BACKING_FILE, .fd = fd, .file_offset = 4096};
    struct vhv_region region;
    char back = 0;

    assert_int_equal(vhv_memory_add(*state, 0, 8192, &options), 0);
    assert_int_equal(vhv_memory_region(*state, 0, &region), 0);
    assert_int_not_equal(region.fd, fd);
    close(fd);
    assert_int_equal(vhv_memory_write(*state, 8191, "f", 1), 0);
    assert_int_equal(pread(region.fd, &back, 1, 12287), 1);
    assert_int_equal(back, 'f');
}

static void add_file_private_leaves_it_alone(void **state)
{
    int fd = scratch_file(4096), reader;
    char path[32], back = 0;
    struct vhv_region_options options = {
        .size = sizeof(options), .backing = VHV_BACKING_FILE, .file_private = true};

    assert_int_equal(pwrite(fd, "ab", 2, 0), 2);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    reader = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(reader >= 0);
    options.fd = reader;
    assert_int_equal(vhv_memory_add(*state, 0, 4096, &options), 0);
    assert_int_equal(vhv_memory_write(*state, 0, "x", 1), 0);
    assert_int_equal(pread(fd, &back, 1, 0), 1);
    assert_int_equal(back, 'a');
    assert_memory_equal(vhv_memory_at(*state, 0, 2), "xb", 2);

    options.file_private = false;
    assert_fails(vhv_memory_add(*state, 4096, 4096, &options), EBADF, "reading only");
    close(reader);
    close(fd);
}

static void add_file_unusable_is_refused_without_leak(void **state)
{
    int fd = scratch_file(8191), pipes[2], before = open_descriptors();
    struct vhv_region_options options = {
        .size = sizeof(options), .backing = VHV_BACKING_FILE, .fd = fd};

    assert_fails(vhv_memory_add(*state, 0, 8192, &options), EINVAL, "8191");
    options.file_offset = 4096;
    assert_fails(vhv_memory_add(*state, 0, 4096, &options), EINVAL, "8191");
    options.file_offset = UINT64_MAX - 4095;
    assert_fails(vhv_memory_add(*state, 0, 8192, &options), EINVAL, "8191");
    options.file_offset = 0;
    options.fd = -1;
    assert_fails(vhv_memory_add(*state, 0, 4096, &options), EBADF, "-1");
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(pipe(pipes), 0);
    options.fd = pipes[0];
    assert_fails(vhv_memory_add(*state, 0, 4096, &options), EBADF, "regular");
    close(pipes[0]);
    close(pipes[1]);
    close(fd);
    assert_int_equal(vhv_memory_count(*state), 0);
}

static void free_closes_what_regions_had(void **state)
{
    int before = open_descriptors();
    const struct vhv_region_options options = {.size = sizeof(options),
                                               .backing = VHV_BACKING_MEMFD};
    struct vhv_memory *memory = NULL;

    (void)state;
    assert_int_equal(vhv_memory_new(&memory), 0);
    assert_int_equal(vhv_memory_add(memory, 0, 4096, &options), 0);
    assert_int_equal(open_descriptors(), before + 1);
    vhv_memory_free(memory);
    assert_int_equal(open_descriptors(), before);
}

static long free_huge_pages(const char *kib)
{
    char path[96];
    long pages = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%skB/free_hugepages", kib);
    file = fopen(path, "re");
    if (!file)
        return -1;
    if (fscanf(file, "%ld", &pages) != 1)
        pages = -1;
    fclose(file);
    return pages;
}

static void add_huge_too_few_pages_says_how_many(void **state)
{
    const struct vhv_region_options options = {.size = sizeof(options),
                                               .backing = VHV_BACKING_HUGE_2M};
    long pages = free_huge_pages("2048");
    int before = open_descriptors();
    char text[64];

    if (pages < 0) {
        print_message("# this kernel has no huge pages of 2 MiB\n");
        skip();
    }
    assert_fails(vhv_memory_add(*state, MIB, 2 * MIB, &options), EINVAL, "0x200000");
    assert_fails(vhv_memory_add(*state, 0, MIB, &options), EINVAL, "0x200000");
    snprintf(text, sizeof(text), "%ld are free", pages);
    /* More than any machine has, and less than what overcommitting could give. */
    assert_fails(vhv_memory_add(*state, 0, UINT64_C(1) << 46, &options), ENOMEM, text);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(vhv_memory_count(*state), 0);
}

static void add_huge_is_usable_memory(void **state)
{
    static const struct {
        enum vhv_backing backing;
        const char *kib;
        uint64_t bytes;
    } sizes[] = {
        {VHV_BACKING_HUGE_2M, "2048", 2 * MIB},
        {VHV_BACKING_HUGE_1G, "1048576", GIB},
    };
    int tried = 0;

    for (size_t i = 0; i < 2; i++) {
        const struct vhv_region_options options = {.size = sizeof(options),
                                                   .backing = sizes[i].backing};

        if (free_huge_pages(sizes[i].kib) < 1)
            continue;
        assert_int_equal(vhv_memory_add(*state, i * GIB, sizes[i].bytes, &options), tried++);
        assert_int_equal(vhv_memory_write_le(*state, i * GIB + sizes[i].bytes - 8, 8, 1), 0);
    }
    if (!tried) {
        print_message("# no huge page is free\n");
        skip();
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(add_memfd_is_shared_and_cannot_be_cut),
        TEST(add_file_shared_changes_it_from_its_offset),
        TEST(add_file_private_leaves_it_alone),
        TEST(add_file_unusable_is_refused_without_leak),
        TEST(free_closes_what_regions_had),
        TEST(add_huge_too_few_pages_says_how_many),
        TEST(add_huge_is_usable_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
