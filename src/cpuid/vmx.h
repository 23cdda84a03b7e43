/* SPDX-License-Identifier: MIT */
/* The VMX capability MSRs: [SDM "VMX Capability Reporting Facility"]. */
#ifndef VHV_CPUID_VMX_H
#define VHV_CPUID_VMX_H

#include <libvhv/capture.h>

enum {
    VHV_VMX_BASIC = 0x480,
    VHV_VMX_PINBASED_CTLS = 0x481,
    VHV_VMX_PROCBASED_CTLS = 0x482,
    VHV_VMX_EXIT_CTLS = 0x483,
    VHV_VMX_ENTRY_CTLS = 0x484,
    VHV_VMX_MISC = 0x485,
    VHV_VMX_CR0_FIXED0 = 0x486,
    VHV_VMX_CR0_FIXED1 = 0x487,
    VHV_VMX_CR4_FIXED0 = 0x488,
    VHV_VMX_CR4_FIXED1 = 0x489,
    VHV_VMX_VMCS_ENUM = 0x48a,
    VHV_VMX_PROCBASED_CTLS2 = 0x48b,
    VHV_VMX_EPT_VPID_CAP = 0x48c,
    VHV_VMX_TRUE_PINBASED_CTLS = 0x48d,
    VHV_VMX_TRUE_PROCBASED_CTLS = 0x48e,
    VHV_VMX_TRUE_EXIT_CTLS = 0x48f,
    VHV_VMX_TRUE_ENTRY_CTLS = 0x490,
    VHV_VMX_VMFUNC = 0x491,
};

/* Writes the MSR's name, such as "IA32_VMX_BASIC"; of one that is none of VMX, its index. */
void vhv_vmx_msr_format(uint32_t msr, char *text, size_t bytes);

/* What a bit of an MSR is about, such as "enable EPT"; NULL if it has no name here. */
const char *vhv_vmx_bit_name(uint32_t msr, unsigned bit);

/* Whether an MSR is a pair of halves: the controls that must be 1, and those that may be 1. */
bool vhv_vmx_is_controls(uint32_t msr);

/* Whether KVM makes the MSR's value from others: the controls without TRUE in their name. */
bool vhv_vmx_is_made_from_true(uint32_t msr);

/* An MSR by its index; NULL if it is not there. */
const struct vhv_msr *vhv_vmx_find(const struct vhv_msr *msrs, size_t count, uint32_t msr);
/* Its value; 0 if it is not there, which is to lack what it is about. */
uint64_t vhv_vmx_get(const struct vhv_msr *msrs, size_t count, uint32_t msr);

/* Whether every MSR is there that each processor with VMX has. */
bool vhv_vmx_is_complete(const struct vhv_msr *msrs, size_t count);

/* Whether a guest hypervisor finds EPT that it can use. */
bool vhv_vmx_has_ept(const struct vhv_msr *msrs, size_t count);

/* vmx_guest.c */

/*
 * What a guest is told of the MSR, of which the host offers @offered: no control that is of use
 * only with a feature that @guest lacks, and nothing of EPT if that is to be hidden.
 */
uint64_t vhv_vmx_for_guest(uint32_t msr, uint64_t offered, const struct vhv_cpuid *guest,
                           bool hides_ept);

#endif
