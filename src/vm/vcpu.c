/* SPDX-License-Identifier: MIT */
/* Making a vCPU, and who may use it when. */
#include "vm/vm.h"

#include <stdlib.h>

#include "base/error.h"

static int check_new(const struct vhv_vm *vm, uint32_t id)
{
    if (atomic_load(&vm->stage) != VHV_STAGE_CONFIGURE)
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE,
                        "vCPU %u cannot be added: the VM was powered on", id);
    if (vm->vcpu_count == VHV_VM_MAX_VCPUS)
        return vhv_fail(ENOSPC, VHV_CAUSE_NONE, "vCPU %u cannot be added: the VM has %d vCPUs", id,
                        VHV_VM_MAX_VCPUS);
    if (id > VHV_VM_MAX_VCPU_ID)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "vCPU id %u is too large: ids are 0 to %d", id,
                        VHV_VM_MAX_VCPU_ID);
    for (size_t i = 0; i < vm->vcpu_count; i++) {
        if (vm->vcpus[i]->id == id)
            return vhv_fail(EEXIST, VHV_CAUSE_NONE, "the VM has a vCPU %u", id);
    }
    return 0;
}

static int create(struct vhv_vcpu *vcpu)
{
    vcpu->fd = vhv_kvm_create_vcpu(vcpu->vm->fd, vcpu->id);
    if (vcpu->fd < 0)
        return vhv_fail_within(vcpu->fd, "vCPU %u", vcpu->id);
    return vhv_kvm_map_run(&vcpu->run, vcpu->fd, vcpu->vm->run_bytes);
}

int vhv_vcpu_new(struct vhv_vcpu **ret, struct vhv_vm *vm, uint32_t id)
{
    struct vhv_vcpu *vcpu;
    int result;

    pthread_mutex_lock(&vm->lock);
    result = check_new(vm, id);
    if (result < 0)
        goto out;
    vcpu = calloc(1, sizeof(*vcpu));
    if (!vcpu) {
        result = vhv_fail_memory(sizeof(*vcpu));
        goto out;
    }
    vcpu->vm = vm;
    vcpu->id = id;
    result = create(vcpu);
    if (result < 0) {
        vhv_vcpu_destroy(vcpu);
        goto out;
    }
    vm->vcpus[vm->vcpu_count++] = vcpu;
    *ret = vcpu;
out:
    pthread_mutex_unlock(&vm->lock);
    return result;
}

void vhv_vcpu_destroy(struct vhv_vcpu *vcpu)
{
    vhv_kvm_unmap_run(vcpu->run, vcpu->vm->run_bytes);
    vhv_kvm_close(vcpu->fd);
    vhv_guest_cpuid_free(vcpu->cpuid);
    free(vcpu);
}

uint32_t vhv_vcpu_id(const struct vhv_vcpu *vcpu)
{
    return vcpu->id;
}

const struct vhv_guest_cpuid *vhv_vcpu_guest_cpuid(const struct vhv_vcpu *vcpu)
{
    return vcpu->cpuid;
}

int vhv_vcpu_kvm_fd(const struct vhv_vcpu *vcpu)
{
    return vcpu->fd;
}

struct kvm_run *vhv_vcpu_kvm_run(struct vhv_vcpu *vcpu)
{
    return vcpu->run;
}

int vhv_vcpu_check_idle(const struct vhv_vcpu *vcpu)
{
    if (atomic_load(&vcpu->vm->stage) == VHV_STAGE_CONFIGURE)
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE,
                        "vCPU %u has no state yet: power the VM on first", vcpu->id);
    /* A handler of the bus runs inside the run of its own vCPU and may look at it; a parked vCPU
       stands still. */
    if (atomic_load(&vcpu->inside) && !atomic_load(&vcpu->parked) &&
        !pthread_equal(vcpu->thread, pthread_self()))
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE,
                        "vCPU %u is running on another thread: pause or stop the VM first",
                        vcpu->id);
    return 0;
}

/* A host whose TSC is not stable has no frequency to tell: that is EIO. */
int vhv_vcpu_tsc_khz(const struct vhv_vcpu *vcpu, uint32_t *khz)
{
    struct vhv_error before;
    int result = vhv_kvm_has(vcpu->vm->fd, KVM_CAP_GET_TSC_KHZ, NULL);

    *khz = 0;
    if (result <= 0)
        return result;
    vhv_error_hold(&before);
    result = vhv_kvm_get_tsc_khz(vcpu->fd);
    if (result < 0 && result != -EIO)
        return vhv_fail_within(result, "vCPU %u", vcpu->id);
    vhv_error_restore(&before);
    *khz = result < 0 ? 0 : (uint32_t)result;
    return 0;
}

/* [KVM-API KVM_CAP_X86_APIC_BUS_CYCLES_NS]: a nanosecond a cycle, which nothing here changes. */
uint32_t vhv_vm_apic_bus_khz(const struct vhv_vm *vm)
{
    return vm->irqchip == VHV_IRQCHIP_NONE ? 0 : 1000000;
}
