/* SPDX-License-Identifier: MIT */
/*
 * The MSRs that go with virtualized HV. SVM needs none: KVM refuses EFER.SVME to a guest that is
 * not offered SVM. VMX needs IA32_FEATURE_CONTROL as a firmware leaves it, and capability MSRs that
 * do not promise controls for features that CPUID hides. KVM takes both only after CPUID has VMX.
 */
#include "vm/vm.h"

#include "base/error.h"
#include "cpuid/vmx.h"

/* [SDM "Enabling and Entering VMX Operation"], [SDM "VMX Capability Reporting Facility"] */
enum {
    IA32_FEATURE_CONTROL = 0x3A,
    FEATURE_CONTROL_LOCK = 1 << 0,
    FEATURE_CONTROL_VMXON_OUTSIDE_SMX = 1 << 2,
};

static int get(const struct vhv_vcpu *vcpu, uint32_t index, uint64_t *value)
{
    struct vhv_msr msr = {.index = index};
    int result = vhv_msrs_get(vcpu->fd, &msr, 1);

    if (result == 1)
        *value = msr.value;
    return result == 1 ? 0 : result < 0 ? result : -EINVAL;
}

static int set(const struct vhv_vcpu *vcpu, uint32_t index, uint64_t value)
{
    const struct vhv_msr msr = {.index = index, .value = value};
    int result = vhv_msrs_set(vcpu->fd, &msr, 1);

    return result == 1 ? 0 : result < 0 ? result : -EINVAL;
}

static int limit_capabilities(const struct vhv_vcpu *vcpu, uint32_t msr)
{
    uint64_t offered, wanted;
    int result = get(vcpu, msr, &offered);

    if (result < 0)
        return result;
    wanted = vhv_vmx_for_guest(msr, offered, vhv_guest_cpuid_table(vcpu->cpuid),
                               vhv_guest_cpuid_hides_nested_paging(vcpu->cpuid));
    return wanted == offered ? 0 : set(vcpu, msr, wanted);
}

static int set_up_vmx(const struct vhv_vcpu *vcpu)
{
    static const uint32_t limited[] = {VHV_VMX_PROCBASED_CTLS2, VHV_VMX_EPT_VPID_CAP,
                                       VHV_VMX_TRUE_EXIT_CTLS, VHV_VMX_TRUE_ENTRY_CTLS};
    int result = 0;

    for (size_t i = 0; i < sizeof(limited) / sizeof(limited[0]) && result >= 0; i++)
        result = limit_capabilities(vcpu, limited[i]);
    if (result >= 0)
        result = set(vcpu, IA32_FEATURE_CONTROL,
                     FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON_OUTSIDE_SMX);
    if (result < 0)
        return vhv_fail_within(result, "vCPU %u: virtualized HV", vcpu->id);
    return 0;
}

int vhv_vcpu_set_up_vhv(struct vhv_vcpu *vcpu)
{
    const struct vhv_host *host = vcpu->vm->host;

    if (!vhv_guest_cpuid_has_vhv(vcpu->cpuid) ||
        vhv_cpuid_vendor(vhv_host_supported(host)) != VHV_VENDOR_INTEL)
        return 0;
    /* A mask can show VMX that KVM does not have, which is a finding: it has no MSRs for it. */
    if (vhv_host_facts(host)->kvm_offers != VHV_YES)
        return 0;
    return set_up_vmx(vcpu);
}
