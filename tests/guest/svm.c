/* SPDX-License-Identifier: MIT */
/* The guest hypervisor on SVM. [APM2 "Secure Virtual Machine"] */
#include "hypervisor.h"
#include "report.h"
#include "vmcb.h"

#define PAGE_ALIGNED __attribute__((aligned(PAGE_BYTES)))

/* [APM2 "Instruction Reference"]; not every processor that has SVM tells the next RIP (NRIPS). */
enum { CPUID_BYTES = 2, VMMCALL_BYTES = 3, HLT_BYTES = 1 };

static struct vmcb vmcb PAGE_ALIGNED;
static uint8_t host_save_area[PAGE_BYTES] PAGE_ALIGNED;
static uint8_t io_permissions[IOPM_BYTES] PAGE_ALIGNED;
static uint8_t msr_permissions[MSRPM_BYTES] PAGE_ALIGNED;

/* The inner guest's first GiB. [APM2 "Nested Paging"]: a walk is a user's, whoever causes it. */
enum { TABLE_ENTRIES = 512 };
#define TABLE_FLAGS (PAGE_PRESENT | PAGE_WRITE | PAGE_USER)
static uint64_t nested_pml4[TABLE_ENTRIES] PAGE_ALIGNED;
static uint64_t nested_pdpt[TABLE_ENTRIES] PAGE_ALIGNED;
static uint64_t nested_directory[TABLE_ENTRIES] PAGE_ALIGNED;

void svm_enter(struct vmcb *block, struct inner_registers *registers);

static bool svm_has_nested_paging(void)
{
    return cpuid(CPUID_LEAF_SVM, 0).edx & CPUID_8000000A_EDX_NPT;
}

/* [APM2 "Enabling SVM"] */
static void svm_enable(void)
{
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
    wrmsr(MSR_VM_HSAVE_PA, (uint64_t)host_save_area);
    report(GUEST_TAG_ENABLED, rdmsr(MSR_EFER));
}

static void svm_map(uint64_t inner_gpa, uint64_t gpa)
{
    nested_directory[inner_gpa / PAGE_LARGE_BYTES] = gpa | PAGE_LARGE | TABLE_FLAGS;
}

static void svm_unmap(uint64_t inner_gpa)
{
    nested_directory[inner_gpa / PAGE_LARGE_BYTES] = 0;
}

static void prepare_nested_paging(void)
{
    nested_pml4[0] = (uint64_t)nested_pdpt | TABLE_FLAGS;
    nested_pdpt[0] = (uint64_t)nested_directory | TABLE_FLAGS;
    for (uint64_t i = 0; i < TABLE_ENTRIES; i++)
        svm_map(i * PAGE_LARGE_BYTES, i * PAGE_LARGE_BYTES);
    vmcb.control.nested_paging = NESTED_PAGING_ENABLE;
    vmcb.control.nested_cr3 = (uint64_t)nested_pml4;
    vmcb.save.g_pat = rdmsr(MSR_PAT);
}

static void prepare_io_permissions(bool intercepts_backdoor)
{
    io_permissions[GUEST_PORT_INTERCEPTED / 8] |= BIT(GUEST_PORT_INTERCEPTED % 8);
    if (intercepts_backdoor)
        io_permissions[GUEST_BACKDOOR_PORT / 8] |= BIT(GUEST_BACKDOOR_PORT % 8);
}

static void prepare_control(void)
{
    struct vmcb_control *control = &vmcb.control;

    control->intercept_3 = INTERCEPT_CPUID | INTERCEPT_HLT | INTERCEPT_IOIO | INTERCEPT_SHUTDOWN;
    control->intercept_4 = INTERCEPT_VMRUN | INTERCEPT_VMMCALL;
    control->iopm_base_pa = (uint64_t)io_permissions;
    control->msrpm_base_pa = (uint64_t)msr_permissions;
    control->guest_asid = 1; /* 0 is the host's */
}

/* The guest hypervisor's own, which the inner guest shares. VMRUN leaves TR, FS and GS alone. */
static void prepare_save(const struct inner_start *start)
{
    const struct vmcb_segment data = {SELECTOR_DATA, SEGMENT_DATA, UINT32_MAX, 0};
    struct vmcb_save *save = &vmcb.save;
    struct table_register gdtr, idtr;

    asm volatile("sgdt %0" : "=m"(gdtr));
    asm volatile("sidt %0" : "=m"(idtr));
    save->gdtr = (struct vmcb_segment){.limit = gdtr.limit, .base = gdtr.base};
    save->idtr = (struct vmcb_segment){.limit = idtr.limit, .base = idtr.base};
    save->cs = (struct vmcb_segment){SELECTOR_CODE, SEGMENT_CODE64, UINT32_MAX, 0};
    save->ss = save->ds = save->es = data;
    save->efer = rdmsr(MSR_EFER);
    save->cr0 = read_cr0();
    save->cr3 = read_cr3();
    save->cr4 = read_cr4();
    save->dr6 = DR6_RESET;
    save->dr7 = DR7_RESET;
    save->rflags = start->rflags;
    save->rip = start->rip;
    save->rsp = start->rsp;
}

static void svm_prepare(const struct inner_start *start)
{
    prepare_control();
    prepare_io_permissions(start->intercepts_backdoor);
    prepare_save(start);
    if (start->nested_paging)
        prepare_nested_paging();
    report(GUEST_TAG_NESTED_ROOT, vmcb.control.nested_cr3);
}

static void read_exit(struct inner_exit *exit)
{
    *exit = (struct inner_exit){
        .code = vmcb.control.exit_code,
        .detail = vmcb.control.exit_info_1,
        .address = vmcb.control.exit_info_2,
    };
    switch (exit->code) {
    case VMEXIT_CPUID:
        exit->reason = INNER_EXIT_CPUID;
        exit->next_rip = vmcb.save.rip + CPUID_BYTES;
        break;
    case VMEXIT_VMMCALL:
        exit->reason = INNER_EXIT_HYPERCALL;
        exit->next_rip = vmcb.save.rip + VMMCALL_BYTES;
        break;
    case VMEXIT_HLT:
        exit->reason = INNER_EXIT_HLT;
        exit->next_rip = vmcb.save.rip + HLT_BYTES;
        break;
    case VMEXIT_IOIO:
        exit->reason = INNER_EXIT_PORT;
        exit->port = (uint16_t)(vmcb.control.exit_info_1 >> IOIO_PORT_SHIFT);
        exit->next_rip = vmcb.control.exit_info_2;
        break;
    case VMEXIT_NPF:
        exit->reason = INNER_EXIT_PAGE_FAULT;
        exit->gpa = vmcb.control.exit_info_2;
        break;
    }
}

static void svm_run(struct inner_registers *registers, struct inner_exit *exit)
{
    vmcb.save.rax = registers->rax;
    svm_enter(&vmcb, registers);
    registers->rax = vmcb.save.rax;
    read_exit(exit);
}

static void svm_go_on_at(uint64_t rip)
{
    vmcb.save.rip = rip;
}

const struct extension svm = {
    .id = GUEST_SVM,
    .has_nested_paging = svm_has_nested_paging,
    .enable = svm_enable,
    .prepare = svm_prepare,
    .run = svm_run,
    .go_on_at = svm_go_on_at,
    .map = svm_map,
    .unmap = svm_unmap,
};
