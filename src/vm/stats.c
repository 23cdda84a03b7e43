/* SPDX-License-Identifier: MIT */
/* KVM's own statistics, from the file of KVM_GET_STATS_FD: a header, descriptors, values. */
#include "vm/vm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"

/* More than KVM has ever had; what the file says beyond is refused. */
enum { MAX_STATS = 4096, MAX_NAME_BYTES = 256, MAX_VALUES = 65536 };

static int read_at(int fd, void *buffer, size_t bytes, uint64_t offset)
{
    ssize_t done = pread(fd, buffer, bytes, (off_t)offset);

    if (done < 0)
        return vhv_fail(errno, VHV_CAUSE_KVM, "KVM's statistics: %s", strerrordesc_np(errno));
    if ((size_t)done != bytes)
        return vhv_fail(EIO, VHV_CAUSE_KVM,
                        "KVM's statistics end after %zd of %zu bytes at offset %llu", done, bytes,
                        (unsigned long long)offset);
    return 0;
}

static int tell_one(int fd, const struct kvm_stats_header *header,
                    const struct kvm_stats_desc *descriptor, vhv_kvm_stat_fn stat, void *cookie)
{
    struct vhv_kvm_stat told = {.name = descriptor->name, .count = descriptor->size};
    uint64_t *values;
    int result;

    if (!descriptor->size || descriptor->size > MAX_VALUES / sizeof(*values))
        return vhv_fail(EIO, VHV_CAUSE_KVM, "KVM's statistic %s has %u values", descriptor->name,
                        descriptor->size);
    values = malloc(descriptor->size * sizeof(*values));
    if (!values)
        return vhv_fail_memory(descriptor->size * sizeof(*values));
    result = read_at(fd, values, descriptor->size * sizeof(*values),
                     (uint64_t)header->data_offset + descriptor->offset);
    told.values = values;
    if (result >= 0)
        result = stat(&told, cookie);
    free(values);
    return result;
}

static int tell_all(int fd, vhv_kvm_stat_fn stat, void *cookie)
{
    struct kvm_stats_header header;
    union {
        struct kvm_stats_desc descriptor;
        char bytes[sizeof(struct kvm_stats_desc) + MAX_NAME_BYTES + 1];
    } buffer;
    size_t bytes;
    int result = read_at(fd, &header, sizeof(header), 0);

    if (result < 0)
        return result;
    if (header.num_desc > MAX_STATS || header.name_size > MAX_NAME_BYTES)
        return vhv_fail(EIO, VHV_CAUSE_KVM,
                        "KVM's statistics have %u descriptors with names of %u bytes",
                        header.num_desc, header.name_size);
    bytes = sizeof(buffer.descriptor) + header.name_size;
    for (uint32_t i = 0; i < header.num_desc; i++) {
        memset(&buffer, 0, sizeof(buffer));
        result = read_at(fd, &buffer, bytes, header.desc_offset + (uint64_t)i * bytes);
        if (result >= 0)
            result = tell_one(fd, &header, &buffer.descriptor, stat, cookie);
        if (result)
            return result;
    }
    return (int)header.num_desc;
}

static int stats_of(int object_fd, int vm_fd, vhv_kvm_stat_fn stat, void *cookie)
{
    int fd, result = vhv_kvm_require(vm_fd, KVM_CAP_BINARY_STATS_FD, "reading KVM's statistics");

    if (result < 0)
        return result;
    fd = vhv_kvm_get_stats_fd(object_fd);
    if (fd < 0)
        return fd;
    result = tell_all(fd, stat, cookie);
    vhv_kvm_close(fd);
    return result;
}

int vhv_vm_kvm_stats(struct vhv_vm *vm, vhv_kvm_stat_fn stat, void *cookie)
{
    return stats_of(vm->fd, vm->fd, stat, cookie);
}

int vhv_vcpu_kvm_stats(struct vhv_vcpu *vcpu, vhv_kvm_stat_fn stat, void *cookie)
{
    return stats_of(vcpu->fd, vcpu->vm->fd, stat, cookie);
}
