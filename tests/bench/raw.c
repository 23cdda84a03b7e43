/* SPDX-License-Identifier: MIT */
#include "raw.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CPUID_ENTRIES = 256, RFLAGS_ALWAYS_1 = 2 };

int raw_open(void)
{
    return open("/dev/kvm", O_RDWR | O_CLOEXEC);
}

static int add_memory(struct raw_vm *vm, size_t bytes, const void *code, size_t code_bytes,
                      uint64_t gpa)
{
    struct kvm_userspace_memory_region region = {.memory_size = bytes};

    vm->memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (vm->memory == MAP_FAILED)
        return -1;
    vm->memory_bytes = bytes;
    memcpy((char *)vm->memory + gpa, code, code_bytes);
    region.userspace_addr = (uintptr_t)vm->memory;
    return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static int set_cpuid(const struct raw_vm *vm, int kvm)
{
    struct {
        struct kvm_cpuid2 header;
        struct kvm_cpuid_entry2 entries[CPUID_ENTRIES];
    } table = {.header = {.nent = CPUID_ENTRIES}};

    if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &table) < 0)
        return -1;
    return ioctl(vm->vcpu, KVM_SET_CPUID2, &table);
}

static int set_entry(const struct raw_vm *vm, uint64_t gpa)
{
    struct kvm_regs regs = {.rip = gpa, .rflags = RFLAGS_ALWAYS_1};
    struct kvm_sregs sregs;

    if (ioctl(vm->vcpu, KVM_GET_SREGS, &sregs) < 0)
        return -1;
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    if (ioctl(vm->vcpu, KVM_SET_SREGS, &sregs) < 0)
        return -1;
    return ioctl(vm->vcpu, KVM_SET_REGS, &regs);
}

int raw_vm_new(struct raw_vm *vm, int kvm, size_t memory_bytes, const void *code, size_t code_bytes,
               uint64_t gpa)
{
    memset(vm, 0, sizeof(*vm));
    vm->vcpu = -1;
    vm->fd = ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm->fd < 0)
        return -1;
    if (add_memory(vm, memory_bytes, code, code_bytes, gpa) < 0)
        goto fail;
    vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
    if (vm->vcpu < 0)
        goto fail;
    vm->run_bytes = (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    vm->run = mmap(NULL, vm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
    if (vm->run == MAP_FAILED)
        goto fail;
    if (set_cpuid(vm, kvm) < 0 || set_entry(vm, gpa) < 0)
        goto fail;
    return 0;
fail:
    raw_vm_free(vm);
    return -1;
}

void raw_vm_free(struct raw_vm *vm)
{
    if (vm->run && vm->run != MAP_FAILED)
        munmap(vm->run, vm->run_bytes);
    if (vm->vcpu >= 0)
        close(vm->vcpu);
    close(vm->fd);
    if (vm->memory && vm->memory != MAP_FAILED)
        munmap(vm->memory, vm->memory_bytes);
}

enum { PAGE_BYTES = 4096 };

static void write_device(struct raw_device *device, const void *data, unsigned bytes)
{
    device->last_value = 0;
    memcpy(&device->last_value, data, bytes);
    device->writes_left--;
}

int raw_vm_run(struct raw_vm *vm, struct raw_device *device)
{
    struct kvm_run *run = vm->run;

    while (device->writes_left) {
        if (ioctl(vm->vcpu, KVM_RUN, NULL) < 0)
            return -1;
        switch (run->exit_reason) {
        case KVM_EXIT_IO:
            if (run->io.port != device->port || run->io.direction != KVM_EXIT_IO_OUT)
                return -1;
            write_device(device, (char *)run + run->io.data_offset, run->io.size);
            break;
        case KVM_EXIT_MMIO:
            if (run->mmio.phys_addr - device->gpa >= PAGE_BYTES || !run->mmio.is_write)
                return -1;
            write_device(device, run->mmio.data, run->mmio.len);
            break;
        default:
            return -1;
        }
    }
    return 0;
}
