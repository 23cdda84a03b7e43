/* SPDX-License-Identifier: MIT */
/* What a guest really reads by CPUID, beside what the library says that it reads. */
#include "../support/payload.h"
#include "tests.h"

enum { ECX_EIST = 7, ECX_POPCNT = 23, ECX_HYPERVISOR = 31 };

#define HIDE_POPCNT "----:----:0---:----:----:----:----:----"
#define FORCE_EIST  "----:----:----:----:----:----:1---:----"
#define NEED_EIST   "----:----:----:----:----:----:t---:----"

/* Has the guest execute CPUID on the machine's first vCPU, which is powered on. */
static void execute(struct machine *machine, struct guest_parameters *parameters)
{
    struct recording recording = {0};

    parameters->mode = GUEST_READ_CPUID;
    payload_load(machine, parameters);
    payload_run(machine, &recording);
    payload_expect_status(&recording, GUEST_DONE);
    payload_parameters(machine, parameters);
}

static struct guest_cpuid execute_one(struct machine *machine, uint32_t leaf, uint32_t subleaf)
{
    struct guest_parameters parameters = {.count = 1, .cpuid = {{.leaf = leaf}}};

    parameters.cpuid[0].subleaf = subleaf;
    execute(machine, &parameters);
    return parameters.cpuid[0];
}

static void power_on(struct machine *machine)
{
    machine_make(machine, GUEST_MEMORY_BYTES);
    assert_ok(vhv_vm_power_on(machine->vm));
}

static const struct vhv_cpuid *table_of(const struct machine *machine)
{
    return vhv_guest_cpuid_table(vhv_vcpu_guest_cpuid(machine->vcpu));
}

static void assert_read(const struct vhv_cpuid_entry *entry, const struct guest_cpuid *read)
{
    const uint32_t regs[VHV_CPUID_REGS] = {read->eax, read->ebx, read->ecx, read->edx};
    static const char *const names[VHV_CPUID_REGS] = {"EAX", "EBX", "ECX", "EDX"};

    for (int reg = VHV_EAX; reg <= VHV_EDX; reg++) {
        if (regs[reg] != entry->reg[reg])
            fail_msg("leaf %#x.%#x: the guest reads %s = %#x, and the table has %#x", entry->leaf,
                     entry->subleaf, names[reg], regs[reg], entry->reg[reg]);
    }
}

static void guest_cpuid_table_is_what_the_guest_reads(void **state)
{
    struct machine *machine = *state;
    struct guest_parameters parameters = {0};
    const struct vhv_cpuid *table;

    power_on(machine);
    table = table_of(machine);
    parameters.count = (uint32_t)vhv_cpuid_count(table);
    assert_in_range(parameters.count, 10, 256);
    for (size_t i = 0; i < parameters.count; i++) {
        parameters.cpuid[i].leaf = vhv_cpuid_at(table, i)->leaf;
        parameters.cpuid[i].subleaf = vhv_cpuid_at(table, i)->subleaf;
    }
    execute(machine, &parameters);
    for (size_t i = 0; i < parameters.count; i++)
        assert_read(vhv_cpuid_at(table, i), &parameters.cpuid[i]);
}

static void guest_cpuid_mask_hides_a_bit_and_no_other(void **state)
{
    struct machine *machine = *state;
    uint32_t without;

    need_vendor_module("way of hiding a bit of the processor's");
    power_on(machine);
    without = execute_one(machine, 1, 0).ecx;
    vhv_vm_free(machine->vm);
    machine->vm = NULL;
    assert_true(without >> ECX_POPCNT & 1);
    assert_ok(vhv_config_set(machine->config, "cpuid.1.ecx", HIDE_POPCNT));
    power_on(machine);
    assert_int_equal(execute_one(machine, 1, 0).ecx, without & ~(1u << ECX_POPCNT));
}

static void guest_cpuid_mask_forces_a_bit_that_kvm_lacks(void **state)
{
    struct machine *machine = *state;

    kvm_host();
    assert_false(vhv_cpuid_get(vhv_host_supported(kvm_host()), 1, 0, VHV_ECX) >> ECX_EIST & 1);
    assert_ok(vhv_config_set(machine->config, "cpuid.1.ecx", FORCE_EIST));
    power_on(machine);
    assert_true(execute_one(machine, 1, 0).ecx >> ECX_EIST & 1);
}

