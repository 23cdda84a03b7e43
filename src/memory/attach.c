/* SPDX-License-Identifier: MIT */
/* Regions as KVM's memory slots. */
#include <inttypes.h>

#include "base/error.h"
#include "kvm/kvm.h"
#include "memory/layout.h"
#include "memory/memory.h"

static struct kvm_userspace_memory_region kvm_region(const struct vhv_memory *memory,
                                                     unsigned number)
{
    const struct vhv_memory_slot *slot = &memory->slot[number];

    return (struct kvm_userspace_memory_region){
        .slot = number,
        .flags = (slot->read_only ? KVM_MEM_READONLY : 0) |
                 (slot->dirty_log ? KVM_MEM_LOG_DIRTY_PAGES : 0),
        .guest_phys_addr = slot->gpa,
        .memory_size = slot->mapping.bytes,
        .userspace_addr = (uintptr_t)slot->mapping.host,
    };
}

/* Without a message: there may be one already, and a slot goes with its VM at the latest. */
static void remove_slots(int vm_fd, unsigned count)
{
    while (count-- > 0) {
        struct kvm_userspace_memory_region none = {.slot = count};

        vhv_kvm_ops->ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &none);
    }
}

static int attach_locked(struct vhv_memory *memory, int vm_fd)
{
    if (memory->vm_fd >= 0)
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE, "the memory belongs to a VM already");
    for (unsigned number = 0; number < memory->count; number++) {
        struct kvm_userspace_memory_region region = kvm_region(memory, number);
        int result = vhv_kvm_set_user_memory_region(vm_fd, &region);

        if (result < 0) {
            remove_slots(vm_fd, number);
            return vhv_fail_within(result, "region %u, %#" PRIx64 "-%#" PRIx64, number,
                                   memory->slot[number].gpa,
                                   vhv_memory_slot_last(&memory->slot[number]));
        }
    }
    memory->vm_fd = vm_fd;
    return 0;
}

int vhv_memory_attach(struct vhv_memory *memory, int vm_fd)
{
    int result;

    pthread_mutex_lock(&memory->lock);
    result = attach_locked(memory, vm_fd);
    pthread_mutex_unlock(&memory->lock);
    return result;
}

static int renew_slot(const struct vhv_memory *memory, unsigned number)
{
    struct kvm_userspace_memory_region region = kvm_region(memory, number);
    struct kvm_userspace_memory_region none = {.slot = number};
    int result = vhv_kvm_set_user_memory_region(memory->vm_fd, &none);

    if (result >= 0)
        result = vhv_kvm_set_user_memory_region(memory->vm_fd, &region);
    return result;
}

int vhv_memory_renew(struct vhv_memory *memory)
{
    int result = 0;

    pthread_mutex_lock(&memory->lock);
    for (unsigned number = 0; number < memory->count && result >= 0; number++) {
        result = renew_slot(memory, number);
        if (result < 0)
            vhv_fail_within(result, "region %u, %#" PRIx64 "-%#" PRIx64, number,
                            memory->slot[number].gpa, vhv_memory_slot_last(&memory->slot[number]));
    }
    pthread_mutex_unlock(&memory->lock);
    return result;
}

void vhv_memory_detach(struct vhv_memory *memory)
{
    pthread_mutex_lock(&memory->lock);
    if (memory->vm_fd >= 0)
        remove_slots(memory->vm_fd, (unsigned)memory->count);
    memory->vm_fd = -1;
    pthread_mutex_unlock(&memory->lock);
}

static int64_t dirty_locked(struct vhv_memory *memory, unsigned region, uint64_t *bitmap,
                            size_t words)
{
    struct kvm_dirty_log log = {.slot = region, .dirty_bitmap = bitmap};
    int64_t dirty = 0;
    size_t needed;
    int result;

    if (region >= memory->count)
        return vhv_fail(ENOENT, VHV_CAUSE_NONE, "there is no region %u: there are %zu", region,
                        memory->count);
    if (!memory->slot[region].dirty_log)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "region %u has no dirty log", region);
    needed = (memory->slot[region].mapping.bytes / 4096 + 63) / 64;
    if (words < needed)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "region %u needs a bitmap of %zu words; this one has %zu", region, needed,
                        words);
    if (memory->vm_fd < 0)
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE, "the VM was not powered on");
    result = vhv_kvm_get_dirty_log(memory->vm_fd, &log);
    if (result < 0)
        return vhv_fail_within(result, "region %u", region);
    for (size_t i = 0; i < needed; i++)
        dirty += __builtin_popcountll(bitmap[i]);
    return dirty;
}

int64_t vhv_memory_dirty(struct vhv_memory *memory, unsigned region, uint64_t *bitmap, size_t words)
{
    int64_t result;

    pthread_mutex_lock(&memory->lock);
    result = dirty_locked(memory, region, bitmap, words);
    pthread_mutex_unlock(&memory->lock);
    return result;
}
