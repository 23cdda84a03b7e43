/* SPDX-License-Identifier: MIT */
/* The registers of a vCPU that stands still. */
#include "vm/vm.h"

#include "base/error.h"

/* Each call asks whether the vCPU stands still, then makes its ioctl. */
#define WHEN_IDLE(vcpu, call)                  \
    __extension__({                            \
        int idle_ = vhv_vcpu_check_idle(vcpu); \
        idle_ < 0 ? idle_ : (call);            \
    })

int vhv_vcpu_get_regs(struct vhv_vcpu *vcpu, struct kvm_regs *regs)
{
    return WHEN_IDLE(vcpu, vhv_kvm_get_regs(vcpu->fd, regs));
}

int vhv_vcpu_set_regs(struct vhv_vcpu *vcpu, const struct kvm_regs *regs)
{
    return WHEN_IDLE(vcpu, vhv_kvm_set_regs(vcpu->fd, regs));
}

int vhv_vcpu_get_sregs(struct vhv_vcpu *vcpu, struct kvm_sregs *sregs)
{
    return WHEN_IDLE(vcpu, vhv_kvm_get_sregs(vcpu->fd, sregs));
}

int vhv_vcpu_set_sregs(struct vhv_vcpu *vcpu, const struct kvm_sregs *sregs)
{
    return WHEN_IDLE(vcpu, vhv_kvm_set_sregs(vcpu->fd, sregs));
}

int vhv_vcpu_get_fpu(struct vhv_vcpu *vcpu, struct kvm_fpu *fpu)
{
    return WHEN_IDLE(vcpu, vhv_kvm_get_fpu(vcpu->fd, fpu));
}

int vhv_vcpu_set_fpu(struct vhv_vcpu *vcpu, const struct kvm_fpu *fpu)
{
    return WHEN_IDLE(vcpu, vhv_kvm_set_fpu(vcpu->fd, fpu));
}

int vhv_vcpu_get_xsave(struct vhv_vcpu *vcpu, struct kvm_xsave *xsave)
{
    return WHEN_IDLE(vcpu, vhv_kvm_get_xsave(vcpu->fd, xsave));
}

int vhv_vcpu_set_xsave(struct vhv_vcpu *vcpu, const struct kvm_xsave *xsave)
{
    return WHEN_IDLE(vcpu, vhv_kvm_set_xsave(vcpu->fd, xsave));
}

int vhv_vcpu_get_xcrs(struct vhv_vcpu *vcpu, struct kvm_xcrs *xcrs)
{
    return WHEN_IDLE(vcpu, vhv_kvm_get_xcrs(vcpu->fd, xcrs));
}

int vhv_vcpu_set_xcrs(struct vhv_vcpu *vcpu, const struct kvm_xcrs *xcrs)
{
    return WHEN_IDLE(vcpu, vhv_kvm_set_xcrs(vcpu->fd, xcrs));
}

int vhv_vcpu_get_debugregs(struct vhv_vcpu *vcpu, struct kvm_debugregs *debugregs)
{
    return WHEN_IDLE(vcpu, vhv_kvm_get_debugregs(vcpu->fd, debugregs));
}

int vhv_vcpu_set_debugregs(struct vhv_vcpu *vcpu, const struct kvm_debugregs *debugregs)
{
    return WHEN_IDLE(vcpu, vhv_kvm_set_debugregs(vcpu->fd, debugregs));
}

int vhv_vcpu_get_events(struct vhv_vcpu *vcpu, struct kvm_vcpu_events *events)
{
    return WHEN_IDLE(vcpu, vhv_kvm_get_vcpu_events(vcpu->fd, events));
}

int vhv_vcpu_set_events(struct vhv_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
    return WHEN_IDLE(vcpu, vhv_kvm_set_vcpu_events(vcpu->fd, events));
}

int vhv_vcpu_get_mp_state(struct vhv_vcpu *vcpu, struct kvm_mp_state *mp_state)
{
    return WHEN_IDLE(vcpu, vhv_kvm_get_mp_state(vcpu->fd, mp_state));
}

int vhv_vcpu_set_mp_state(struct vhv_vcpu *vcpu, const struct kvm_mp_state *mp_state)
{
    return WHEN_IDLE(vcpu, vhv_kvm_set_mp_state(vcpu->fd, mp_state));
}

int vhv_vcpu_get_nested_state(struct vhv_vcpu *vcpu, struct kvm_nested_state *nested_state)
{
    return WHEN_IDLE(vcpu, vhv_kvm_get_nested_state(vcpu->fd, nested_state));
}

int vhv_vcpu_set_nested_state(struct vhv_vcpu *vcpu, const struct kvm_nested_state *nested_state)
{
    return WHEN_IDLE(vcpu, vhv_kvm_set_nested_state(vcpu->fd, nested_state));
}

static int check_lapic(const struct vhv_vcpu *vcpu)
{
    if (vcpu->vm->irqchip == VHV_IRQCHIP_NONE)
        return vhv_fail(ENXIO, VHV_CAUSE_WRONG_STAGE, "vCPU %u has no local APIC in the kernel",
                        vcpu->id);
    return vhv_vcpu_check_idle(vcpu);
}

int vhv_vcpu_get_lapic(struct vhv_vcpu *vcpu, struct kvm_lapic_state *lapic)
{
    int result = check_lapic(vcpu);

    return result < 0 ? result : vhv_kvm_get_lapic(vcpu->fd, lapic);
}

int vhv_vcpu_set_lapic(struct vhv_vcpu *vcpu, const struct kvm_lapic_state *lapic)
{
    int result = check_lapic(vcpu);

    return result < 0 ? result : vhv_kvm_set_lapic(vcpu->fd, lapic);
}
