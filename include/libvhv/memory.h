/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: regions of guest physical addresses, backed by memory of this process, and access
 * to them by address and length. No function hands out a pointer past its check but
 * vhv_memory_at(), which says how far it reaches.
 */
#ifndef LIBVHV_MEMORY_H
#define LIBVHV_MEMORY_H

#include <libvhv/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Regions of one VM are at most this many. */
enum { VHV_MEMORY_MAX_REGIONS = 64 };

/* A PC's RAM stops here and goes on at 4 GiB: below 4 GiB are the local APIC, the I/O APIC and
 * devices. */
#define VHV_MEMORY_HOLE_GPA UINT64_C(0xC0000000)
#define VHV_MEMORY_4G       UINT64_C(0x100000000)

/* What a region is made of. */
enum vhv_backing {
    VHV_BACKING_ANONYMOUS = 0, /* private memory of the process */
    VHV_BACKING_MEMFD,         /* a memory file, which can be handed to another process */
    VHV_BACKING_HUGE_2M,       /* huge pages of 2 MiB; address and size are multiples of it */
    VHV_BACKING_HUGE_1G,       /* huge pages of 1 GiB; address and size are multiples of it */
    VHV_BACKING_FILE           /* a file descriptor of the caller, from an offset */
};

struct vhv_region_options {
    size_t size; /* sizeof(struct vhv_region_options) */
    enum vhv_backing backing;
    bool read_only;       /* the guest's writes exit as MMIO; the program may still write */
    bool dirty_log;       /* KVM notes which pages the guest writes */
    int fd;               /* VHV_BACKING_FILE: duplicated; the caller keeps its own */
    uint64_t file_offset; /* VHV_BACKING_FILE: a multiple of 4096 */
    bool file_private;    /* VHV_BACKING_FILE: copy on write; the file does not change */
};

/* A region as it is. */
struct vhv_region {
    uint64_t gpa;
    uint64_t bytes;
    enum vhv_backing backing;
    bool read_only;
    bool dirty_log;
    int fd; /* of VHV_BACKING_MEMFD, HUGE and FILE: belongs to the region; -1 if there is none */
};

/*
 * The memory of one VM. Changes of the layout are locked against each other, not against access:
 * add the regions before other threads read and write, which they may then do at the same time.
 *
 * KVM's in-kernel local APIC and I/O APIC answer at FEE0_0000h and FEC0_0000h whether or not a
 * region is there; a region over them is allowed, and the guest does not see that part of it.
 */
struct vhv_memory;

/**
 * vhv_memory_new() - make a memory without regions
 * @ret: the memory, on success; free it with vhv_memory_free(). A VM makes its own: see
 * vhv_vm_memory().
 *
 * Return: 0, or a negative errno:
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_memory_new(struct vhv_memory **ret);

/**
 * vhv_memory_free() - unmap all regions and free the memory
 * @memory: the memory; NULL is fine. Not the one of a VM, which goes with its VM.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_memory_free(struct vhv_memory *memory);

/**
 * vhv_memory_add() - add a region
 * @memory: the memory
 * @gpa: guest physical address, a multiple of 4096 (of the page size for huge pages)
 * @bytes: size, a multiple of the same, not 0
 * @options: NULL = anonymous, read and write, no dirty log
 *
 * Return: the region's number (from 0), or a negative errno, with the memory as it was:
 *   -EINVAL  not aligned, empty, wraps, or beyond 52 address bits (cause: guest-address)
 *   -EINVAL  the options are malformed; a file too short
 *   -EEXIST  overlaps another region; the message names both (cause: guest-address)
 *   -ENOSPC  VHV_MEMORY_MAX_REGIONS regions are there
 *   -ENOMEM  no memory, or too few free huge pages; the message says how many there are
 *   -EBADF   the file descriptor is not usable: closed, not of a regular or memory file, or open
 *            for reading only without file_private
 *   -EBUSY   the VM was powered on (cause: wrong-stage)
 *   others   the memory file could not be made; this kernel has no huge pages of that size
 *
 * Thread: vm. Stage: configure. Since: 0.1.
 */
VHV_API int vhv_memory_add(struct vhv_memory *memory, uint64_t gpa, uint64_t bytes,
                           const struct vhv_region_options *options);

/**
 * vhv_memory_add_ram() - add a PC's RAM, with the hole below 4 GiB
 * @memory: the memory
 * @bytes: size, a multiple of 4096
 * @options: as for vhv_memory_add(); not VHV_BACKING_FILE
 *
 * Up to 3 GiB are at 0; the rest is at 4 GiB.
 *
 * Return: the number of regions that were added (1 or 2), or a negative errno as vhv_memory_add(),
 * with the memory as it was.
 *
 * Thread: vm. Stage: configure. Since: 0.1.
 */
VHV_API int vhv_memory_add_ram(struct vhv_memory *memory, uint64_t bytes,
                               const struct vhv_region_options *options);

