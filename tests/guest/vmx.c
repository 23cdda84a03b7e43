/* SPDX-License-Identifier: MIT */
/* The guest hypervisor on VMX. [SDM "Introduction to Virtual Machine Extensions"] */
#include "hypervisor.h"
#include "report.h"
#include "vmcs.h"

#define PAGE_ALIGNED __attribute__((aligned(PAGE_BYTES)))

/* The VMXON region and the VMCS start with the processor's revision of their format. */
struct vmx_region {
    uint32_t revision;
    uint8_t opaque[PAGE_BYTES - sizeof(uint32_t)];
};
static struct vmx_region vmxon_region PAGE_ALIGNED;
static struct vmx_region vmcs PAGE_ALIGNED;
static bool launched;

/* Two bitmaps of 32768 ports each. */
static uint8_t io_bitmaps[2 * PAGE_BYTES] PAGE_ALIGNED;

/* The inner guest's first GiB. */
enum { TABLE_ENTRIES = 512 };
static uint64_t ept_pml4[TABLE_ENTRIES] PAGE_ALIGNED;
static uint64_t ept_pdpt[TABLE_ENTRIES] PAGE_ALIGNED;
static uint64_t ept_directory[TABLE_ENTRIES] PAGE_ALIGNED;

extern uint8_t tss[];
uint64_t vmx_enter(bool is_launched, struct inner_registers *registers);

/* 0 where there is no current VMCS. */
static uint64_t vmread(uint64_t field)
{
    uint64_t value = 0;

    asm volatile("vmread %1, %0" : "+r"(value) : "r"(field) : "cc");
    return value;
}

/* error: the VM-instruction error; 0 if the instruction could not leave one. */
static void __attribute__((noreturn)) refused(uint64_t error)
{
    report(GUEST_TAG_ERROR, error);
    end(GUEST_INSTRUCTION_REFUSED);
}

/* [SDM "Conventions"]: VMfailInvalid sets CF, VMfailValid sets ZF and an error in the VMCS. */
#define VMX_FAILS(instruction, ...)                                             \
    ({                                                                          \
        bool failed_;                                                           \
        asm volatile(instruction : "=@ccbe"(failed_) : __VA_ARGS__ : "memory"); \
        failed_;                                                                \
    })

static void vmwrite(uint64_t field, uint64_t value)
{
    if (VMX_FAILS("vmwrite %1, %2", "r"(value), "r"(field)))
        refused(vmread(VMCS_INSTRUCTION_ERROR));
}

/* A control field with the bits that are wanted and those that the processor insists on; each half
 * of its MSR says what may be 0 and 1. [SDM "VM-Execution Controls"] */
static void write_controls(uint32_t field, uint32_t msr, uint64_t wanted)
{
    uint64_t allowed = rdmsr(msr);

    vmwrite(field, (wanted | (uint32_t)allowed) & (allowed >> 32));
}

static bool vmx_has_nested_paging(void)
{
    uint64_t primary = rdmsr(MSR_VMX_PROCBASED) >> 32;

    return primary & PRIMARY_SECONDARY && rdmsr(MSR_VMX_PROCBASED2) >> 32 & SECONDARY_ENABLE_EPT;
}

/* [SDM "Enabling and Entering VMX Operation"] */
static void vmx_enable(void)
{
    const uint64_t permitted = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON;
    const uint64_t region = (uint64_t)&vmxon_region;
    uint64_t feature_control = rdmsr(MSR_FEATURE_CONTROL);

    report(GUEST_TAG_FEATURE_CONTROL, feature_control);
    /* One that is unlocked could be set here; firmware is expected to have done it. */
    if ((feature_control & permitted) != permitted)
        end(GUEST_VMX_NOT_PERMITTED);
    write_cr0((read_cr0() | rdmsr(MSR_VMX_CR0_FIXED0)) & rdmsr(MSR_VMX_CR0_FIXED1));
    write_cr4((read_cr4() | CR4_VMXE | rdmsr(MSR_VMX_CR4_FIXED0)) & rdmsr(MSR_VMX_CR4_FIXED1));
    vmxon_region.revision = rdmsr(MSR_VMX_BASIC) & VMX_BASIC_REVISION;
    if (VMX_FAILS("vmxon %1", "m"(region)))
        refused(0);
    report(GUEST_TAG_ENABLED, read_cr4());
}

static void load_vmcs(void)
{
    const uint64_t pointer = (uint64_t)&vmcs;

    vmcs.revision = rdmsr(MSR_VMX_BASIC) & VMX_BASIC_REVISION;
    if (VMX_FAILS("vmclear %1", "m"(pointer)) || VMX_FAILS("vmptrld %1", "m"(pointer)))
        refused(vmread(VMCS_INSTRUCTION_ERROR));
    launched = false;
}

static void vmx_map(uint64_t inner_gpa, uint64_t gpa)
{
    ept_directory[inner_gpa / PAGE_LARGE_BYTES] =
        gpa | EPT_PAGE_LARGE | EPT_PAGE_WRITE_BACK | EPT_ALL_ACCESS;
}

