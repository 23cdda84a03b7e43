/* SPDX-License-Identifier: MIT */
/* Interrupts into the guest, and the interrupt controllers and timer that are in the kernel. */
#include "vm/vm.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* KVM's own limit of GSI routes. */
enum { MAX_ROUTES = 4096 };

static int need_lapic(const struct vhv_vm *vm)
{
    if (vm->irqchip == VHV_IRQCHIP_NONE)
        return vhv_fail(
            ENXIO, VHV_CAUSE_WRONG_STAGE,
            "the VM has no local APIC in the kernel: see struct vhv_vm_options, irqchip");
    return 0;
}

static int need_irqchip(const struct vhv_vm *vm)
{
    if (vm->irqchip != VHV_IRQCHIP_KERNEL)
        return vhv_fail(
            ENXIO, VHV_CAUSE_WRONG_STAGE,
            "the VM has no PIC and I/O APIC in the kernel: see struct vhv_vm_options, irqchip");
    return 0;
}

static int need_pit(const struct vhv_vm *vm)
{
    if (!vm->pit)
        return vhv_fail(ENXIO, VHV_CAUSE_WRONG_STAGE,
                        "the VM has no PIT in the kernel: see struct vhv_vm_options, pit");
    return 0;
}

int vhv_vm_irq_line(struct vhv_vm *vm, uint32_t gsi, bool level)
{
    const struct kvm_irq_level line = {.irq = gsi, .level = level};
    int result = need_irqchip(vm);

    if (result >= 0)
        result = vhv_kvm_irq_line(vm->fd, &line);
    return result < 0 ? result : 0;
}

int vhv_vm_msi(struct vhv_vm *vm, uint64_t address, uint32_t data)
{
    const struct kvm_msi msi = {
        .address_lo = (uint32_t)address, .address_hi = (uint32_t)(address >> 32), .data = data};
    int result = need_lapic(vm);

    if (result >= 0)
        result = vhv_kvm_signal_msi(vm->fd, &msi);
    return result > 0 ? 1 : result;
}

int vhv_vm_set_gsi_routes(struct vhv_vm *vm, const struct kvm_irq_routing_entry *routes,
                          size_t count)
{
    struct kvm_irq_routing *table;
    int result = need_lapic(vm);

    if (result < 0)
        return result;
    if (count > MAX_ROUTES)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "%zu interrupt routes are too many: KVM takes %d",
                        count, MAX_ROUTES);
    table = calloc(1, sizeof(*table) + count * sizeof(*routes));
    if (!table)
        return vhv_fail_memory(sizeof(*table) + count * sizeof(*routes));
    table->nr = (uint32_t)count;
    if (count)
        memcpy(table->entries, routes, count * sizeof(*routes));
    result = vhv_kvm_set_gsi_routing(vm->fd, table);
    free(table);
    return result;
}

int vhv_vm_irqfd_add(struct vhv_vm *vm, uint32_t gsi, int eventfd, int resample_eventfd)
{
    const struct kvm_irqfd irqfd = {
        .fd = (uint32_t)eventfd,
        .gsi = gsi,
        .flags = resample_eventfd < 0 ? 0 : KVM_IRQFD_FLAG_RESAMPLE,
        .resamplefd = resample_eventfd < 0 ? 0 : (uint32_t)resample_eventfd,
    };
    int result = need_lapic(vm);

    return result < 0 ? result : vhv_kvm_irqfd(vm->fd, &irqfd);
}

int vhv_vm_irqfd_remove(struct vhv_vm *vm, uint32_t gsi, int eventfd)
{
    const struct kvm_irqfd irqfd = {
        .fd = (uint32_t)eventfd, .gsi = gsi, .flags = KVM_IRQFD_FLAG_DEASSIGN};
    int result = need_lapic(vm);

    return result < 0 ? result : vhv_kvm_irqfd(vm->fd, &irqfd);
}

static int call_ioeventfd(const struct vhv_vm *vm, const struct vhv_ioeventfd *given,
                          uint32_t flags)
{
    const struct kvm_ioeventfd ioeventfd = {
        .datamatch = given->data,
        .addr = given->address,
        .len = given->bytes,
        .fd = given->eventfd,
        .flags = flags | (given->space == VHV_SPACE_PORT ? KVM_IOEVENTFD_FLAG_PIO : 0) |
                 (given->match_data ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0),
    };

    return vhv_kvm_ioeventfd(vm->fd, &ioeventfd);
}

int vhv_vm_ioeventfd_add(struct vhv_vm *vm, const struct vhv_ioeventfd *ioeventfd)
{
    return call_ioeventfd(vm, ioeventfd, 0);
}

int vhv_vm_ioeventfd_remove(struct vhv_vm *vm, const struct vhv_ioeventfd *ioeventfd)
{
    return call_ioeventfd(vm, ioeventfd, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

int vhv_vm_get_irqchip(struct vhv_vm *vm, struct kvm_irqchip *chip)
{
    int result = need_irqchip(vm);

    return result < 0 ? result : vhv_kvm_get_irqchip(vm->fd, chip);
}

int vhv_vm_set_irqchip(struct vhv_vm *vm, const struct kvm_irqchip *chip)
{
    int result = need_irqchip(vm);

    return result < 0 ? result : vhv_kvm_set_irqchip(vm->fd, chip);
}

int vhv_vm_get_pit(struct vhv_vm *vm, struct kvm_pit_state2 *pit)
{
    int result = need_pit(vm);

    return result < 0 ? result : vhv_kvm_get_pit2(vm->fd, pit);
}

int vhv_vm_set_pit(struct vhv_vm *vm, const struct kvm_pit_state2 *pit)
{
    int result = need_pit(vm);

    return result < 0 ? result : vhv_kvm_set_pit2(vm->fd, pit);
}

int vhv_vm_get_clock(struct vhv_vm *vm, struct kvm_clock_data *clock)
{
    return vhv_kvm_get_clock(vm->fd, clock);
}

int vhv_vm_set_clock(struct vhv_vm *vm, const struct kvm_clock_data *clock)
{
    return vhv_kvm_set_clock(vm->fd, clock);
}

int vhv_vcpu_interrupt(struct vhv_vcpu *vcpu, uint8_t vector)
{
    int result = vhv_vcpu_check_idle(vcpu);

    if (result < 0)
        return result;
    if (vcpu->vm->irqchip != VHV_IRQCHIP_NONE)
        return vhv_fail(ENXIO, VHV_CAUSE_WRONG_STAGE,
                        "vCPU %u has its local APIC in the kernel: interrupts go through that",
                        vcpu->id);
    if (!vcpu->run->ready_for_interrupt_injection)
        return vhv_fail(EAGAIN, VHV_CAUSE_NONE,
                        "vCPU %u cannot take an interrupt now: ask for the interrupt window",
                        vcpu->id);
    return vhv_kvm_interrupt(vcpu->fd, vector);
}

int vhv_vcpu_nmi(struct vhv_vcpu *vcpu)
{
    int result = vhv_vcpu_check_idle(vcpu);

    return result < 0 ? result : vhv_kvm_nmi(vcpu->fd);
}
