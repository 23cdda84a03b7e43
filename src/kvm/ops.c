/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "kvm/kvm.h"

static int real_open(const char *path, int flags)
{
    return open(path, flags);
}

static int real_ioctl(int fd, unsigned long request, void *argument)
{
    return ioctl(fd, request, argument);
}

static void *real_mmap(int fd, size_t bytes)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static const struct vhv_kvm_ops real_ops = {
    .open = real_open,
    .close = close,
    .ioctl = real_ioctl,
    .mmap = real_mmap,
    .munmap = munmap,
};

const struct vhv_kvm_ops *vhv_kvm_ops = &real_ops;

int vhv_kvm_ioctl(int fd, unsigned long request, void *argument, const char *name)
{
    int result = vhv_kvm_ops->ioctl(fd, request, argument);

    if (result < 0)
        return vhv_fail(errno, VHV_CAUSE_KVM, "%s: %s", name, strerrordesc_np(errno));
    return result;
}

int vhv_kvm_open(const char *path)
{
    int fd = vhv_kvm_ops->open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return vhv_fail(errno, VHV_CAUSE_NO_KVM, "%s: %s", path, strerrordesc_np(errno));
    return fd;
}

void vhv_kvm_close(int fd)
{
    if (fd >= 0)
        vhv_kvm_ops->close(fd);
}

int vhv_kvm_map_run(struct kvm_run **ret, int vcpu, size_t bytes)
{
    void *run = vhv_kvm_ops->mmap(vcpu, bytes);

    if (run == MAP_FAILED)
        return vhv_fail(errno, VHV_CAUSE_KVM, "mmap of a vCPU's kvm_run, %zu bytes: %s", bytes,
                        strerrordesc_np(errno));
    *ret = run;
    return 0;
}

void vhv_kvm_unmap_run(struct kvm_run *run, size_t bytes)
{
    if (run)
        vhv_kvm_ops->munmap(run, bytes);
}
