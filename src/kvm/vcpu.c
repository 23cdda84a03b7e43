/* SPDX-License-Identifier: MIT */
#include "kvm/kvm.h"

int vhv_kvm_enable_cap(int fd, const struct kvm_enable_cap *cap)
{
    return VHV_KVM_CALL(fd, KVM_ENABLE_CAP, cap);
}

int vhv_kvm_get_stats_fd(int fd)
{
    return VHV_KVM_CALL_VALUE(fd, KVM_GET_STATS_FD, 0);
}

int vhv_kvm_get_msrs(int fd, struct kvm_msrs *msrs)
{
    return VHV_KVM_CALL(fd, KVM_GET_MSRS, msrs);
}

int vhv_kvm_set_msrs(int vcpu, const struct kvm_msrs *msrs)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_MSRS, msrs);
}

int vhv_kvm_set_cpuid2(int vcpu, const struct kvm_cpuid2 *cpuid)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_CPUID2, cpuid);
}

int vhv_kvm_get_cpuid2(int vcpu, struct kvm_cpuid2 *cpuid)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_CPUID2, cpuid);
}

int vhv_kvm_get_tsc_khz(int vcpu)
{
    return VHV_KVM_CALL_VALUE(vcpu, KVM_GET_TSC_KHZ, 0);
}

int vhv_kvm_get_regs(int vcpu, struct kvm_regs *regs)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_REGS, regs);
}

int vhv_kvm_set_regs(int vcpu, const struct kvm_regs *regs)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_REGS, regs);
}

int vhv_kvm_get_sregs(int vcpu, struct kvm_sregs *sregs)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_SREGS, sregs);
}

int vhv_kvm_set_sregs(int vcpu, const struct kvm_sregs *sregs)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_SREGS, sregs);
}

int vhv_kvm_get_fpu(int vcpu, struct kvm_fpu *fpu)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_FPU, fpu);
}

int vhv_kvm_set_fpu(int vcpu, const struct kvm_fpu *fpu)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_FPU, fpu);
}

int vhv_kvm_get_xsave(int vcpu, struct kvm_xsave *xsave)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_XSAVE, xsave);
}

int vhv_kvm_get_xsave2(int vcpu, struct kvm_xsave *xsave)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_XSAVE2, xsave);
}

int vhv_kvm_set_xsave(int vcpu, const struct kvm_xsave *xsave)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_XSAVE, xsave);
}

int vhv_kvm_get_xcrs(int vcpu, struct kvm_xcrs *xcrs)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_XCRS, xcrs);
}

int vhv_kvm_set_xcrs(int vcpu, const struct kvm_xcrs *xcrs)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_XCRS, xcrs);
}

int vhv_kvm_get_debugregs(int vcpu, struct kvm_debugregs *debugregs)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_DEBUGREGS, debugregs);
}

int vhv_kvm_set_debugregs(int vcpu, const struct kvm_debugregs *debugregs)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_DEBUGREGS, debugregs);
}

int vhv_kvm_get_vcpu_events(int vcpu, struct kvm_vcpu_events *events)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_VCPU_EVENTS, events);
}

int vhv_kvm_set_vcpu_events(int vcpu, const struct kvm_vcpu_events *events)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_VCPU_EVENTS, events);
}

int vhv_kvm_get_mp_state(int vcpu, struct kvm_mp_state *state)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_MP_STATE, state);
}

int vhv_kvm_set_mp_state(int vcpu, const struct kvm_mp_state *state)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_MP_STATE, state);
}

int vhv_kvm_get_lapic(int vcpu, struct kvm_lapic_state *lapic)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_LAPIC, lapic);
}

int vhv_kvm_set_lapic(int vcpu, const struct kvm_lapic_state *lapic)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_LAPIC, lapic);
}

int vhv_kvm_get_nested_state(int vcpu, struct kvm_nested_state *state)
{
    return VHV_KVM_CALL(vcpu, KVM_GET_NESTED_STATE, state);
}

int vhv_kvm_set_nested_state(int vcpu, const struct kvm_nested_state *state)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_NESTED_STATE, state);
}

int vhv_kvm_interrupt(int vcpu, uint32_t vector)
{
    struct kvm_interrupt interrupt = {.irq = vector};

    return VHV_KVM_CALL(vcpu, KVM_INTERRUPT, &interrupt);
}

int vhv_kvm_nmi(int vcpu)
{
    return VHV_KVM_CALL_VALUE(vcpu, KVM_NMI, 0);
}

int vhv_kvm_set_signal_mask(int vcpu, const struct kvm_signal_mask *mask)
{
    return VHV_KVM_CALL(vcpu, KVM_SET_SIGNAL_MASK, mask);
}
