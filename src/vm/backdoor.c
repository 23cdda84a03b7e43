/* SPDX-License-Identifier: MIT */
/* The backdoor on a VM's bus: the registers of the vCPU that asks, and what the VM has to tell. */
#include <libvhv/backdoor.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/options.h"
#include "config/settings.h"
#include "device/backdoor.h"
#include "vm/vm.h"

struct vhv_vm_backdoor {
    struct vhv_vm *vm;
    struct vhv_backdoor device;
    struct vhv_backdoor_options options;
};

static uint64_t memory_bytes(struct vhv_vm *vm)
{
    const struct vhv_memory *memory = vhv_vm_memory(vm);
    struct vhv_region region;
    uint64_t bytes = 0;

    for (size_t i = 0; i < vhv_memory_count(memory); i++) {
        if (vhv_memory_region(memory, i, &region) == 0 && !region.read_only)
            bytes += region.bytes;
    }
    return bytes;
}

static uint32_t hardware_version(const struct vhv_vm *vm)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};

    vhv_config_cpuid(vm->config, &options);
    return options.hardware_version.value;
}

static int find_facts(struct vhv_backdoor_facts *facts, const struct vhv_vm_backdoor *backdoor,
                      struct vhv_vcpu *vcpu)
{
    struct vhv_vm *vm = backdoor->vm;
    int result = vhv_vcpu_tsc_khz(vcpu, &facts->tsc_khz);

    if (result >= 0 && vm->has_vhv)
        result = vhv_vcpu_is_nested(vcpu);
    if (result < 0)
        return result;
    facts->is_nested = result;
    facts->memory_bytes = memory_bytes(vm);
    facts->hardware_version = hardware_version(vm);
    facts->uuid = backdoor->options.has_uuid ? backdoor->options.uuid : NULL;
    facts->has_x2apic = vm->irqchip != VHV_IRQCHIP_NONE;
    facts->apic_bus_hz = vhv_vm_apic_bus_khz(vm) * 1000;
    clock_gettime(CLOCK_REALTIME, &facts->now);
    return 0;
}

static int answer(struct vhv_vm_backdoor *backdoor, struct vhv_vcpu *vcpu, uint64_t *value)
{
    struct vhv_backdoor_registers registers;
    struct vhv_backdoor_facts facts = {0};
    struct kvm_regs regs;
    int result = vhv_vcpu_get_regs(vcpu, &regs);

    if (result >= 0)
        result = find_facts(&facts, backdoor, vcpu);
    if (result < 0)
        return result;
    registers =
        (struct vhv_backdoor_registers){regs.rax, regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi};
    vhv_backdoor_answer(&backdoor->device, &facts, &registers);
    *value = registers.rax;
    regs.rax = registers.rax;
    regs.rbx = registers.rbx;
    regs.rcx = registers.rcx;
    regs.rdx = registers.rdx;
    regs.rsi = registers.rsi;
    regs.rdi = registers.rdi;
    return vhv_vcpu_set_regs(vcpu, &regs);
}

static int read_port(void *cookie, uint64_t offset, unsigned bytes, uint64_t *value)
{
    struct vhv_vm_backdoor *backdoor = cookie;
    struct vhv_vcpu *vcpu = vhv_vm_current_vcpu(backdoor->vm);

    *value = UINT64_MAX;
    /* A program that looks at its own bus has no registers to answer in. */
    if (offset != 0 || bytes != 4 || !vcpu)
        return 0;
    return answer(backdoor, vcpu, value);
}

static bool is_restricted(const struct vhv_vm *vm, const struct vhv_backdoor_options *options)
{
    if (options->restricted != VHV_SETTING_UNSET)
        return options->restricted == VHV_SETTING_TRUE;
    return vhv_config_restricts_backdoor(vm->config);
}

static int check_options(const struct vhv_backdoor_options *options)
{
    if ((unsigned)options->restricted > VHV_SETTING_TRUE)
        return vhv_fail(
            EINVAL, VHV_CAUSE_NONE,
            "struct vhv_backdoor_options: restricted is %d: neither unset, false nor true",
            (int)options->restricted);
    return 0;
}

void vhv_vm_backdoor_free(struct vhv_vm_backdoor *backdoor)
{
    free(backdoor);
}

int vhv_backdoor_add(struct vhv_vm *vm, const struct vhv_backdoor_options *given)
{
    static const struct vhv_bus_ops ops = {.read = read_port};
    struct vhv_backdoor_options options;
    struct vhv_vm_backdoor *backdoor;
    int result = vhv_options_read(&options, sizeof(options), given, "vhv_backdoor_options");

    if (result >= 0)
        result = check_options(&options);
    if (result < 0)
        return result;
    backdoor = calloc(1, sizeof(*backdoor));
    if (!backdoor)
        return vhv_fail_memory(sizeof(*backdoor));
    backdoor->vm = vm;
    backdoor->options = options;
    vhv_backdoor_init(&backdoor->device, is_restricted(vm, &options));
    result = vhv_bus_add(vm->bus, VHV_SPACE_PORT, VHV_BACKDOOR_PORT, VHV_BACKDOOR_PORTS, &ops,
                         backdoor, "backdoor");
    if (result < 0) {
        free(backdoor);
        return result;
    }
    vm->backdoor = backdoor;
    return 0;
}
