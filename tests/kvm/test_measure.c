/* SPDX-License-Identifier: MIT */
/* Measured CPUID, beside what another guest reads and what KVM says. */
#include "../support/payload.h"
#include "tests.h"

enum { ECX_HYPERVISOR = 31, ECX_VMX = 5, ECX_SVM = 2, EBX_AVX2 = 5 };

#define HIDE_AVX2 "----:----:----:----:----:----:--0-:----"

/* What is measured of a VM with the machine's configuration. */
static struct vhv_cpuid *measure(struct machine *machine, enum vhv_irqchip irqchip, uint32_t vcpu)
{
    const struct vhv_vm_options options = {
        .size = sizeof(options), .config = machine->config, .irqchip = irqchip};
    struct vhv_cpuid *measured = NULL;

    assert_ok(vhv_cpuid_measure(&measured, kvm_host(), &options, vcpu));
    return measured;
}

/* Makes a VM of the machine's configuration that measures, and powers it on. */
static int power_on_measured(struct machine *machine, bool report_only)
{
    machine->options.measure = true;
    machine->options.report_only = report_only;
    machine_make(machine, GUEST_MEMORY_BYTES);
    return vhv_vm_power_on(machine->vm);
}

/* Has the guest of the nested tests execute CPUID on every entry of @table, and fails the test on
 * an answer that is not in it. */
static void assert_guest_reads(struct machine *machine, const struct vhv_cpuid *table)
{
    struct guest_parameters parameters = {.mode = GUEST_READ_CPUID};
    const struct vhv_cpuid_entry *entry;
    struct recording recording = {0};

    for (size_t i = 0; (entry = vhv_cpuid_at(table, i)); i++) {
        parameters.cpuid[i].leaf = entry->leaf;
        parameters.cpuid[i].subleaf = entry->subleaf;
        parameters.count++;
    }
    payload_load(machine, &parameters);
    payload_run(machine, &recording);
    payload_expect_status(&recording, GUEST_DONE);
    payload_parameters(machine, &parameters);
    for (size_t i = 0; (entry = vhv_cpuid_at(table, i)); i++) {
        const struct guest_cpuid *read = &parameters.cpuid[i];

        /* It has turned on no more than what is measured with. */
        if (read->eax != entry->reg[VHV_EAX] || read->ebx != entry->reg[VHV_EBX] ||
            read->ecx != entry->reg[VHV_ECX] || read->edx != entry->reg[VHV_EDX])
            fail_msg("leaf %#x.%#x: measured is %#x %#x %#x %#x, and read %#x %#x %#x %#x",
                     entry->leaf, entry->subleaf, entry->reg[VHV_EAX], entry->reg[VHV_EBX],
                     entry->reg[VHV_ECX], entry->reg[VHV_EDX], read->eax, read->ebx, read->ecx,
                     read->edx);
    }
}

static void cpuid_measure_is_what_another_guest_reads(void **state)
{
    struct machine *machine = *state;
    struct vhv_cpuid *measured = measure(machine, VHV_IRQCHIP_NONE, 0);

    assert_in_range(vhv_cpuid_count(measured), 10, VHV_CPUID_MAX_ENTRIES);
    machine_make(machine, GUEST_MEMORY_BYTES);
    assert_ok(vhv_vm_power_on(machine->vm));
    assert_guest_reads(machine, measured);
    vhv_cpuid_free(measured);
}

static void cpuid_measure_with_each_irqchip_has_what_rests_on_it(void **state)
{
    enum { ECX_X2APIC = 21 };
    const struct vhv_cpuid *supported = vhv_host_supported(kvm_host());
    uint32_t offered = vhv_cpuid_get(supported, 1, 0, VHV_ECX) >> ECX_X2APIC & 1;

    for (enum vhv_irqchip irqchip = VHV_IRQCHIP_NONE; irqchip <= VHV_IRQCHIP_SPLIT; irqchip++) {
        struct vhv_cpuid *measured = measure(*state, irqchip, 0);

        assert_int_equal(vhv_cpuid_get(measured, 1, 0, VHV_ECX) >> ECX_X2APIC & 1,
                         irqchip == VHV_IRQCHIP_NONE ? 0 : offered);
        vhv_cpuid_free(measured);
    }
}

static void cpuid_measure_of_each_vcpu_has_its_id(void **state)
{
    struct machine *machine = *state;

    /* A power of two, by which both vendors mean the same. */
    assert_ok(vhv_config_set(machine->config, "numvcpus", "4"));
    for (uint32_t id = 0; id < 4; id++) {
        struct vhv_cpuid *measured = measure(machine, VHV_IRQCHIP_KERNEL, id);

        assert_int_equal(vhv_cpuid_get(measured, 1, 0, VHV_EBX) >> 16, id << 8 | 4);
        vhv_cpuid_free(measured);
    }
}