static void vmx_unmap(uint64_t inner_gpa)
{
    ept_directory[inner_gpa / PAGE_LARGE_BYTES] = 0;
}

static uint64_t prepare_ept(void)
{
    uint64_t pointer = (uint64_t)ept_pml4 | EPT_POINTER_4_LEVELS | EPT_POINTER_WRITE_BACK;

    ept_pml4[0] = (uint64_t)ept_pdpt | EPT_ALL_ACCESS;
    ept_pdpt[0] = (uint64_t)ept_directory | EPT_ALL_ACCESS;
    for (uint64_t i = 0; i < TABLE_ENTRIES; i++)
        vmx_map(i * PAGE_LARGE_BYTES, i * PAGE_LARGE_BYTES);
    vmwrite(VMCS_EPT_POINTER, pointer);
    return pointer;
}

/* A new VMCS holds anything: what neither guest nor host uses is to be 0. */
static void prepare_unused(void)
{
    static const uint32_t zero_fields[] = {
        VMCS_EXCEPTION_BITMAP,    VMCS_CR3_TARGET_COUNT,     VMCS_EXIT_MSR_STORE_COUNT,
        VMCS_EXIT_MSR_LOAD_COUNT, VMCS_ENTRY_MSR_LOAD_COUNT, VMCS_ENTRY_EVENT,
        VMCS_CR0_GUEST_HOST_MASK, VMCS_CR4_GUEST_HOST_MASK,  VMCS_GUEST_INTERRUPTIBILITY,
        VMCS_GUEST_ACTIVITY,      VMCS_GUEST_PENDING_DEBUG,  VMCS_GUEST_SYSENTER_CS,
        VMCS_GUEST_SYSENTER_ESP,  VMCS_GUEST_SYSENTER_EIP,   VMCS_HOST_SYSENTER_CS,
        VMCS_HOST_SYSENTER_ESP,   VMCS_HOST_SYSENTER_EIP,    VMCS_HOST_FS_BASE,
        VMCS_HOST_GS_BASE,
    };

    for (size_t i = 0; i < sizeof(zero_fields) / sizeof(zero_fields[0]); i++)
        vmwrite(zero_fields[i], 0);
    vmwrite(VMCS_LINK_POINTER, UINT64_MAX);
}

static void prepare_io_bitmaps(bool intercepts_backdoor)
{
    io_bitmaps[GUEST_PORT_INTERCEPTED / 8] |= BIT(GUEST_PORT_INTERCEPTED % 8);
    if (intercepts_backdoor)
        io_bitmaps[GUEST_BACKDOOR_PORT / 8] |= BIT(GUEST_BACKDOOR_PORT % 8);
    vmwrite(VMCS_IO_BITMAP_A, (uint64_t)io_bitmaps);
    vmwrite(VMCS_IO_BITMAP_B, (uint64_t)io_bitmaps + PAGE_BYTES);
}

static void prepare_controls(bool nested_paging)
{
    /* The TRUE variants allow more to be 0; nothing here depends on that, but who has them shall
     * use them. */
    bool true_controls = rdmsr(MSR_VMX_BASIC) & VMX_BASIC_TRUE_CONTROLS;
    uint64_t primary = PRIMARY_HLT_EXITING | PRIMARY_USE_IO_BITMAPS;

    if (nested_paging)
        primary |= PRIMARY_SECONDARY;
    write_controls(VMCS_PIN_CONTROLS, true_controls ? MSR_VMX_TRUE_PINBASED : MSR_VMX_PINBASED, 0);
    write_controls(VMCS_PRIMARY_CONTROLS,
                   true_controls ? MSR_VMX_TRUE_PROCBASED : MSR_VMX_PROCBASED, primary);
    if (nested_paging)
        write_controls(VMCS_SECONDARY_CONTROLS, MSR_VMX_PROCBASED2, SECONDARY_ENABLE_EPT);
    write_controls(VMCS_EXIT_CONTROLS, true_controls ? MSR_VMX_TRUE_EXIT : MSR_VMX_EXIT,
                   EXIT_HOST_64 | EXIT_LOAD_EFER);
    write_controls(VMCS_ENTRY_CONTROLS, true_controls ? MSR_VMX_TRUE_ENTRY : MSR_VMX_ENTRY,
                   ENTRY_IA32E_GUEST | ENTRY_LOAD_EFER);
}

/* [SDM "Host-State Area"]: the guest hypervisor as it is; HOST_RSP and HOST_RIP are enter.S's. */
static void prepare_host(const struct table_register *gdtr, const struct table_register *idtr)
{
    for (uint32_t field = VMCS_HOST_ES_SELECTOR; field <= VMCS_HOST_GS_SELECTOR; field += 2)
        vmwrite(field, field == VMCS_HOST_CS_SELECTOR ? SELECTOR_CODE : SELECTOR_DATA);
    vmwrite(VMCS_HOST_TR_SELECTOR, SELECTOR_TSS);
    vmwrite(VMCS_HOST_TR_BASE, (uint64_t)tss);
    vmwrite(VMCS_HOST_GDTR_BASE, gdtr->base);
    vmwrite(VMCS_HOST_IDTR_BASE, idtr->base);
    vmwrite(VMCS_HOST_CR0, read_cr0());
    vmwrite(VMCS_HOST_CR3, read_cr3());
    vmwrite(VMCS_HOST_CR4, read_cr4());
    vmwrite(VMCS_HOST_EFER, rdmsr(MSR_EFER));
}

