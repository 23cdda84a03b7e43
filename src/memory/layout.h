/* SPDX-License-Identifier: MIT */
/* The regions, shared by the files of this room. */
#ifndef VHV_MEMORY_LAYOUT_H
#define VHV_MEMORY_LAYOUT_H

#include <libvhv/memory.h>
#include <pthread.h>

/* A region's own memory in this process. */
struct vhv_mapping {
    unsigned char *host;
    size_t bytes;
    int fd; /* -1 if there is none */
};

struct vhv_memory_slot {
    uint64_t gpa;
    struct vhv_mapping mapping;
    enum vhv_backing backing;
    bool read_only;
    bool dirty_log;
};

struct vhv_memory {
    pthread_mutex_t lock; /* changes of the layout; readers rely on it being frozen */
    size_t count;
    struct vhv_memory_slot slot[VHV_MEMORY_MAX_REGIONS]; /* by the region's number */
    uint8_t by_gpa[VHV_MEMORY_MAX_REGIONS];              /* numbers, sorted by address */
    int vm_fd;                                           /* -1 unless attached */
};

/* The last byte of a region; regions are never empty and never wrap. */
static inline uint64_t vhv_memory_slot_last(const struct vhv_memory_slot *slot)
{
    return slot->gpa + (slot->mapping.bytes - 1);
}

/* Position in by_gpa of the first region that ends at @gpa or above; count if there is none. */
size_t vhv_memory_position(const struct vhv_memory *memory, uint64_t gpa);

/* The page size that address and size of a region have to be multiples of. */
uint64_t vhv_mapping_page_bytes(enum vhv_backing backing);
/* Makes the memory behind a region. Returns 0, or a negative errno with nothing left behind. */
int vhv_mapping_new(struct vhv_mapping *ret, uint64_t bytes,
                    const struct vhv_region_options *options);
void vhv_mapping_free(struct vhv_mapping *mapping);

#endif
