/* SPDX-License-Identifier: MIT */
/* A VM's descriptor. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_model.h"

struct fake_vm *fake_vm_new(void)
{
    struct fake_vm *vm = calloc(1, sizeof(*vm));

    vm->references = 1;
    return vm;
}

void fake_vm_unref(struct fake_vm *vm)
{
    if (--vm->references)
        return;
    for (int i = 0; i < FAKE_SLOTS; i++)
        free(vm->dirty[i]);
    free(vm);
}

int fake_accept(struct fake_object *object, void *argument)
{
    (void)object;
    (void)argument;
    return 0;
}

int fake_check_extension(struct fake_object *object, void *argument)
{
    long capability = (long)(uintptr_t)argument;

    (void)object;
    if (capability == fake_kvm.missing_capability)
        return 0;
    switch (capability) {
    case KVM_CAP_NR_VCPUS:
    case KVM_CAP_MAX_VCPUS:
        return 64;
    case KVM_CAP_NR_MEMSLOTS:
        return 32764;
    case KVM_CAP_NESTED_STATE:
    case KVM_CAP_XSAVE2:
        return FAKE_BLOB_BYTES;
    default:
        return 1;
    }
}

int fake_enable_cap(struct fake_object *object, void *argument)
{
    const struct kvm_enable_cap *cap = argument;

    if (cap->cap == KVM_CAP_X86_USER_SPACE_MSR)
        object->vm->msr_exits = cap->args[0];
    if (cap->cap == KVM_CAP_PMU_CAPABILITY)
        fake_kvm.hides_counters = cap->args[0] == KVM_PMU_CAP_DISABLE;
    if (cap->cap != KVM_CAP_SPLIT_IRQCHIP)
        return 0;
    if (object->vm->irqchip || object->vm->lapic)
        return -EEXIST;
    object->vm->lapic = true;
    return 0;
}

/* A file with one statistic: "exits", a single value of 7. */
int fake_get_stats_fd(struct fake_object *object, void *argument)
{
    struct {
        struct kvm_stats_header header;
        char id[16];
        struct kvm_stats_desc descriptor;
        char name[16];
        uint64_t value;
    } file = {
        .header = {.name_size = sizeof(file.name), .num_desc = 1},
        .id = "fake",
        .descriptor = {.size = 1},
        .name = "exits",
        .value = 7,
    };
    int fd = fake_object_new(FAKE_STATS, NULL, NULL);

    (void)object;
    (void)argument;
    file.header.id_offset = offsetof(__typeof__(file), id);
    file.header.desc_offset = offsetof(__typeof__(file), descriptor);
    file.header.data_offset = offsetof(__typeof__(file), value);
    return write(fd, &file, sizeof(file)) == sizeof(file) ? fd : -EIO;
}

int fake_copy(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
    return 0;
}

static int create_vcpu(struct fake_object *object, void *argument)
{
    return (uintptr_t)argument < 255
               ? fake_object_new(FAKE_VCPU, object->vm, fake_vcpu_new(object->vm))
               : -EINVAL;
}

static bool overlaps(const struct kvm_userspace_memory_region *a,
                     const struct kvm_userspace_memory_region *b)
{
    return a->memory_size && b->memory_size && a->slot != b->slot &&
           a->guest_phys_addr < b->guest_phys_addr + b->memory_size &&
           b->guest_phys_addr < a->guest_phys_addr + a->memory_size;
}

static int set_user_memory_region(struct fake_object *object, void *argument)
{
    const struct kvm_userspace_memory_region *region = argument;
    struct fake_vm *vm = object->vm;

    if (region->slot >= FAKE_SLOTS || (region->guest_phys_addr | region->memory_size) % 4096 ||
        region->userspace_addr % 4096)
        return -EINVAL;
    if (!region->memory_size && !vm->slots[region->slot].memory_size)
        return -EINVAL;
    for (unsigned i = 0; i < FAKE_SLOTS; i++) {
        if (overlaps(region, &vm->slots[i]))
            return -EEXIST;
    }
    free(vm->dirty[region->slot]);
    vm->dirty[region->slot] = NULL;
    if (region->flags & KVM_MEM_LOG_DIRTY_PAGES)
        vm->dirty[region->slot] = calloc(region->memory_size / 4096 / 64 + 1, sizeof(uint64_t));
    vm->slots[region->slot] = *region;
    return 0;
}

static int get_dirty_log(struct fake_object *object, void *argument)
{
    const struct kvm_dirty_log *log = argument;
    const struct kvm_userspace_memory_region *slot = &object->vm->slots[log->slot % FAKE_SLOTS];
    uint64_t *dirty = object->vm->dirty[log->slot % FAKE_SLOTS];
    size_t bytes = (slot->memory_size / 4096 + 63) / 64 * sizeof(*dirty);

    if (!dirty)
        return -ENOENT;
    memcpy(log->dirty_bitmap, dirty, bytes);
    memset(dirty, 0, bytes);
    return 0;
}

static int create_irqchip(struct fake_object *object, void *argument)
{
    (void)argument;
    if (object->vm->lapic)
        return -EEXIST;
    object->vm->irqchip = object->vm->lapic = true;
    return 0;
}

static int create_pit(struct fake_object *object, void *argument)
{
    (void)argument;
    if (object->vm->pit || !object->vm->irqchip)
        return object->vm->pit ? -EEXIST : -ENOENT;
    object->vm->pit = true;
    return 0;
}

static int get_irqchip(struct fake_object *object, void *argument)
{
    struct kvm_irqchip *chip = argument;
    uint32_t id = chip->chip_id;

    if (!object->vm->irqchip || id > KVM_IRQCHIP_IOAPIC)
        return object->vm->irqchip ? -EINVAL : -ENXIO;
    fake_copy(chip, object->vm->blobs[id], sizeof(*chip));
    chip->chip_id = id;
    return 0;
}

