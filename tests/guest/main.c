/* SPDX-License-Identifier: MIT */
#include "backdoor.h"
#include "exception.h"
#include "inner.h"
#include "report.h"

void guest_main(void);

static void probe_svm(uint64_t vmcb)
{
    struct cpuid leaf = cpuid(CPUID_LEAF_SVM, 0);

    report(GUEST_TAG_PROBE_EAX_EBX, leaf.eax | (uint64_t)leaf.ebx << 32);
    report(GUEST_TAG_PROBE_ECX_EDX, leaf.ecx | (uint64_t)leaf.edx << 32);
    report(GUEST_TAG_PROBE_ENTER, caught_vmrun(vmcb));
    report(GUEST_TAG_PROBE_ENABLE, caught_wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME));
}

static void probe_vmx(uint64_t region)
{
    report(GUEST_TAG_PROBE_ENTER, caught_vmxon(&region));
    report(GUEST_TAG_PROBE_ENABLE, caught_write_cr4(read_cr4() | CR4_VMXE));
}

static void probe(void)
{
    static uint64_t page[PAGE_BYTES / sizeof(uint64_t)] __attribute__((aligned(PAGE_BYTES)));
    const struct extension *shown = hypervisor_find();
    uint32_t vendor = cpuid(CPUID_LEAF_VENDOR, 0).ebx;
    /* Not by features: where it is off, CPUID does not show which one it would be. */
    bool is_amd = vendor == CPUID_VENDOR_EBX_AMD || vendor == CPUID_VENDOR_EBX_HYGON;

    report(GUEST_TAG_PROBE_PROCESSOR, is_amd ? GUEST_SVM : GUEST_VMX);
    report(GUEST_TAG_PROBE_SHOWN, shown ? shown->id : 0);
    if (is_amd)
        probe_svm((uint64_t)page);
    else
        probe_vmx((uint64_t)page);
}

static void read_cpuid(void)
{
    for (uint32_t i = 0; i < parameters->count; i++) {
        struct guest_cpuid *wanted = &parameters->cpuid[i];
        struct cpuid r = cpuid(wanted->leaf, wanted->subleaf);

        wanted->eax = r.eax;
        wanted->ebx = r.ebx;
        wanted->ecx = r.ecx;
        wanted->edx = r.edx;
    }
}

static void read_msrs(void)
{
    for (uint32_t i = 0; i < parameters->count; i++) {
        struct guest_msr *wanted = &parameters->msrs[i];

        wanted->vector = caught_rdmsr(wanted->index, &wanted->value);
    }
}

static void write_msrs(void)
{
    for (uint32_t i = 0; i < parameters->count; i++) {
        struct guest_msr *wanted = &parameters->msrs[i];

        wanted->vector = caught_wrmsr(wanted->index, wanted->value);
    }
}

static void bench(void)
{
    volatile uint32_t *mmio = (volatile uint32_t *)GUEST_MMIO_GPA;

    report(GUEST_TAG_BENCH, parameters->count);
    switch (parameters->mode) {
    case GUEST_BENCH_PORT:
        for (uint32_t n = parameters->count; n > 0; n--)
            out32(GUEST_PORT_BENCH, n);
        break;
    case GUEST_BENCH_MMIO:
        for (uint32_t n = parameters->count; n > 0; n--)
            *mmio = n;
        break;
    case GUEST_BENCH_CPUID:
        for (uint32_t n = parameters->count; n > 0; n--)
            cpuid(CPUID_LEAF_VENDOR, 0);
        break;
    }
}

static void ask_backdoor(void)
{
    backdoor_report(parameters->backdoor.hypervisor_first);
    hypervisor_run(inner_backdoor, RFLAGS_FIXED);
    backdoor_report(parameters->backdoor.hypervisor_last);
}

void guest_main(void)
{
    exception_init();
    switch (parameters->mode) {
    case GUEST_NESTED:
        hypervisor_run(inner_everything, RFLAGS_FIXED);
        break;
    case GUEST_INNER_SPIN:
        hypervisor_run(inner_spin, RFLAGS_FIXED | RFLAGS_IF);
        break;
    case GUEST_SPIN:
        asm volatile("sti");
        inner_spin();
        break;
    case GUEST_PROBE:
        probe();
        break;
    case GUEST_READ_CPUID:
        read_cpuid();
        break;
    case GUEST_READ_MSRS:
        read_msrs();
        break;
    case GUEST_WRITE_MSRS:
        write_msrs();
        break;
    case GUEST_BACKDOOR:
        ask_backdoor();
        break;
    case GUEST_VMWARE:
        backdoor_find_vmware();
        break;
    case GUEST_BENCH_PORT:
    case GUEST_BENCH_MMIO:
    case GUEST_BENCH_CPUID:
        bench();
        break;
    case GUEST_BENCH_INNER_CPUID:
        hypervisor_run(inner_bench_cpuid, RFLAGS_FIXED);
        break;
    case GUEST_BENCH_INNER_PORT:
        hypervisor_run(inner_bench_port, RFLAGS_FIXED);
        break;
    default:
        end(GUEST_BAD_PARAMETERS);
    }
    end(GUEST_DONE);
}
