/* SPDX-License-Identifier: MIT */
/* Fields and bits of the virtual-machine control structure of VMX, as far as the guest hypervisor
 * uses them; also for assembly. [SDM "Field Encoding in VMCS"] */
#ifndef GUEST_VMCS_H
#define GUEST_VMCS_H

#include "x86.h"

/* 16-bit fields. Those of segments are in the order ES, CS, SS, DS, FS, GS, LDTR, TR, two apart. */
#define VMCS_GUEST_ES_SELECTOR 0x0800
#define VMCS_HOST_ES_SELECTOR  0x0c00
#define VMCS_HOST_CS_SELECTOR  0x0c02
#define VMCS_HOST_GS_SELECTOR  0x0c0a
#define VMCS_HOST_TR_SELECTOR  0x0c0c

/* 64-bit fields. */
#define VMCS_IO_BITMAP_A            0x2000
#define VMCS_IO_BITMAP_B            0x2002
#define VMCS_EPT_POINTER            0x201a
#define VMCS_GUEST_PHYSICAL_ADDRESS 0x2400
#define VMCS_LINK_POINTER           0x2800
#define VMCS_GUEST_EFER             0x2806
#define VMCS_HOST_EFER              0x2c02

/* 32-bit fields. */
#define VMCS_PIN_CONTROLS            0x4000
#define VMCS_PRIMARY_CONTROLS        0x4002
#define VMCS_EXCEPTION_BITMAP        0x4004
#define VMCS_CR3_TARGET_COUNT        0x400a
#define VMCS_EXIT_CONTROLS           0x400c
#define VMCS_EXIT_MSR_STORE_COUNT    0x400e
#define VMCS_EXIT_MSR_LOAD_COUNT     0x4010
#define VMCS_ENTRY_CONTROLS          0x4012
#define VMCS_ENTRY_MSR_LOAD_COUNT    0x4014
#define VMCS_ENTRY_EVENT             0x4016
#define VMCS_SECONDARY_CONTROLS      0x401e
#define VMCS_INSTRUCTION_ERROR       0x4400
#define VMCS_EXIT_REASON             0x4402
#define VMCS_EXIT_INSTRUCTION_LENGTH 0x440c
#define VMCS_GUEST_ES_LIMIT          0x4800
#define VMCS_GUEST_GDTR_LIMIT        0x4810
#define VMCS_GUEST_IDTR_LIMIT        0x4812
#define VMCS_GUEST_ES_ACCESS_RIGHTS  0x4814
#define VMCS_GUEST_INTERRUPTIBILITY  0x4824
#define VMCS_GUEST_ACTIVITY          0x4826
#define VMCS_GUEST_SYSENTER_CS       0x482a
#define VMCS_HOST_SYSENTER_CS        0x4c00

/* Natural-width fields. */
#define VMCS_CR0_GUEST_HOST_MASK 0x6000
#define VMCS_CR4_GUEST_HOST_MASK 0x6002
#define VMCS_EXIT_QUALIFICATION  0x6400
#define VMCS_GUEST_CR0           0x6800
#define VMCS_GUEST_CR3           0x6802
#define VMCS_GUEST_CR4           0x6804
#define VMCS_GUEST_ES_BASE       0x6806
#define VMCS_GUEST_GDTR_BASE     0x6816
#define VMCS_GUEST_IDTR_BASE     0x6818
#define VMCS_GUEST_DR7           0x681a
#define VMCS_GUEST_RSP           0x681c
#define VMCS_GUEST_RIP           0x681e
#define VMCS_GUEST_RFLAGS        0x6820
#define VMCS_GUEST_PENDING_DEBUG 0x6822
#define VMCS_GUEST_SYSENTER_ESP  0x6824
#define VMCS_GUEST_SYSENTER_EIP  0x6826
#define VMCS_HOST_CR0            0x6c00
#define VMCS_HOST_CR3            0x6c02
#define VMCS_HOST_CR4            0x6c04
#define VMCS_HOST_FS_BASE        0x6c06
#define VMCS_HOST_GS_BASE        0x6c08
#define VMCS_HOST_TR_BASE        0x6c0a
#define VMCS_HOST_GDTR_BASE      0x6c0c
#define VMCS_HOST_IDTR_BASE      0x6c0e
#define VMCS_HOST_SYSENTER_ESP   0x6c10
#define VMCS_HOST_SYSENTER_EIP   0x6c12
#define VMCS_HOST_RSP            0x6c14
#define VMCS_HOST_RIP            0x6c16

/* [SDM "VM-Execution Control Fields"] */
#define PRIMARY_HLT_EXITING    BIT(7)
#define PRIMARY_USE_IO_BITMAPS BIT(25)
#define PRIMARY_SECONDARY      BIT(31)
#define SECONDARY_ENABLE_EPT   BIT(1)

/* [SDM "VM-Exit Control Fields"], [SDM "VM-Entry Control Fields"] */
#define EXIT_HOST_64      BIT(9)
#define EXIT_LOAD_EFER    BIT(21)
#define ENTRY_IA32E_GUEST BIT(9)
#define ENTRY_LOAD_EFER   BIT(15)

/* [SDM "Guest Register State"], segment access rights */
#define ACCESS_CODE64   0xa09b
#define ACCESS_DATA     0xc093
#define ACCESS_TSS_BUSY 0x008b
#define ACCESS_UNUSABLE BIT(16)

/* [SDM "VMX Basic Exit Reasons"] */
#define EXIT_REASON_CPUID         10
#define EXIT_REASON_HLT           12
#define EXIT_REASON_VMCALL        18
#define EXIT_REASON_IO            30
#define EXIT_REASON_EPT_VIOLATION 48

/* [SDM "Exit Qualification for I/O Instructions"] */
#define QUALIFICATION_PORT_SHIFT 16

/* [SDM "Extended-Page-Table Pointer (EPTP)"], [SDM "EPT Translation Mechanism"] */
#define EPT_POINTER_4_LEVELS   (3 << 3)
#define EPT_POINTER_WRITE_BACK 6
#define EPT_ALL_ACCESS         7 /* read, write, execute */
#define EPT_PAGE_WRITE_BACK    (6 << 3)
#define EPT_PAGE_LARGE         BIT(7)

/* [SDM "VMX Capability Reporting Facility"] and "IA32_FEATURE_CONTROL" */
#define MSR_FEATURE_CONTROL     0x3a
#define FEATURE_CONTROL_LOCK    BIT(0)
#define FEATURE_CONTROL_VMXON   BIT(2) /* outside SMX */
#define MSR_VMX_BASIC           0x480
#define VMX_BASIC_REVISION      0x7fffffff
#define VMX_BASIC_TRUE_CONTROLS BIT(55)
#define MSR_VMX_PINBASED        0x481
#define MSR_VMX_PROCBASED       0x482
#define MSR_VMX_EXIT            0x483
#define MSR_VMX_ENTRY           0x484
#define MSR_VMX_CR0_FIXED0      0x486
#define MSR_VMX_CR0_FIXED1      0x487
#define MSR_VMX_CR4_FIXED0      0x488
#define MSR_VMX_CR4_FIXED1      0x489
#define MSR_VMX_PROCBASED2      0x48b
#define MSR_VMX_TRUE_PINBASED   0x48d
#define MSR_VMX_TRUE_PROCBASED  0x48e
#define MSR_VMX_TRUE_EXIT       0x48f
#define MSR_VMX_TRUE_ENTRY      0x490

#endif