static int set_irqchip(struct fake_object *object, void *argument)
{
    const struct kvm_irqchip *chip = argument;

    if (!object->vm->irqchip || chip->chip_id > KVM_IRQCHIP_IOAPIC)
        return object->vm->irqchip ? -EINVAL : -ENXIO;
    return fake_copy(object->vm->blobs[chip->chip_id], chip, sizeof(*chip));
}

enum { BLOB_PIT = KVM_NR_IRQCHIPS, BLOB_CLOCK };

static int get_pit(struct fake_object *object, void *argument)
{
    if (!object->vm->pit)
        return -ENXIO;
    return fake_copy(argument, object->vm->blobs[BLOB_PIT], sizeof(struct kvm_pit_state2));
}

static int set_pit(struct fake_object *object, void *argument)
{
    if (!object->vm->pit)
        return -ENXIO;
    return fake_copy(object->vm->blobs[BLOB_PIT], argument, sizeof(struct kvm_pit_state2));
}

static int get_clock(struct fake_object *object, void *argument)
{
    return fake_copy(argument, object->vm->blobs[BLOB_CLOCK], sizeof(struct kvm_clock_data));
}

static int set_clock(struct fake_object *object, void *argument)
{
    return fake_copy(object->vm->blobs[BLOB_CLOCK], argument, sizeof(struct kvm_clock_data));
}

static int signal_msi(struct fake_object *object, void *argument)
{
    (void)argument;
    return object->vm->lapic ? 1 : -EINVAL;
}

static int needs_irqchip(struct fake_object *object, void *argument)
{
    (void)argument;
    return object->vm->lapic ? 0 : -ENXIO;
}

static int check_msr_range(const struct kvm_msr_filter_range *range)
{
    const uint32_t known = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;

    if (range->nmsrs > KVM_MSR_FILTER_MAX_BITMAP_SIZE * 8)
        return -EINVAL;
    return range->nmsrs && (!range->flags || range->flags & ~known) ? -EINVAL : 0;
}

static int set_msr_filter(struct fake_object *object, void *argument)
{
    const struct kvm_msr_filter *filter = argument;
    struct fake_vm *vm = object->vm;
    uint32_t msrs = 0;

    if (filter->flags & ~KVM_MSR_FILTER_DEFAULT_DENY)
        return -EINVAL;
    for (int i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
        if (check_msr_range(&filter->ranges[i]) < 0)
            return -EINVAL;
        msrs += filter->ranges[i].nmsrs;
    }
    if (!msrs && filter->flags == KVM_MSR_FILTER_DEFAULT_DENY)
        return -EINVAL;
    vm->msr_filter = *filter;
    for (int i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
        if (filter->ranges[i].nmsrs)
            memcpy(vm->msr_bitmaps[i], filter->ranges[i].bitmap,
                   (filter->ranges[i].nmsrs + 63) / 64 * 8);
    }
    return 0;
}

/* The first range that has the MSR and the kind of access. */
bool fake_vm_msr_is_allowed(const struct fake_vm *vm, uint32_t index, bool is_write)
{
    uint32_t access = is_write ? KVM_MSR_FILTER_WRITE : KVM_MSR_FILTER_READ;

    if (index >= 0x800 && index <= 0x8ff)
        return true;
    for (int i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
        const struct kvm_msr_filter_range *range = &vm->msr_filter.ranges[i];
        uint32_t at = index - range->base;

        if (index >= range->base && at < range->nmsrs && range->flags & access)
            return vm->msr_bitmaps[i][at / 8] >> at % 8 & 1;
    }
    return vm->msr_filter.flags == KVM_MSR_FILTER_DEFAULT_ALLOW;
}

const struct fake_ioctl fake_vm_ioctls[] = {
    FAKE_IOCTL(KVM_CHECK_EXTENSION, fake_check_extension),
    FAKE_IOCTL(KVM_CREATE_VCPU, create_vcpu),
    FAKE_IOCTL(KVM_SET_USER_MEMORY_REGION, set_user_memory_region),
    FAKE_IOCTL(KVM_GET_DIRTY_LOG, get_dirty_log),
    FAKE_IOCTL(KVM_SET_TSS_ADDR, fake_accept),
    FAKE_IOCTL(KVM_SET_IDENTITY_MAP_ADDR, fake_accept),
    FAKE_IOCTL(KVM_CREATE_IRQCHIP, create_irqchip),
    FAKE_IOCTL(KVM_GET_IRQCHIP, get_irqchip),
    FAKE_IOCTL(KVM_SET_IRQCHIP, set_irqchip),
    FAKE_IOCTL(KVM_CREATE_PIT2, create_pit),
    FAKE_IOCTL(KVM_GET_PIT2, get_pit),
    FAKE_IOCTL(KVM_SET_PIT2, set_pit),
    FAKE_IOCTL(KVM_GET_CLOCK, get_clock),
    FAKE_IOCTL(KVM_SET_CLOCK, set_clock),
    FAKE_IOCTL(KVM_IRQ_LINE, needs_irqchip),
    FAKE_IOCTL(KVM_SIGNAL_MSI, signal_msi),
    FAKE_IOCTL(KVM_SET_GSI_ROUTING, needs_irqchip),
    FAKE_IOCTL(KVM_IRQFD, needs_irqchip),
    FAKE_IOCTL(KVM_IOEVENTFD, fake_accept),
    FAKE_IOCTL(KVM_X86_SET_MSR_FILTER, set_msr_filter),
    FAKE_IOCTL(KVM_ENABLE_CAP, fake_enable_cap),
    FAKE_IOCTL(KVM_GET_STATS_FD, fake_get_stats_fd),
    {0},
};