/**
 * vhv_memory_region() - describe a region
 * @memory: the memory
 * @index: 0 to vhv_memory_count() - 1, by address
 * @region: filled in
 *
 * Return: 0, or a negative errno:
 *   -ENOENT  no such region
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_memory_region(const struct vhv_memory *memory, size_t index,
                              struct vhv_region *region);

/**
 * vhv_memory_count() - number of regions
 * @memory: the memory
 *
 * Return: 0 to VHV_MEMORY_MAX_REGIONS.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API size_t vhv_memory_count(const struct vhv_memory *memory);

/**
 * vhv_memory_write() - copy into guest memory
 * @memory: the memory
 * @gpa: guest physical address
 * @data: the bytes
 * @bytes: their number; 0 does nothing. May span adjacent regions, also read-only ones.
 *
 * Return: 0, or a negative errno; then nothing was written:
 *   -EFAULT  a byte of the range is not memory (cause: guest-address); the message names the first
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_memory_write(struct vhv_memory *memory, uint64_t gpa, const void *data,
                             size_t bytes);

/**
 * vhv_memory_read() - copy out of guest memory
 * @memory: the memory
 * @gpa: guest physical address
 * @data: receives the bytes
 * @bytes: their number; 0 does nothing. May span adjacent regions.
 *
 * Return: 0, or a negative errno; then @data is untouched:
 *   -EFAULT  a byte of the range is not memory (cause: guest-address); the message names the first
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_memory_read(const struct vhv_memory *memory, uint64_t gpa, void *data,
                            size_t bytes);

/**
 * vhv_memory_fill() - set a range to one value
 * @memory: the memory
 * @gpa: guest physical address
 * @value: the value of each byte
 * @bytes: their number
 *
 * Return: 0, or a negative errno; then nothing was written:
 *   -EFAULT  a byte of the range is not memory (cause: guest-address)
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_memory_fill(struct vhv_memory *memory, uint64_t gpa, uint8_t value, uint64_t bytes);

/**
 * vhv_memory_read_string() - copy a NUL-terminated string out of guest memory
 * @memory: the memory
 * @gpa: guest physical address of its first byte
 * @text: receives the string and its NUL
 * @bytes: room in @text, with the NUL
 *
 * Return: the string's length without the NUL, or a negative errno; then @text holds an empty
 * string (if @bytes > 0):
 *   -EFAULT        memory ends before the string does (cause: guest-address)
 *   -ENAMETOOLONG  no NUL within @bytes
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_memory_read_string(const struct vhv_memory *memory, uint64_t gpa, char *text,
                                   size_t bytes);

/**
 * vhv_memory_read_le() - read a little-endian number
 * @memory: the memory
 * @gpa: guest physical address
 * @bytes: 1, 2, 4 or 8
 * @value: filled in on success
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  not one of the sizes
 *   -EFAULT  a byte of the range is not memory (cause: guest-address)
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_memory_read_le(const struct vhv_memory *memory, uint64_t gpa, unsigned bytes,
                               uint64_t *value);

/**
 * vhv_memory_write_le() - write a little-endian number
 * @memory: the memory
 * @gpa: guest physical address
 * @bytes: 1, 2, 4 or 8
 * @value: higher bits than fit are an error
 *
 * Return: 0, or a negative errno; then nothing was written:
 *   -EINVAL  not one of the sizes, or @value does not fit
 *   -EFAULT  a byte of the range is not memory (cause: guest-address)
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_memory_write_le(struct vhv_memory *memory, uint64_t gpa, unsigned bytes,
                                uint64_t value);

/**
 * vhv_memory_at() - a pointer to guest memory
 * @memory: the memory
 * @gpa: guest physical address
 * @bytes: how many bytes of it will be used; they must be in one region
 *
 * The guest may change what is behind the pointer at any time: read a value once, then check it.
 *
 * Return: the pointer, valid as long as @memory; NULL (with a message) if the range is not memory
 * of one region.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void *vhv_memory_at(struct vhv_memory *memory, uint64_t gpa, uint64_t bytes);

/**
 * vhv_memory_dirty() - which pages the guest has written since the last call
 * @memory: the memory of a VM
 * @region: the region's number, as vhv_memory_add() returned it; it must have dirty_log
 * @bitmap: receives a bit a page of 4096 bytes, bit 0 of word 0 first
 * @words: room in @bitmap, in words of 64 bits; (pages + 63) / 64 are needed
 *
 * Writes by the program itself (vhv_memory_write()) are not noted by KVM and are not in it. Pages
 * that the guest has read for the first time may be in it.
 *
 * Return: the number of pages that are dirty, or a negative errno:
 *   -ENOENT  no such region
 *   -EINVAL  the region has no dirty log, or @words is too small
 *   -EBUSY   the VM was not powered on (cause: wrong-stage)
 *   others   KVM_GET_DIRTY_LOG failed (cause: kvm)
 *
 * Thread: vm. Stage: ready, running, paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_DIRTY_LOG].
 */
VHV_API int64_t vhv_memory_dirty(struct vhv_memory *memory, unsigned region, uint64_t *bitmap,
                                 size_t words);

#ifdef __cplusplus
}
#endif

#endif
