/* SPDX-License-Identifier: MIT */
#include "memory/layout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/options.h"

/* The widest guest physical address that the architecture can have. */
enum { ADDRESS_BITS = 52 };

int vhv_memory_new(struct vhv_memory **ret)
{
    struct vhv_memory *memory = calloc(1, sizeof(*memory));

    if (!memory)
        return vhv_fail_memory(sizeof(*memory));
    pthread_mutex_init(&memory->lock, NULL);
    memory->vm_fd = -1;
    *ret = memory;
    return 0;
}

void vhv_memory_free(struct vhv_memory *memory)
{
    if (!memory)
        return;
    for (size_t i = 0; i < memory->count; i++)
        vhv_mapping_free(&memory->slot[i].mapping);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

size_t vhv_memory_position(const struct vhv_memory *memory, uint64_t gpa)
{
    size_t low = 0, high = memory->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (vhv_memory_slot_last(&memory->slot[memory->by_gpa[middle]]) < gpa)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int check_options(const struct vhv_region_options *options)
{
    if ((unsigned)options->backing > VHV_BACKING_FILE)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "struct vhv_region_options: backing %d is unknown",
                        (int)options->backing);
    if (options->backing != VHV_BACKING_FILE && (options->file_offset || options->file_private))
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "struct vhv_region_options: file_offset and file_private go with "
                        "VHV_BACKING_FILE only");
    if (!vhv_is_aligned(options->file_offset, 4096))
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "struct vhv_region_options: file_offset %" PRIu64
                        " is not a multiple of 4096",
                        options->file_offset);
    return 0;
}

static int check_range(uint64_t gpa, uint64_t bytes, uint64_t page_bytes)
{
    uint64_t last;

    if (bytes == 0)
        return vhv_fail(EINVAL, VHV_CAUSE_GUEST_ADDRESS, "a region at %#" PRIx64 " has no bytes",
                        gpa);
    if (!vhv_is_aligned(gpa, page_bytes) || !vhv_is_aligned(bytes, page_bytes))
        return vhv_fail(EINVAL, VHV_CAUSE_GUEST_ADDRESS,
                        "a region at %#" PRIx64 " of %#" PRIx64
                        " bytes: both must be multiples of %#" PRIx64,
                        gpa, bytes, page_bytes);
    if (vhv_range_invalid(gpa, bytes, &last) || last >> ADDRESS_BITS)
        return vhv_fail(EINVAL, VHV_CAUSE_GUEST_ADDRESS,
                        "a region at %#" PRIx64 " of %#" PRIx64
                        " bytes ends beyond %d address bits",
                        gpa, bytes, ADDRESS_BITS);
    return 0;
}

static int check_free(const struct vhv_memory *memory, uint64_t gpa, uint64_t bytes)
{
    size_t position = vhv_memory_position(memory, gpa);
    const struct vhv_memory_slot *next;

    if (position == memory->count)
        return 0;
    next = &memory->slot[memory->by_gpa[position]];
    if (next->gpa > gpa + (bytes - 1))
        return 0;
    return vhv_fail(EEXIST, VHV_CAUSE_GUEST_ADDRESS,
                    "a region %#" PRIx64 "-%#" PRIx64 " overlaps region %u, %#" PRIx64 "-%#" PRIx64,
                    gpa, gpa + (bytes - 1), memory->by_gpa[position], next->gpa,
                    vhv_memory_slot_last(next));
}

static int append(struct vhv_memory *memory, const struct vhv_memory_slot *slot)
{
    size_t position = vhv_memory_position(memory, slot->gpa);

    memmove(&memory->by_gpa[position + 1], &memory->by_gpa[position], memory->count - position);
    memory->by_gpa[position] = (uint8_t)memory->count;
    memory->slot[memory->count] = *slot;
    return (int)memory->count++;
}

