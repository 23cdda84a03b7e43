/* SPDX-License-Identifier: MIT */
/* Making and freeing a VM. */
#include "vm/vm.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/options.h"
#include "config/config.h"
#include "host/host.h"
#include "memory/memory.h"

/* Where KVM puts what it needs below 4 GiB on processors that cannot run real mode themselves: one
   page for an identity map and three for a TSS, in the same place as other VMMs, below the firmware
   and above every device. */
#define IDENTITY_MAP_GPA UINT64_C(0xFEFFC000)
#define TSS_GPA          UINT64_C(0xFEFFD000)

/* Interrupt pins of a split irqchip's I/O APIC. */
enum { IOAPIC_PINS = 24 };

static int check_options(const struct vhv_vm_options *options)
{
    if ((unsigned)options->irqchip > VHV_IRQCHIP_SPLIT)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "struct vhv_vm_options: irqchip is %d, which is none of enum vhv_irqchip",
                        (int)options->irqchip);
    if (options->pit && options->irqchip != VHV_IRQCHIP_KERNEL)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "struct vhv_vm_options: pit needs irqchip to be VHV_IRQCHIP_KERNEL");
    if (options->kick_signal < 0 || options->kick_signal > SIGRTMAX ||
        options->kick_signal == SIGKILL || options->kick_signal == SIGSTOP)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "struct vhv_vm_options: kick_signal is %d, which is no signal to be sent",
                        options->kick_signal);
    return 0;
}

static int create_fd(struct vhv_vm *vm)
{
    int kvm = vhv_host_kvm_fd(vm->host);
    int result;

    if (kvm < 0)
        return vhv_host_fail_without_kvm(vm->host);
    result = vhv_kvm_require(kvm, KVM_CAP_IMMEDIATE_EXIT, "a VM");
    if (result < 0)
        return result;
    result = vhv_kvm_get_vcpu_mmap_size(kvm);
    if (result < 0)
        return result;
    vm->run_bytes = (size_t)result;
    vm->fd = vhv_kvm_create_vm(kvm, 0);
    return vm->fd < 0 ? vm->fd : 0;
}

static int set_up_addresses(const struct vhv_vm *vm)
{
    int result = vhv_kvm_has(vm->fd, KVM_CAP_SET_IDENTITY_MAP_ADDR, NULL);

    if (result > 0)
        result = vhv_kvm_set_identity_map_addr(vm->fd, IDENTITY_MAP_GPA);
    if (result < 0)
        return result;
    result = vhv_kvm_has(vm->fd, KVM_CAP_SET_TSS_ADDR, NULL);
    return result > 0 ? vhv_kvm_set_tss_addr(vm->fd, TSS_GPA) : result;
}

static int set_up_irqchip(const struct vhv_vm *vm)
{
    const struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {IOAPIC_PINS}};
    /* Guests time the TSC by port 61h, which belongs to the same chip. */
    const struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
    int result = 0;

    if (vm->irqchip == VHV_IRQCHIP_KERNEL) {
        result = vhv_kvm_require(vm->fd, KVM_CAP_IRQCHIP, "an irqchip in the kernel");
        if (result >= 0)
            result = vhv_kvm_create_irqchip(vm->fd);
    } else if (vm->irqchip == VHV_IRQCHIP_SPLIT) {
        result = vhv_kvm_require(vm->fd, KVM_CAP_SPLIT_IRQCHIP, "a split irqchip");
        if (result >= 0)
            result = vhv_kvm_enable_cap(vm->fd, &split);
    }
    if (result >= 0 && vm->pit) {
        result = vhv_kvm_require(vm->fd, KVM_CAP_PIT2, "a PIT in the kernel");
        if (result >= 0)
            result = vhv_kvm_create_pit2(vm->fd, &pit);
    }
    return result;
}

/* An inner guest's pending #PF or #DB then has its address with it, and survives a save. */
static int enable_exception_payload(const struct vhv_vm *vm)
{
    const struct kvm_enable_cap payload = {.cap = KVM_CAP_EXCEPTION_PAYLOAD, .args = {1}};
    int result = vhv_kvm_has(vm->fd, KVM_CAP_EXCEPTION_PAYLOAD, NULL);

    return result > 0 ? vhv_kvm_enable_cap(vm->fd, &payload) : result;
}

/* Hiding performance counters in CPUID leaves them where they are: KVM's are in MSRs and RDPMC. */
static int hide_performance_counters(const struct vhv_vm *vm)
{
    const struct kvm_enable_cap hide = {.cap = KVM_CAP_PMU_CAPABILITY,
                                        .args = {KVM_PMU_CAP_DISABLE}};
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    int can = 0, result;

    vhv_config_cpuid(vm->config, &options);
    if (options.vpmc_enable.value != VHV_SETTING_FALSE)
        return 0;
    result = vhv_kvm_has(vm->fd, KVM_CAP_PMU_CAPABILITY, &can);
    return result > 0 && can & KVM_PMU_CAP_DISABLE ? vhv_kvm_enable_cap(vm->fd, &hide) : result;
}

