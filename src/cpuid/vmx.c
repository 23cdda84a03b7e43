/* SPDX-License-Identifier: MIT */
#include "cpuid/vmx.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const msr_names[] = {
    "IA32_VMX_BASIC",          "IA32_VMX_PINBASED_CTLS",      "IA32_VMX_PROCBASED_CTLS",
    "IA32_VMX_EXIT_CTLS",      "IA32_VMX_ENTRY_CTLS",         "IA32_VMX_MISC",
    "IA32_VMX_CR0_FIXED0",     "IA32_VMX_CR0_FIXED1",         "IA32_VMX_CR4_FIXED0",
    "IA32_VMX_CR4_FIXED1",     "IA32_VMX_VMCS_ENUM",          "IA32_VMX_PROCBASED_CTLS2",
    "IA32_VMX_EPT_VPID_CAP",   "IA32_VMX_TRUE_PINBASED_CTLS", "IA32_VMX_TRUE_PROCBASED_CTLS",
    "IA32_VMX_TRUE_EXIT_CTLS", "IA32_VMX_TRUE_ENTRY_CTLS",    "IA32_VMX_VMFUNC",
};

struct bit {
    uint32_t msr;
    uint8_t bit;
    const char *name;
};

/* Of controls, the bit of either half. [SDM "VM-Execution Control Fields"], [SDM "VM-Exit Control
 * Fields"], [SDM "VM-Entry Control Fields"], [SDM "VMX Capability Reporting Facility"] */
