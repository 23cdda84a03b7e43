/* SPDX-License-Identifier: MIT */
/*
 * The MSRs that go with virtualized HV. SVM needs none: KVM refuses EFER.SVME to a guest that is
 * not offered SVM. VMX needs IA32_FEATURE_CONTROL as a firmware leaves it, and capability MSRs that
 * do not promise controls for features that CPUID hides. KVM takes both only after CPUID has VMX.
 */
#include "vm/vm.h"

#include "base/error.h"

/* [SDM "Enabling and Entering VMX Operation"], [SDM "VMX Capability Reporting Facility"] */
enum {
    IA32_FEATURE_CONTROL = 0x3A,
    FEATURE_CONTROL_LOCK = 1 << 0,
    FEATURE_CONTROL_VMXON_OUTSIDE_SMX = 1 << 2,

    IA32_VMX_PROCBASED_CTLS2 = 0x48B,
    IA32_VMX_EPT_VPID_CAP = 0x48C,
    IA32_VMX_TRUE_EXIT_CTLS = 0x48F,
    IA32_VMX_TRUE_ENTRY_CTLS = 0x490,
};

/* A VMX control that is of use only with a feature of CPUID. */
struct control {
    uint32_t leaf;
    uint32_t subleaf;
    enum vhv_cpuid_reg reg;
    uint8_t feature_bit;
    uint8_t control_bit;
    uint32_t msr;
};

/* [SDM "Definitions of Secondary Processor-Based VM-Execution Controls"], [SDM "VM-Exit Controls"],
   [SDM "VM-Entry Controls"] */
static const struct control controls[] = {
    {0x80000001, 0, VHV_EDX, 27, 3, IA32_VMX_PROCBASED_CTLS2}, /* RDTSCP */
    {0x1, 0, VHV_ECX, 21, 4, IA32_VMX_PROCBASED_CTLS2},        /* x2APIC: virtualize x2APIC mode */
    {0x1, 0, VHV_ECX, 30, 11, IA32_VMX_PROCBASED_CTLS2},       /* RDRAND exiting */
    {0x7, 0, VHV_EBX, 10, 12, IA32_VMX_PROCBASED_CTLS2},       /* INVPCID */
    {0x7, 0, VHV_EBX, 18, 16, IA32_VMX_PROCBASED_CTLS2},       /* RDSEED exiting */
    {0xD, 1, VHV_EAX, 3, 20, IA32_VMX_PROCBASED_CTLS2},        /* XSAVES */
    {0x7, 0, VHV_ECX, 5, 26, IA32_VMX_PROCBASED_CTLS2},        /* WAITPKG: user wait and pause */
    {0x7, 0, VHV_EBX, 14, 23, IA32_VMX_TRUE_EXIT_CTLS},        /* MPX: clear BNDCFGS */
    {0x7, 0, VHV_EBX, 14, 16, IA32_VMX_TRUE_ENTRY_CTLS},       /* MPX: load BNDCFGS */
};

enum { CONTROL_COUNT = sizeof(controls) / sizeof(controls[0]) };

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

/* The allowed-1 settings are the high half of a capability MSR. */
static uint64_t allowed_1(const struct control *control)
{
    return UINT64_C(1) << (32 + control->control_bit);
}

/* Secondary controls that are of no use without EPT: EPT itself, unrestricted guest, VM functions
   (EPTP switching), PML, #VE, mode-based execute control. */
static const uint8_t ept_controls[] = {1, 7, 13, 17, 18, 22};

/* The EPT half of IA32_VMX_EPT_VPID_CAP; the other one is VPID's. */
#define EPT_CAPABILITIES UINT64_C(0xFFFFFFFF)

static int hide_ept(const struct vhv_vcpu *vcpu)
{
    uint64_t controls2, capabilities;
    int result = get(vcpu, IA32_VMX_PROCBASED_CTLS2, &controls2);

    if (result >= 0)
        result = get(vcpu, IA32_VMX_EPT_VPID_CAP, &capabilities);
    if (result < 0)
        return result;
    for (size_t i = 0; i < sizeof(ept_controls); i++)
        controls2 &= ~(UINT64_C(1) << (32 + ept_controls[i]));
    result = set(vcpu, IA32_VMX_PROCBASED_CTLS2, controls2);
    if (result >= 0)
        result = set(vcpu, IA32_VMX_EPT_VPID_CAP, capabilities & ~EPT_CAPABILITIES);
    return result;
}

static int hide_controls(const struct vhv_vcpu *vcpu, uint32_t msr)
{
    const struct vhv_cpuid *table = vhv_guest_cpuid_table(vcpu->cpuid);
    uint64_t offered, wanted;
    int result = get(vcpu, msr, &offered);

    if (result < 0)
        return result;
    wanted = offered;
    for (size_t i = 0; i < CONTROL_COUNT; i++) {
        const struct control *control = &controls[i];

        if (control->msr == msr &&
            !(vhv_cpuid_get(table, control->leaf, control->subleaf, control->reg) >>
                  control->feature_bit &
              1))
            wanted &= ~allowed_1(control);
    }
    return wanted == offered ? 0 : set(vcpu, msr, wanted);
}

static int set_up_vmx(const struct vhv_vcpu *vcpu)
{
    int result = hide_controls(vcpu, IA32_VMX_PROCBASED_CTLS2);

    if (result >= 0)
        result = hide_controls(vcpu, IA32_VMX_TRUE_EXIT_CTLS);
    if (result >= 0)
        result = hide_controls(vcpu, IA32_VMX_TRUE_ENTRY_CTLS);
    if (result >= 0 && vhv_guest_cpuid_hides_nested_paging(vcpu->cpuid))
        result = hide_ept(vcpu);
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