/* What the configuration names: vCPUs and RAM. */
static int make_configured_parts(struct vhv_vm *vm)
{
    uint64_t ram = vhv_config_memory_bytes(vm->config);
    struct vhv_vcpu *vcpu;
    int result;

    if (ram) {
        result = vhv_memory_add_ram(vm->memory, ram, NULL);
        if (result < 0)
            return vhv_fail_within(result, "memsize");
    }
    if (!vhv_config_get(vm->config, "numvcpus"))
        return 0;
    for (unsigned i = 0; i < vhv_config_vcpus(vm->config); i++) {
        result = vhv_vcpu_new(&vcpu, vm, vhv_config_vcpu_id(vm->config, i));
        if (result < 0)
            return result;
    }
    return 0;
}

static int make(struct vhv_vm *vm, const struct vhv_config *config)
{
    int result;

    result = config ? vhv_config_copy(&vm->config, config) : vhv_config_new(&vm->config);
    if (result >= 0)
        result = vhv_config_set_policy(vm->config, vhv_host_policy(vm->host));
    if (result >= 0)
        result = vhv_memory_new(&vm->memory);
    if (result >= 0)
        result = vhv_bus_new(&vm->bus);
    if (result >= 0)
        result = vhv_kick_prepare(vm);
    if (result >= 0)
        result = create_fd(vm);
    if (result >= 0)
        result = set_up_addresses(vm);
    if (result >= 0)
        result = set_up_irqchip(vm);
    if (result >= 0)
        result = enable_exception_payload(vm);
    if (result >= 0)
        result = hide_performance_counters(vm);
    if (result >= 0)
        result = make_configured_parts(vm);
    return result;
}

int vhv_vm_new(struct vhv_vm **ret, const struct vhv_host *host, const struct vhv_vm_options *given)
{
    struct vhv_vm_options options;
    struct vhv_host *own_host = NULL;
    struct vhv_vm *vm;
    int result;

    result = vhv_options_read(&options, sizeof(options), given, "vhv_vm_options");
    if (result >= 0)
        result = check_options(&options);
    if (result >= 0 && !host)
        result = vhv_host_new(&own_host, NULL);
    if (result < 0)
        return result;

    vm = calloc(1, sizeof(*vm));
    if (!vm) {
        vhv_host_free(own_host);
        return vhv_fail_memory(sizeof(*vm));
    }
    vm->host = host ? vhv_host_ref(host) : own_host;
    vm->fd = -1;
    vm->irqchip = options.irqchip;
    vm->pit = options.pit;
    vm->report_only = options.report_only;
    vm->kick_signal = options.kick_signal ? options.kick_signal : SIGRTMAX - 1;
    vm->kick_handler = options.kick_handler;
    vm->measure = options.measure;
    vm->hide_msrs = options.hide_msrs;
    vm->refuse_foreign_hypervisor = options.refuse_foreign_hypervisor;
    pthread_mutex_init(&vm->lock, NULL);
    pthread_cond_init(&vm->changed, NULL);

    result = make(vm, options.config);
    if (result < 0) {
        vhv_vm_free(vm);
        return result;
    }
    *ret = vm;
    return 0;
}

void vhv_vm_free(struct vhv_vm *vm)
{
    if (!vm)
        return;
    vhv_vm_stop(vm);
    for (size_t i = 0; i < vm->vcpu_count; i++) {
        if (vm->vcpus[i]->has_thread)
            pthread_join(vm->vcpus[i]->own_thread, NULL);
    }
    for (size_t i = 0; i < vm->vcpu_count; i++)
        vhv_vcpu_destroy(vm->vcpus[i]);
    vhv_kvm_close(vm->fd);
    vhv_bus_free(vm->bus);
    vhv_vm_backdoor_free(vm->backdoor);
    vhv_memory_free(vm->memory);
    vhv_config_free(vm->config);
    vhv_host_unref(vm->host);
    pthread_cond_destroy(&vm->changed);
    pthread_mutex_destroy(&vm->lock);
    free(vm);
}

struct vhv_memory *vhv_vm_memory(struct vhv_vm *vm)
{
    return vm->memory;
}

static int flush_memory_locked(struct vhv_vm *vm)
{
    if (atomic_load(&vm->stage) == VHV_STAGE_CONFIGURE)
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE,
                        "the VM was not powered on: KVM does not have its memory yet");
    if (!vhv_vm_stands_still(vm))
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE,
                        "memory cannot be flushed under a vCPU that is running: pause the VM");
    return vhv_memory_renew(vm->memory);
}

int vhv_vm_flush_memory(struct vhv_vm *vm)
{
    int result;

    pthread_mutex_lock(&vm->lock);
    result = flush_memory_locked(vm);
    pthread_mutex_unlock(&vm->lock);
    return result;
}

struct vhv_bus *vhv_vm_bus(struct vhv_vm *vm)
{
    return vm->bus;
}

const struct vhv_config *vhv_vm_config(const struct vhv_vm *vm)
{
    return vm->config;
}

struct vhv_vcpu *vhv_vm_vcpu(struct vhv_vm *vm, size_t index)
{
    return index < vm->vcpu_count ? vm->vcpus[index] : NULL;
}

size_t vhv_vm_vcpu_count(const struct vhv_vm *vm)
{
    return vm->vcpu_count;
}

enum vhv_stage vhv_vm_stage(const struct vhv_vm *vm)
{
    return atomic_load(&vm->stage);
}

bool vhv_vm_has_vhv(const struct vhv_vm *vm)
{
    return vm->has_vhv;
}

int vhv_vm_kvm_fd(const struct vhv_vm *vm)
{
    return vm->fd;
}