static const struct bit bits[] = {
    {VHV_VMX_BASIC, 48, "32-bit physical addresses"},
    {VHV_VMX_BASIC, 49, "dual-monitor treatment"},
    {VHV_VMX_BASIC, 54, "information on INS and OUTS"},
    {VHV_VMX_BASIC, 55, "TRUE controls"},
    {VHV_VMX_BASIC, 56, "hardware exceptions with or without error code"},
    {VHV_VMX_BASIC, 58, "nested exceptions"},

    {VHV_VMX_PINBASED_CTLS, 0, "external-interrupt exiting"},
    {VHV_VMX_PINBASED_CTLS, 3, "NMI exiting"},
    {VHV_VMX_PINBASED_CTLS, 5, "virtual NMIs"},
    {VHV_VMX_PINBASED_CTLS, 6, "VMX-preemption timer"},
    {VHV_VMX_PINBASED_CTLS, 7, "posted interrupts"},

    {VHV_VMX_PROCBASED_CTLS, 2, "interrupt-window exiting"},
    {VHV_VMX_PROCBASED_CTLS, 3, "TSC offsetting"},
    {VHV_VMX_PROCBASED_CTLS, 7, "HLT exiting"},
    {VHV_VMX_PROCBASED_CTLS, 9, "INVLPG exiting"},
    {VHV_VMX_PROCBASED_CTLS, 10, "MWAIT exiting"},
    {VHV_VMX_PROCBASED_CTLS, 11, "RDPMC exiting"},
    {VHV_VMX_PROCBASED_CTLS, 12, "RDTSC exiting"},
    {VHV_VMX_PROCBASED_CTLS, 15, "CR3-load exiting"},
    {VHV_VMX_PROCBASED_CTLS, 16, "CR3-store exiting"},
    {VHV_VMX_PROCBASED_CTLS, 17, "activate tertiary controls"},
    {VHV_VMX_PROCBASED_CTLS, 19, "CR8-load exiting"},
    {VHV_VMX_PROCBASED_CTLS, 20, "CR8-store exiting"},
    {VHV_VMX_PROCBASED_CTLS, 21, "TPR shadow"},
    {VHV_VMX_PROCBASED_CTLS, 22, "NMI-window exiting"},
    {VHV_VMX_PROCBASED_CTLS, 23, "MOV-DR exiting"},
    {VHV_VMX_PROCBASED_CTLS, 24, "unconditional I/O exiting"},
    {VHV_VMX_PROCBASED_CTLS, 25, "I/O bitmaps"},
    {VHV_VMX_PROCBASED_CTLS, 27, "monitor trap flag"},
    {VHV_VMX_PROCBASED_CTLS, 28, "MSR bitmaps"},
    {VHV_VMX_PROCBASED_CTLS, 29, "MONITOR exiting"},
    {VHV_VMX_PROCBASED_CTLS, 30, "PAUSE exiting"},
    {VHV_VMX_PROCBASED_CTLS, 31, "activate secondary controls"},

    {VHV_VMX_EXIT_CTLS, 2, "save debug controls"},
    {VHV_VMX_EXIT_CTLS, 9, "host address-space size"},
    {VHV_VMX_EXIT_CTLS, 12, "load IA32_PERF_GLOBAL_CTRL"},
    {VHV_VMX_EXIT_CTLS, 15, "acknowledge interrupt on exit"},
    {VHV_VMX_EXIT_CTLS, 18, "save IA32_PAT"},
    {VHV_VMX_EXIT_CTLS, 19, "load IA32_PAT"},
    {VHV_VMX_EXIT_CTLS, 20, "save IA32_EFER"},
    {VHV_VMX_EXIT_CTLS, 21, "load IA32_EFER"},
    {VHV_VMX_EXIT_CTLS, 22, "save VMX-preemption timer value"},
    {VHV_VMX_EXIT_CTLS, 23, "clear IA32_BNDCFGS"},
    {VHV_VMX_EXIT_CTLS, 24, "conceal VMX from PT"},
    {VHV_VMX_EXIT_CTLS, 25, "clear IA32_RTIT_CTL"},
    {VHV_VMX_EXIT_CTLS, 26, "clear IA32_LBR_CTL"},
    {VHV_VMX_EXIT_CTLS, 27, "clear UINV"},
    {VHV_VMX_EXIT_CTLS, 28, "load CET state"},
    {VHV_VMX_EXIT_CTLS, 29, "load PKRS"},
    {VHV_VMX_EXIT_CTLS, 30, "save IA32_PERF_GLOBAL_CTRL"},
    {VHV_VMX_EXIT_CTLS, 31, "activate secondary controls"},

    {VHV_VMX_ENTRY_CTLS, 2, "load debug controls"},
    {VHV_VMX_ENTRY_CTLS, 9, "IA-32e mode guest"},
    {VHV_VMX_ENTRY_CTLS, 10, "entry to SMM"},
    {VHV_VMX_ENTRY_CTLS, 11, "deactivate dual-monitor treatment"},
    {VHV_VMX_ENTRY_CTLS, 13, "load IA32_PERF_GLOBAL_CTRL"},
    {VHV_VMX_ENTRY_CTLS, 14, "load IA32_PAT"},
    {VHV_VMX_ENTRY_CTLS, 15, "load IA32_EFER"},
    {VHV_VMX_ENTRY_CTLS, 16, "load IA32_BNDCFGS"},
    {VHV_VMX_ENTRY_CTLS, 17, "conceal VMX from PT"},
    {VHV_VMX_ENTRY_CTLS, 18, "load IA32_RTIT_CTL"},
    {VHV_VMX_ENTRY_CTLS, 19, "load UINV"},
    {VHV_VMX_ENTRY_CTLS, 20, "load CET state"},
    {VHV_VMX_ENTRY_CTLS, 21, "load guest IA32_LBR_CTL"},
    {VHV_VMX_ENTRY_CTLS, 22, "load PKRS"},

    {VHV_VMX_MISC, 5, "store IA32_EFER.LMA on exit"},
    {VHV_VMX_MISC, 6, "activity state HLT"},
    {VHV_VMX_MISC, 7, "activity state shutdown"},
    {VHV_VMX_MISC, 8, "activity state wait-for-SIPI"},
    {VHV_VMX_MISC, 14, "Intel PT in VMX operation"},
    {VHV_VMX_MISC, 15, "IA32_SMBASE in SMM"},
    {VHV_VMX_MISC, 28, "bit 2 of IA32_SMM_MONITOR_CTL"},
    {VHV_VMX_MISC, 29, "VMWRITE to any field"},
    {VHV_VMX_MISC, 30, "injection with instruction length 0"},

    {VHV_VMX_PROCBASED_CTLS2, 0, "virtualize APIC accesses"},
    {VHV_VMX_PROCBASED_CTLS2, 1, "enable EPT"},
    {VHV_VMX_PROCBASED_CTLS2, 2, "descriptor-table exiting"},
    {VHV_VMX_PROCBASED_CTLS2, 3, "enable RDTSCP"},
    {VHV_VMX_PROCBASED_CTLS2, 4, "virtualize x2APIC mode"},
    {VHV_VMX_PROCBASED_CTLS2, 5, "enable VPID"},
    {VHV_VMX_PROCBASED_CTLS2, 6, "WBINVD exiting"},
    {VHV_VMX_PROCBASED_CTLS2, 7, "unrestricted guest"},
    {VHV_VMX_PROCBASED_CTLS2, 8, "APIC-register virtualization"},
    {VHV_VMX_PROCBASED_CTLS2, 9, "virtual-interrupt delivery"},
    {VHV_VMX_PROCBASED_CTLS2, 10, "PAUSE-loop exiting"},
    {VHV_VMX_PROCBASED_CTLS2, 11, "RDRAND exiting"},
    {VHV_VMX_PROCBASED_CTLS2, 12, "enable INVPCID"},
    {VHV_VMX_PROCBASED_CTLS2, 13, "enable VM functions"},
    {VHV_VMX_PROCBASED_CTLS2, 14, "VMCS shadowing"},
    {VHV_VMX_PROCBASED_CTLS2, 15, "enable ENCLS exiting"},
    {VHV_VMX_PROCBASED_CTLS2, 16, "RDSEED exiting"},
    {VHV_VMX_PROCBASED_CTLS2, 17, "enable PML"},
    {VHV_VMX_PROCBASED_CTLS2, 18, "EPT-violation #VE"},
    {VHV_VMX_PROCBASED_CTLS2, 19, "conceal VMX from PT"},
    {VHV_VMX_PROCBASED_CTLS2, 20, "enable XSAVES"},
    {VHV_VMX_PROCBASED_CTLS2, 21, "PASID translation"},
    {VHV_VMX_PROCBASED_CTLS2, 22, "mode-based execute control for EPT"},
    {VHV_VMX_PROCBASED_CTLS2, 23, "sub-page write permissions for EPT"},
    {VHV_VMX_PROCBASED_CTLS2, 24, "Intel PT uses guest physical addresses"},
    {VHV_VMX_PROCBASED_CTLS2, 25, "use TSC scaling"},
    {VHV_VMX_PROCBASED_CTLS2, 26, "enable user wait and pause"},
    {VHV_VMX_PROCBASED_CTLS2, 27, "enable PCONFIG"},
    {VHV_VMX_PROCBASED_CTLS2, 28, "enable ENCLV exiting"},
    {VHV_VMX_PROCBASED_CTLS2, 30, "VMM bus-lock detection"},
    {VHV_VMX_PROCBASED_CTLS2, 31, "instruction timeout"},

    {VHV_VMX_EPT_VPID_CAP, 0, "execute-only translations"},
    {VHV_VMX_EPT_VPID_CAP, 6, "page-walk length 4"},
    {VHV_VMX_EPT_VPID_CAP, 7, "page-walk length 5"},
    {VHV_VMX_EPT_VPID_CAP, 8, "uncacheable EPT structures"},
    {VHV_VMX_EPT_VPID_CAP, 14, "write-back EPT structures"},
    {VHV_VMX_EPT_VPID_CAP, 16, "EPT pages of 2 MiB"},
    {VHV_VMX_EPT_VPID_CAP, 17, "EPT pages of 1 GiB"},
    {VHV_VMX_EPT_VPID_CAP, 20, "INVEPT"},
    {VHV_VMX_EPT_VPID_CAP, 21, "accessed and dirty flags for EPT"},
    {VHV_VMX_EPT_VPID_CAP, 22, "advanced information on EPT violations"},
    {VHV_VMX_EPT_VPID_CAP, 23, "supervisor shadow-stack control"},
    {VHV_VMX_EPT_VPID_CAP, 25, "single-context INVEPT"},
    {VHV_VMX_EPT_VPID_CAP, 26, "all-context INVEPT"},
    {VHV_VMX_EPT_VPID_CAP, 32, "INVVPID"},
    {VHV_VMX_EPT_VPID_CAP, 40, "individual-address INVVPID"},
    {VHV_VMX_EPT_VPID_CAP, 41, "single-context INVVPID"},
    {VHV_VMX_EPT_VPID_CAP, 42, "all-context INVVPID"},
    {VHV_VMX_EPT_VPID_CAP, 43, "single-context INVVPID that retains globals"},

    {VHV_VMX_VMFUNC, 0, "EPTP switching"},
};