static void vm_power_on_unmet_requirement_is_refused(void **state)
{
    struct machine *machine = *state;

    kvm_host();
    assert_ok(vhv_config_set(machine->config, "cpuid.1.ecx", NEED_EIST));
    machine_make(machine, CODE_RAM);
    assert_fails(vhv_vm_power_on(machine->vm), EOPNOTSUPP, "cpuid.1.ecx");
    assert_non_null(strstr(vhv_error_message(), "bit 7"));
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_REQUIREMENT_UNMET);
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_CONFIGURE);
    assert_non_null(vhv_vcpu_guest_cpuid(machine->vcpu));
}

static void vm_power_on_report_only_takes_unmet_requirement(void **state)
{
    struct machine *machine = *state;

    assert_ok(vhv_config_set(machine->config, "cpuid.1.ecx", NEED_EIST));
    machine->options.report_only = true;
    machine_make(machine, CODE_RAM);
    assert_ok(vhv_vm_power_on(machine->vm));
    assert_non_null(vhv_guest_cpuid_finding(vhv_vcpu_guest_cpuid(machine->vcpu), 0));
}

enum { KVM_SIGNATURE_EBX = 0x4b4d564b, MSR_KVM_SYSTEM_TIME_NEW = 0x4b564d01 };
enum { GENERAL_PROTECTION = 13 };

static uint32_t vector_of_rdmsr(struct machine *machine, uint32_t index)
{
    struct guest_parameters parameters = {
        .mode = GUEST_READ_MSRS, .count = 1, .msrs = {{.index = index}}};
    struct recording recording = {0};

    payload_load(machine, &parameters);
    payload_run(machine, &recording);
    payload_parameters(machine, &parameters);
    return parameters.msrs[0].vector;
}

static void hypervisor_is_shown_by_default(void **state)
{
    struct machine *machine = *state;

    power_on(machine);
    assert_true(execute_one(machine, 1, 0).ecx >> ECX_HYPERVISOR & 1);
    assert_int_equal(execute_one(machine, 0x40000000, 0).ebx, KVM_SIGNATURE_EBX);
    assert_int_equal(vector_of_rdmsr(machine, MSR_KVM_SYSTEM_TIME_NEW), GUEST_NO_EXCEPTION);
}

static void hypervisor_hidden_leaves_no_trace(void **state)
{
    struct machine *machine = *state;

    assert_ok(vhv_config_set(machine->config, "hypervisor.cpuid.v0", "FALSE"));
    power_on(machine);
    assert_false(execute_one(machine, 1, 0).ecx >> ECX_HYPERVISOR & 1);
    assert_int_not_equal(execute_one(machine, 0x40000000, 0).ebx, KVM_SIGNATURE_EBX);
    assert_int_not_equal(execute_one(machine, 0x40000001, 0).eax,
                         vhv_cpuid_get(vhv_host_supported(kvm_host()), 0x40000001, 0, VHV_EAX));
    if (vhv_host_capability(kvm_host(), KVM_CAP_ENFORCE_PV_FEATURE_CPUID, NULL) == VHV_YES)
        assert_int_equal(vector_of_rdmsr(machine, MSR_KVM_SYSTEM_TIME_NEW), GENERAL_PROTECTION);
}

static void guest_cpuid_apic_id_is_the_vcpus(void **state)
{
    struct machine *machine = *state;

    assert_ok(vhv_config_set(machine->config, "numvcpus", "2"));
    power_on(machine);
    assert_int_equal(execute_one(machine, 1, 0).ebx >> 24, 0);
    machine->vcpu = vhv_vm_vcpu(machine->vm, 1);
    assert_int_equal(execute_one(machine, 1, 0).ebx >> 24, 1);
    assert_int_equal(execute_one(machine, 1, 0).ebx >> 16 & 0xff, 2);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(guest_cpuid_table_is_what_the_guest_reads),
    MACHINE_TEST(guest_cpuid_mask_hides_a_bit_and_no_other),
    MACHINE_TEST(guest_cpuid_mask_forces_a_bit_that_kvm_lacks),
    MACHINE_TEST(guest_cpuid_apic_id_is_the_vcpus),
    MACHINE_TEST(vm_power_on_unmet_requirement_is_refused),
    MACHINE_TEST(vm_power_on_report_only_takes_unmet_requirement),
    MACHINE_TEST(hypervisor_is_shown_by_default),
    MACHINE_TEST(hypervisor_hidden_leaves_no_trace),
};

const struct test_list cpuid_tests = TEST_LIST(tests);