static void cpuid_measure_of_hidden_hypervisor_finds_none(void **state)
{
    struct machine *machine = *state;
    struct vhv_cpuid *measured;

    assert_ok(vhv_config_set(machine->config, "hypervisor.cpuid.v0", "FALSE"));
    measured = measure(machine, VHV_IRQCHIP_NONE, 0);
    assert_int_equal(vhv_cpuid_get(measured, 1, 0, VHV_ECX) >> ECX_HYPERVISOR, 0);
    for (size_t i = 0; i < vhv_cpuid_count(measured); i++) {
        if (vhv_cpuid_at(measured, i)->leaf >> 28 == 4)
            fail_msg("leaf %#x is there", vhv_cpuid_at(measured, i)->leaf);
    }
    vhv_cpuid_free(measured);
}

static void cpuid_measure_with_vhv_shows_it(void **state)
{
    struct machine *machine = *state;
    struct vhv_cpuid *measured;

    if (vhv_host_verdict(kvm_host())->nesting != VHV_NESTING_YES)
        skip_because("guests cannot nest here");
    assert_ok(vhv_config_set(machine->config, "vhv.enable", "TRUE"));
    measured = measure(machine, VHV_IRQCHIP_NONE, 0);
    if (vhv_cpuid_vendor(measured) == VHV_VENDOR_AMD)
        assert_true(vhv_cpuid_get(measured, 0x80000001, 0, VHV_ECX) >> ECX_SVM & 1);
    else
        assert_true(vhv_cpuid_get(measured, 1, 0, VHV_ECX) >> ECX_VMX & 1);
    vhv_cpuid_free(measured);
}

/* kvm_intel and kvm_amd do as they say. */
static void vm_power_on_measured_has_no_finding(void **state)
{
    struct machine *machine = *state;
    const struct vhv_cpuid_finding *found;

    need_vendor_module("promise to do as it says");
    assert_ok(vhv_config_set(machine->config, "numvcpus", "2"));
    assert_ok(power_on_measured(machine, false));
    for (size_t i = 0; i < 2; i++) {
        found = vhv_guest_cpuid_finding(vhv_vcpu_guest_cpuid(vhv_vm_vcpu(machine->vm, i)), 0);
        if (found)
            fail_msg("%s", found->text);
    }
}

static void vm_power_on_measured_runs_then(void **state)
{
    struct machine *machine = *state;

    assert_ok(power_on_measured(machine, false));
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_READY);
    assert_guest_reads(machine, vhv_guest_cpuid_table(vhv_vcpu_guest_cpuid(machine->vcpu)));
}

/* Whatever serves KVM: the guest does not read the bit, or there is no guest. */
static void vm_power_on_measured_hidden_bit_is_hidden_or_refused(void **state)
{
    struct machine *machine = *state;
    const struct vhv_cpuid *table;
    int result;

    kvm_host();
    assert_ok(vhv_config_set(machine->config, "cpuid.7.ebx", HIDE_AVX2));
    result = power_on_measured(machine, false);
    table = vhv_guest_cpuid_table(vhv_vcpu_guest_cpuid(machine->vcpu));
    if (result == 0) {
        assert_false(vhv_cpuid_get(table, 7, 0, VHV_EBX) >> EBX_AVX2 & 1);
        assert_guest_reads(machine, table);
        return;
    }
    assert_fails(result, EOPNOTSUPP, "cpuid.7.ebx bit 5 (AVX2)");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_CPUID_NOT_HONOURED);
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_CONFIGURE);
    assert_true(vhv_cpuid_get(table, 7, 0, VHV_EBX) >> EBX_AVX2 & 1);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(cpuid_measure_is_what_another_guest_reads),
    MACHINE_TEST(cpuid_measure_with_each_irqchip_has_what_rests_on_it),
    MACHINE_TEST(cpuid_measure_of_each_vcpu_has_its_id),
    MACHINE_TEST(cpuid_measure_of_hidden_hypervisor_finds_none),
    MACHINE_TEST(cpuid_measure_with_vhv_shows_it),
    MACHINE_TEST(vm_power_on_measured_has_no_finding),
    MACHINE_TEST(vm_power_on_measured_runs_then),
    MACHINE_TEST(vm_power_on_measured_hidden_bit_is_hidden_or_refused),
};

const struct test_list measure_tests = TEST_LIST(tests);
