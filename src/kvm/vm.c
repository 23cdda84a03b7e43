/* SPDX-License-Identifier: MIT */
#include "kvm/kvm.h"

int vhv_kvm_create_vcpu(int vm, unsigned long id)
{
    return VHV_KVM_CALL_VALUE(vm, KVM_CREATE_VCPU, id);
}

int vhv_kvm_set_user_memory_region(int vm, const struct kvm_userspace_memory_region *region)
{
    return VHV_KVM_CALL(vm, KVM_SET_USER_MEMORY_REGION, region);
}

int vhv_kvm_get_dirty_log(int vm, struct kvm_dirty_log *log)
{
    return VHV_KVM_CALL(vm, KVM_GET_DIRTY_LOG, log);
}

int vhv_kvm_set_tss_addr(int vm, unsigned long gpa)
{
    return VHV_KVM_CALL_VALUE(vm, KVM_SET_TSS_ADDR, gpa);
}

int vhv_kvm_set_identity_map_addr(int vm, uint64_t gpa)
{
    return VHV_KVM_CALL(vm, KVM_SET_IDENTITY_MAP_ADDR, &gpa);
}

int vhv_kvm_create_irqchip(int vm)
{
    return VHV_KVM_CALL_VALUE(vm, KVM_CREATE_IRQCHIP, 0);
}

int vhv_kvm_get_irqchip(int vm, struct kvm_irqchip *chip)
{
    return VHV_KVM_CALL(vm, KVM_GET_IRQCHIP, chip);
}

int vhv_kvm_set_irqchip(int vm, const struct kvm_irqchip *chip)
{
    return VHV_KVM_CALL(vm, KVM_SET_IRQCHIP, chip);
}

int vhv_kvm_create_pit2(int vm, const struct kvm_pit_config *config)
{
    return VHV_KVM_CALL(vm, KVM_CREATE_PIT2, config);
}

int vhv_kvm_get_pit2(int vm, struct kvm_pit_state2 *pit)
{
    return VHV_KVM_CALL(vm, KVM_GET_PIT2, pit);
}

int vhv_kvm_set_pit2(int vm, const struct kvm_pit_state2 *pit)
{
    return VHV_KVM_CALL(vm, KVM_SET_PIT2, pit);
}

int vhv_kvm_get_clock(int vm, struct kvm_clock_data *clock)
{
    return VHV_KVM_CALL(vm, KVM_GET_CLOCK, clock);
}

int vhv_kvm_set_clock(int vm, const struct kvm_clock_data *clock)
{
    return VHV_KVM_CALL(vm, KVM_SET_CLOCK, clock);
}

int vhv_kvm_irq_line(int vm, const struct kvm_irq_level *level)
{
    return VHV_KVM_CALL(vm, KVM_IRQ_LINE, level);
}

int vhv_kvm_signal_msi(int vm, const struct kvm_msi *msi)
{
    return VHV_KVM_CALL(vm, KVM_SIGNAL_MSI, msi);
}

int vhv_kvm_set_gsi_routing(int vm, const struct kvm_irq_routing *routing)
{
    return VHV_KVM_CALL(vm, KVM_SET_GSI_ROUTING, routing);
}

int vhv_kvm_irqfd(int vm, const struct kvm_irqfd *irqfd)
{
    return VHV_KVM_CALL(vm, KVM_IRQFD, irqfd);
}

int vhv_kvm_ioeventfd(int vm, const struct kvm_ioeventfd *ioeventfd)
{
    return VHV_KVM_CALL(vm, KVM_IOEVENTFD, ioeventfd);
}

int vhv_kvm_x86_set_msr_filter(int vm, const struct kvm_msr_filter *filter)
{
    return VHV_KVM_CALL(vm, KVM_X86_SET_MSR_FILTER, filter);
}