static void drop_last(struct vhv_memory *memory)
{
    struct vhv_memory_slot *slot = &memory->slot[memory->count - 1];
    size_t position = vhv_memory_position(memory, slot->gpa);

    memmove(&memory->by_gpa[position], &memory->by_gpa[position + 1], memory->count - position - 1);
    vhv_mapping_free(&slot->mapping);
    memory->count--;
}

static int add_locked(struct vhv_memory *memory, uint64_t gpa, uint64_t bytes,
                      const struct vhv_region_options *options)
{
    struct vhv_memory_slot slot = {
        .gpa = gpa,
        .backing = options->backing,
        .read_only = options->read_only,
        .dirty_log = options->dirty_log,
    };
    int result;

    if (memory->vm_fd >= 0)
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE,
                        "the VM was powered on: its memory cannot be changed any more");
    result = check_range(gpa, bytes, vhv_mapping_page_bytes(options->backing));
    if (result < 0)
        return result;
    result = check_free(memory, gpa, bytes);
    if (result < 0)
        return result;
    if (memory->count == VHV_MEMORY_MAX_REGIONS)
        return vhv_fail(ENOSPC, VHV_CAUSE_NONE, "the memory has its %d regions",
                        VHV_MEMORY_MAX_REGIONS);
    result = vhv_mapping_new(&slot.mapping, bytes, options);
    if (result < 0)
        return vhv_fail_within(result, "region %#" PRIx64 "-%#" PRIx64, gpa, gpa + (bytes - 1));
    return append(memory, &slot);
}

static int read_options(struct vhv_region_options *known, const struct vhv_region_options *given)
{
    int result = vhv_options_read(known, sizeof(*known), given, "vhv_region_options");

    return result < 0 ? result : check_options(known);
}

int vhv_memory_add(struct vhv_memory *memory, uint64_t gpa, uint64_t bytes,
                   const struct vhv_region_options *options)
{
    struct vhv_region_options known;
    int result = read_options(&known, options);

    if (result < 0)
        return result;
    pthread_mutex_lock(&memory->lock);
    result = add_locked(memory, gpa, bytes, &known);
    pthread_mutex_unlock(&memory->lock);
    return result;
}

static int add_ram_locked(struct vhv_memory *memory, uint64_t bytes,
                          const struct vhv_region_options *options)
{
    uint64_t low = bytes < VHV_MEMORY_HOLE_GPA ? bytes : VHV_MEMORY_HOLE_GPA;
    int result = add_locked(memory, 0, low, options);

    if (result < 0)
        return result;
    if (low == bytes)
        return 1;
    result = add_locked(memory, VHV_MEMORY_4G, bytes - low, options);
    if (result < 0) {
        drop_last(memory);
        return result;
    }
    return 2;
}

int vhv_memory_add_ram(struct vhv_memory *memory, uint64_t bytes,
                       const struct vhv_region_options *options)
{
    struct vhv_region_options known;
    int result = read_options(&known, options);

    if (result < 0)
        return result;
    if (known.backing == VHV_BACKING_FILE)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "RAM cannot be of VHV_BACKING_FILE: add its regions by vhv_memory_add()");
    pthread_mutex_lock(&memory->lock);
    result = add_ram_locked(memory, bytes, &known);
    pthread_mutex_unlock(&memory->lock);
    return result;
}

int vhv_memory_region(const struct vhv_memory *memory, size_t index, struct vhv_region *region)
{
    const struct vhv_memory_slot *slot;

    if (index >= memory->count)
        return vhv_fail(ENOENT, VHV_CAUSE_NONE, "there is no region %zu: there are %zu", index,
                        memory->count);
    slot = &memory->slot[memory->by_gpa[index]];
    *region = (struct vhv_region){
        .gpa = slot->gpa,
        .bytes = slot->mapping.bytes,
        .backing = slot->backing,
        .read_only = slot->read_only,
        .dirty_log = slot->dirty_log,
        .fd = slot->mapping.fd,
    };
    return 0;
}

size_t vhv_memory_count(const struct vhv_memory *memory)
{
    return memory->count;
}
