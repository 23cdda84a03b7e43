/* SPDX-License-Identifier: MIT */
/* Power-on: memory slots, each vCPU's CPUID with its read-back, virtualized HV. Everything or
   nothing. */
#include "vm/vm.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "bus/bus.h"
#include "config/settings.h"
#include "cpuid/guest.h"
#include "host/host.h"
#include "memory/memory.h"

/* Leaf 15h, which Intel's processors alone have, and VMware's leaf 4000_0010h tell it. */
static bool tells_tsc_frequency(const struct vhv_cpuid *supported,
                                const struct vhv_guest_cpuid_options *options)
{
    return options->hypervisor_vendor.value || (vhv_cpuid_vendor(supported) == VHV_VENDOR_INTEL &&
                                                vhv_cpuid_get(supported, 0, 0, VHV_EAX) >= 0x15);
}

static int make_cpuid(struct vhv_vcpu *vcpu)
{
    const struct vhv_vm *vm = vcpu->vm;
    const struct vhv_cpuid *supported = vhv_host_supported(vm->host);
    struct vhv_guest_cpuid_options options = {
        .size = sizeof(options),
        .vcpu_id = vcpu->id,
        .vcpu_count = (uint32_t)vm->vcpu_count,
        .kernel_lapic = vm->irqchip != VHV_IRQCHIP_NONE,
        .apic_bus_khz = vhv_vm_apic_bus_khz(vm),
    };
    int result;

    if (!supported)
        return vhv_fail(EIO, VHV_CAUSE_KVM, "the CPUID that KVM supports is not known: %s",
                        vhv_host_facts(vm->host)->failed_probe);
    vhv_guest_cpuid_free(vcpu->cpuid); /* of an earlier power-on that was refused */
    vcpu->cpuid = NULL;
    vhv_host_cpuid(vm->host, &options);
    vhv_config_cpuid(vm->config, &options);
    result =
        tells_tsc_frequency(supported, &options) ? vhv_vcpu_tsc_khz(vcpu, &options.tsc_khz) : 0;
    return result < 0 ? result : vhv_guest_cpuid_new(&vcpu->cpuid, supported, &options);
}

static int check_findings(const struct vhv_vcpu *vcpu)
{
    return vcpu->vm->report_only ? vhv_guest_check_policy(vcpu->cpuid)
                                 : vhv_guest_cpuid_check(vcpu->cpuid);
}

static int check_hypervisor(const struct vhv_vm *vm)
{
    const struct vhv_cpuid_setting allow = vhv_config_allow_nested(vm->config);
    char origin[VHV_ERROR_MESSAGE_BYTES];
    int result;

    if (!vm->refuse_foreign_hypervisor || allow.value == VHV_SETTING_TRUE ||
        !vhv_host_is_under_foreign_hypervisor(vm->host))
        return 0;
    result =
        vhv_fail(EPERM, VHV_CAUSE_FOREIGN_HYPERVISOR,
                 "this machine runs under a hypervisor other than KVM, \"%s\": to power on all "
                 "the same, set vmx.allowNested = \"TRUE\" in the VM's configuration or in the "
                 "host's policy",
                 vhv_host_facts(vm->host)->hypervisor);
    if (allow.value == VHV_SETTING_UNSET)
        return result;
    vhv_guest_print_origin(origin, sizeof(origin), &allow.origin, NULL);
    return vhv_fail_within(result, "%s", origin);
}

static int set_cpuid(const struct vhv_vcpu *vcpu)
{
    struct kvm_cpuid2 *table;
    int result = vhv_cpuid_to_kvm(&table, vhv_guest_cpuid_table(vcpu->cpuid));

    if (result < 0)
        return result;
    result = vhv_kvm_set_cpuid2(vcpu->fd, table);
    free(table);
    return result;
}

/* Linux before 6.5 does not say how many entries it filled in: as many as were set. */
static int read_cpuid_back(const struct vhv_vcpu *vcpu)
{
    size_t count = vhv_cpuid_count(vhv_guest_cpuid_table(vcpu->cpuid));
    size_t bytes = sizeof(struct kvm_cpuid2) + count * sizeof(struct kvm_cpuid_entry2);
    struct kvm_cpuid2 *table = calloc(1, bytes);
    struct vhv_cpuid *effective;
    int result;

    if (!table)
        return vhv_fail_memory(bytes);
    table->nent = (uint32_t)count;
    result = vhv_kvm_get_cpuid2(vcpu->fd, table);
    if (result >= 0)
        result = vhv_cpuid_from_kvm(&effective, table);
    free(table);
    if (result < 0)
        return result;
    result = vhv_guest_cpuid_read_back(vcpu->cpuid, effective);
    vhv_cpuid_free(effective);
    return result;
}

/* KVM's paravirtual MSRs otherwise answer guests that were not offered them. */
static int enforce_paravirtual_features(const struct vhv_vcpu *vcpu)
{
    const struct kvm_enable_cap enforce = {.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = {1}};
    int result = vhv_kvm_has(vcpu->vm->fd, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, NULL);

    return result > 0 ? vhv_kvm_enable_cap(vcpu->fd, &enforce) : result;
}

static int power_on_vcpu(struct vhv_vcpu *vcpu)
{
    int result;

    result = make_cpuid(vcpu);
    if (result >= 0)
        result = check_findings(vcpu);
    if (result >= 0)
        result = set_cpuid(vcpu);
    if (result >= 0)
        result = read_cpuid_back(vcpu);
    if (result >= 0)
        result = check_findings(vcpu);
    if (result >= 0)
        result = enforce_paravirtual_features(vcpu);
    if (result >= 0)
        result = vhv_vcpu_set_up_vhv(vcpu);
    return result;
}

static int measure(struct vhv_vm *vm)
{
    int result = vhv_vm_measure(vm);

    for (size_t i = 0; i < vm->vcpu_count && result >= 0; i++)
        result = check_findings(vm->vcpus[i]);
    return result;
}

static int power_on_locked(struct vhv_vm *vm)
{
    int result;

    if (atomic_load(&vm->stage) != VHV_STAGE_CONFIGURE)
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE, "the VM was powered on before");
    if (!vm->vcpu_count)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "the VM has no vCPU: make one by vhv_vcpu_new() or by numvcpus");
    result = check_hypervisor(vm);
    if (result >= 0)
        result = vhv_memory_attach(vm->memory, vm->fd);
    if (result < 0)
        return result;
    vhv_bus_seal(vm->bus);
    for (size_t i = 0; i < vm->vcpu_count && result >= 0; i++)
        result = power_on_vcpu(vm->vcpus[i]);
    if (result >= 0 && vm->measure)
        result = measure(vm);
    if (result >= 0)
        result = vhv_msr_policy_apply(vm);
    if (result < 0) {
        vhv_bus_unseal(vm->bus);
        vhv_memory_detach(vm->memory);
        return result;
    }
    vm->has_vhv = vhv_guest_cpuid_has_vhv(vm->vcpus[0]->cpuid);
    atomic_store(&vm->stage, VHV_STAGE_READY);
    return 0;
}

int vhv_vm_power_on(struct vhv_vm *vm)
{
    int result;

    pthread_mutex_lock(&vm->lock);
    result = power_on_locked(vm);
    pthread_mutex_unlock(&vm->lock);
    return result;
}
