/* SPDX-License-Identifier: MIT */
/* What of the VMX capability MSRs goes with a guest's CPUID. */
#include "cpuid/vmx.h"

/* A control that is of use only with a feature of CPUID. */
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
    {0x80000001, 0, VHV_EDX, 27, 3, VHV_VMX_PROCBASED_CTLS2}, /* RDTSCP */
    {0x1, 0, VHV_ECX, 21, 4, VHV_VMX_PROCBASED_CTLS2},        /* x2APIC: virtualize x2APIC mode */
    {0x1, 0, VHV_ECX, 30, 11, VHV_VMX_PROCBASED_CTLS2},       /* RDRAND exiting */
    {0x7, 0, VHV_EBX, 10, 12, VHV_VMX_PROCBASED_CTLS2},       /* INVPCID */
    {0x7, 0, VHV_EBX, 18, 16, VHV_VMX_PROCBASED_CTLS2},       /* RDSEED exiting */
    {0xd, 1, VHV_EAX, 3, 20, VHV_VMX_PROCBASED_CTLS2},        /* XSAVES */
    {0x7, 0, VHV_ECX, 5, 26, VHV_VMX_PROCBASED_CTLS2},        /* WAITPKG: user wait and pause */
    {0x7, 0, VHV_EBX, 14, 23, VHV_VMX_TRUE_EXIT_CTLS},        /* MPX: clear BNDCFGS */
    {0x7, 0, VHV_EBX, 14, 16, VHV_VMX_TRUE_ENTRY_CTLS},       /* MPX: load BNDCFGS */
};

/* Secondary controls that are of no use without EPT: EPT itself, unrestricted guest, VM functions
   (EPTP switching), PML, #VE, mode-based execute control. */
static const uint8_t ept_controls[] = {1, 7, 13, 17, 18, 22};

/* The EPT half of IA32_VMX_EPT_VPID_CAP; the other one is VPID's. */
#define EPT_CAPABILITIES UINT64_C(0xffffffff)

/* The high half has the controls that may be 1. */
static uint64_t may_be_1(uint8_t control)
{
    return UINT64_C(1) << (32 + control);
}

static uint64_t without_ept(uint32_t msr, uint64_t value)
{
    if (msr == VHV_VMX_EPT_VPID_CAP)
        return value & ~EPT_CAPABILITIES;
    if (msr == VHV_VMX_VMFUNC)
        return 0;
    for (size_t i = 0; msr == VHV_VMX_PROCBASED_CTLS2 && i < sizeof(ept_controls); i++)
        value &= ~may_be_1(ept_controls[i]);
    return value;
}

uint64_t vhv_vmx_for_guest(uint32_t msr, uint64_t offered, const struct vhv_cpuid *guest,
                           bool hides_ept)
{
    uint64_t value = hides_ept ? without_ept(msr, offered) : offered;

    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
        const struct control *control = &controls[i];
        uint32_t features = vhv_cpuid_get(guest, control->leaf, control->subleaf, control->reg);

        if (control->msr == msr && !(features >> control->feature_bit & 1))
            value &= ~may_be_1(control->control_bit);
    }
    return value;
}