#define BIT(bit) (UINT64_C(1) << (bit))

/* The high half of a pair of controls has those that may be 1. */
enum { MAY_BE_1 = 32, ENABLE_EPT = 1 };

void vhv_vmx_msr_format(uint32_t msr, char *text, size_t bytes)
{
    if (msr >= VHV_VMX_MSR_FIRST && msr <= VHV_VMX_MSR_LAST)
        snprintf(text, bytes, "%s", msr_names[msr - VHV_VMX_MSR_FIRST]);
    else
        snprintf(text, bytes, "MSR 0x%" PRIx32, msr);
}

bool vhv_vmx_is_controls(uint32_t msr)
{
    return (msr >= VHV_VMX_PINBASED_CTLS && msr <= VHV_VMX_ENTRY_CTLS) ||
           msr == VHV_VMX_PROCBASED_CTLS2 ||
           (msr >= VHV_VMX_TRUE_PINBASED_CTLS && msr <= VHV_VMX_TRUE_ENTRY_CTLS);
}

bool vhv_vmx_is_made_from_true(uint32_t msr)
{
    return msr >= VHV_VMX_PINBASED_CTLS && msr <= VHV_VMX_ENTRY_CTLS;
}

const char *vhv_vmx_bit_name(uint32_t msr, unsigned bit)
{
    if (vhv_vmx_is_controls(msr))
        bit %= MAY_BE_1;
    if (msr >= VHV_VMX_TRUE_PINBASED_CTLS && msr <= VHV_VMX_TRUE_ENTRY_CTLS)
        msr -= VHV_VMX_TRUE_PINBASED_CTLS - VHV_VMX_PINBASED_CTLS;
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        if (bits[i].msr == msr && bits[i].bit == bit)
            return bits[i].name;
    }
    return NULL;
}

