/* SPDX-License-Identifier: MIT */
/* What a region is made of. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "memory/layout.h"

uint64_t vhv_mapping_page_bytes(enum vhv_backing backing)
{
    switch (backing) {
    case VHV_BACKING_HUGE_2M:
        return UINT64_C(2) << 20;
    case VHV_BACKING_HUGE_1G:
        return UINT64_C(1) << 30;
    default:
        return 4096;
    }
}

static int fail_mapping(int code, uint64_t bytes)
{
    return vhv_fail(code, VHV_CAUSE_NONE, "could not map %" PRIu64 " bytes of guest memory: %s",
                    bytes, strerrordesc_np(code));
}

/* Too few huge pages is what happens; say how many there are. */
static int fail_huge(int code, uint64_t bytes, uint64_t page_bytes)
{
    char path[96];
    unsigned long free_pages;
    FILE *file;
    int found;

    snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/free_hugepages",
             page_bytes >> 10);
    file = fopen(path, "re");
    if (!file)
        return vhv_fail(code, VHV_CAUSE_NONE,
                        "this kernel has no huge pages of %" PRIu64 " KiB: %s: %s",
                        page_bytes >> 10, path, strerrordesc_np(errno));
    found = fscanf(file, "%lu", &free_pages);
    fclose(file);
    if (found != 1)
        return fail_mapping(code, bytes);
    return vhv_fail(code, VHV_CAUSE_NONE,
                    "%" PRIu64 " huge pages of %" PRIu64
                    " KiB are needed and %lu are free (%s): reserve more by nr_hugepages there",
                    bytes / page_bytes, page_bytes >> 10, free_pages, path);
}

static int map(struct vhv_mapping *mapping, int flags, uint64_t offset)
{
    void *host =
        mmap(NULL, mapping->bytes, PROT_READ | PROT_WRITE, flags, mapping->fd, (off_t)offset);

    if (host == MAP_FAILED)
        return -errno;
    mapping->host = host;
    return 0;
}

static int map_anonymous(struct vhv_mapping *mapping)
{
    int result = map(mapping, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, 0);

    return result < 0 ? fail_mapping(-result, mapping->bytes) : 0;
}

static unsigned huge_flags(uint64_t page_bytes)
{
    switch (page_bytes) {
    case UINT64_C(2) << 20:
        return MFD_HUGETLB | MFD_HUGE_2MB;
    case UINT64_C(1) << 30:
        return MFD_HUGETLB | MFD_HUGE_1GB;
    default:
        return 0;
    }
}

/* The file can be handed to another process: sealed, so that nobody cuts it under the guest. */
static int make_memory_file(uint64_t bytes, unsigned flags)
{
    int fd = memfd_create("libvhv guest memory", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
    int code;

    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)bytes) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
        code = errno;
        close(fd);
        return -code;
    }
    return fd;
}

static int map_memory_file(struct vhv_mapping *mapping, uint64_t page_bytes)
{
    unsigned flags = huge_flags(page_bytes);
    int result;

    mapping->fd = make_memory_file(mapping->bytes, flags);
    result = mapping->fd < 0 ? mapping->fd : map(mapping, MAP_SHARED, 0);
    if (result < 0 && flags)
        return fail_huge(-result, mapping->bytes, page_bytes);
    return result < 0 ? fail_mapping(-result, mapping->bytes) : 0;
}

static int check_file(int fd, uint64_t bytes, const struct vhv_region_options *options)
{
    uint64_t end;
    struct stat status;
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fstat(fd, &status) < 0)
        return vhv_fail(EBADF, VHV_CAUSE_NONE, "file descriptor %d: %s", fd,
                        strerrordesc_np(errno));
    if (!S_ISREG(status.st_mode))
        return vhv_fail(EBADF, VHV_CAUSE_NONE,
                        "file descriptor %d is not of a regular or memory file", fd);
    if ((flags & O_ACCMODE) == O_RDONLY && !options->file_private)
        return vhv_fail(EBADF, VHV_CAUSE_NONE,
                        "file descriptor %d is open for reading only: open it for writing too, or "
                        "set file_private",
                        fd);
    if (vhv_add_overflows(options->file_offset, bytes, &end) || end > (uint64_t)status.st_size)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "file descriptor %d has %jd bytes, too few for %" PRIu64
                        " bytes from offset %" PRIu64,
                        fd, (intmax_t)status.st_size, bytes, options->file_offset);
    return 0;
}

static int map_file(struct vhv_mapping *mapping, const struct vhv_region_options *options)
{
    int result = check_file(options->fd, mapping->bytes, options);

    if (result < 0)
        return result;
    mapping->fd = fcntl(options->fd, F_DUPFD_CLOEXEC, 0);
    if (mapping->fd < 0)
        return vhv_fail(EBADF, VHV_CAUSE_NONE, "could not duplicate file descriptor %d: %s",
                        options->fd, strerrordesc_np(errno));
    result = map(mapping, options->file_private ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED,
                 options->file_offset);
    if (result == -ENOMEM)
        return fail_mapping(ENOMEM, mapping->bytes);
    if (result < 0)
        return vhv_fail(EBADF, VHV_CAUSE_NONE, "file descriptor %d cannot be mapped: %s",
                        options->fd, strerrordesc_np(-result));
    return 0;
}

int vhv_mapping_new(struct vhv_mapping *ret, uint64_t bytes,
                    const struct vhv_region_options *options)
{
    struct vhv_mapping mapping = {.bytes = bytes, .fd = -1};
    int result;

    switch (options->backing) {
    case VHV_BACKING_ANONYMOUS:
        result = map_anonymous(&mapping);
        break;
    case VHV_BACKING_FILE:
        result = map_file(&mapping, options);
        break;
    default:
        result = map_memory_file(&mapping, vhv_mapping_page_bytes(options->backing));
        break;
    }
    if (result < 0) {
        vhv_mapping_free(&mapping);
        return result;
    }
    *ret = mapping;
    return 0;
}

void vhv_mapping_free(struct vhv_mapping *mapping)
{
    if (mapping->host)
        munmap(mapping->host, mapping->bytes);
    if (mapping->fd >= 0)
        close(mapping->fd);
}