static void write_segment(unsigned index, uint16_t selector, uint32_t limit, uint32_t rights,
                          uint64_t base)
{
    vmwrite(VMCS_GUEST_ES_SELECTOR + 2 * index, selector);
    vmwrite(VMCS_GUEST_ES_LIMIT + 2 * index, limit);
    vmwrite(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * index, rights);
    vmwrite(VMCS_GUEST_ES_BASE + 2 * index, base);
}

/* [SDM "Guest-State Area"]: the inner guest shares what the guest hypervisor has. */
static void prepare_guest(const struct inner_start *start, const struct table_register *gdtr,
                          const struct table_register *idtr)
{
    enum { ES, CS, SS, DS, FS, GS, LDTR, TR };

    for (unsigned i = ES; i <= GS; i++)
        write_segment(i, SELECTOR_DATA, UINT32_MAX, ACCESS_DATA, 0);
    write_segment(CS, SELECTOR_CODE, UINT32_MAX, ACCESS_CODE64, 0);
    write_segment(LDTR, 0, 0, ACCESS_UNUSABLE, 0);
    write_segment(TR, SELECTOR_TSS, TSS_BYTES - 1, ACCESS_TSS_BUSY, (uint64_t)tss);
    vmwrite(VMCS_GUEST_GDTR_LIMIT, gdtr->limit);
    vmwrite(VMCS_GUEST_GDTR_BASE, gdtr->base);
    vmwrite(VMCS_GUEST_IDTR_LIMIT, idtr->limit);
    vmwrite(VMCS_GUEST_IDTR_BASE, idtr->base);
    vmwrite(VMCS_GUEST_CR0, read_cr0());
    vmwrite(VMCS_GUEST_CR3, read_cr3());
    vmwrite(VMCS_GUEST_CR4, read_cr4());
    vmwrite(VMCS_GUEST_EFER, rdmsr(MSR_EFER));
    vmwrite(VMCS_GUEST_DR7, DR7_RESET);
    vmwrite(VMCS_GUEST_RFLAGS, start->rflags);
    vmwrite(VMCS_GUEST_RIP, start->rip);
    vmwrite(VMCS_GUEST_RSP, start->rsp);
}

static void vmx_prepare(const struct inner_start *start)
{
    struct table_register gdtr, idtr;
    uint64_t root = 0;

    asm volatile("sgdt %0" : "=m"(gdtr));
    asm volatile("sidt %0" : "=m"(idtr));
    load_vmcs();
    prepare_controls(start->nested_paging);
    prepare_io_bitmaps(start->intercepts_backdoor);
    prepare_unused();
    prepare_host(&gdtr, &idtr);
    prepare_guest(start, &gdtr, &idtr);
    if (start->nested_paging)
        root = prepare_ept();
    report(GUEST_TAG_NESTED_ROOT, root);
}

static void read_exit(struct inner_exit *exit)
{
    *exit = (struct inner_exit){
        .next_rip = vmread(VMCS_GUEST_RIP) + vmread(VMCS_EXIT_INSTRUCTION_LENGTH),
        .code = vmread(VMCS_EXIT_REASON),
        .detail = vmread(VMCS_EXIT_QUALIFICATION),
        .address = vmread(VMCS_GUEST_PHYSICAL_ADDRESS),
    };
    switch (exit->code) {
    case EXIT_REASON_CPUID:
        exit->reason = INNER_EXIT_CPUID;
        break;
    case EXIT_REASON_VMCALL:
        exit->reason = INNER_EXIT_HYPERCALL;
        break;
    case EXIT_REASON_HLT:
        exit->reason = INNER_EXIT_HLT;
        break;
    case EXIT_REASON_IO:
        exit->reason = INNER_EXIT_PORT;
        exit->port = (uint16_t)(exit->detail >> QUALIFICATION_PORT_SHIFT);
        break;
    case EXIT_REASON_EPT_VIOLATION:
        exit->reason = INNER_EXIT_PAGE_FAULT;
        exit->gpa = exit->address;
        break;
    }
}

static void vmx_run(struct inner_registers *registers, struct inner_exit *exit)
{
    uint64_t failure = vmx_enter(launched, registers);

    if (failure)
        refused(failure & RFLAGS_ZF ? vmread(VMCS_INSTRUCTION_ERROR) : 0);
    launched = true;
    read_exit(exit);
}

static void vmx_go_on_at(uint64_t rip)
{
    vmwrite(VMCS_GUEST_RIP, rip);
}

const struct extension vmx = {
    .id = GUEST_VMX,
    .has_nested_paging = vmx_has_nested_paging,
    .enable = vmx_enable,
    .prepare = vmx_prepare,
    .run = vmx_run,
    .go_on_at = vmx_go_on_at,
    .map = vmx_map,
    .unmap = vmx_unmap,
};