const struct vhv_msr *vhv_vmx_find(const struct vhv_msr *msrs, size_t count, uint32_t msr)
{
    for (size_t i = 0; i < count; i++) {
        if (msrs[i].index == msr)
            return &msrs[i];
    }
    return NULL;
}

uint64_t vhv_vmx_get(const struct vhv_msr *msrs, size_t count, uint32_t msr)
{
    const struct vhv_msr *found = vhv_vmx_find(msrs, count, msr);

    return found ? found->value : 0;
}

bool vhv_vmx_is_complete(const struct vhv_msr *msrs, size_t count)
{
    for (uint32_t msr = VHV_VMX_BASIC; msr <= VHV_VMX_VMCS_ENUM; msr++) {
        if (!vhv_vmx_find(msrs, count, msr))
            return false;
    }
    return true;
}

bool vhv_vmx_has_ept(const struct vhv_msr *msrs, size_t count)
{
    const uint64_t walks = BIT(6) | BIT(7), memory_types = BIT(8) | BIT(14);
    uint64_t controls = vhv_vmx_get(msrs, count, VHV_VMX_PROCBASED_CTLS2);
    uint64_t capabilities = vhv_vmx_get(msrs, count, VHV_VMX_EPT_VPID_CAP);

    return controls & BIT(MAY_BE_1 + ENABLE_EPT) && capabilities & walks &&
           capabilities & memory_types;
}
