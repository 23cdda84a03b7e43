/* SPDX-License-Identifier: MIT */
/* Rules on a guest's MSRs, and MSRs of features that CPUID hides. */
#include "../support/payload.h"
#include "tests.h"

enum {
    SYSENTER_CS = 0x174,
    SYSENTER_ESP = 0x175,
    SYSENTER_EIP = 0x176,
    NO_MSR = 0x12345678 /* no processor has it */
};

#define EFER 0xc0000080

enum { GENERAL_PROTECTION = 13 };

/* Adds rules, which must have place, and powers the machine on. */
static void power_on_with(struct machine *machine, const struct vhv_msr_rule *rules, size_t count)
{
    machine_make(machine, GUEST_MEMORY_BYTES);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(vhv_vm_msr_rule_add(machine->vm, &rules[i]), i);
    assert_ok(vhv_vm_power_on(machine->vm));
}

#define RULES(...)                                \
    ((const struct vhv_msr_rule[]){__VA_ARGS__}), \
        sizeof((const struct vhv_msr_rule[]){__VA_ARGS__}) / sizeof(struct vhv_msr_rule)

/* Runs the guest until it ends or an MSR is told. */
static void go_on(struct machine *machine, struct vhv_exit *exit)
{
    assert_ok(vhv_vcpu_run(machine->vcpu, exit));
    if (exit->reason == VHV_EXIT_IO && exit->io.port == GUEST_PORT_END)
        assert_int_equal(*(uint32_t *)exit->io.data, GUEST_DONE);
    else if (exit->reason != VHV_EXIT_MSR)
        fail_msg("exit is \"%s\" (%u)", vhv_exit_reason_name(exit->reason), exit->kvm_reason);
}

/* Has the guest read or write MSRs, none of which is told. */
static void execute(struct machine *machine, struct guest_parameters *parameters)
{
    struct vhv_exit exit;

    payload_load(machine, parameters);
    go_on(machine, &exit);
    assert_int_equal(exit.reason, VHV_EXIT_IO);
    payload_parameters(machine, parameters);
}

/* The value of an MSR that the guest reads without an exception. */
static uint64_t guest_reads(struct machine *machine, uint32_t index)
{
    struct guest_parameters parameters = {
        .mode = GUEST_READ_MSRS, .count = 1, .msrs = {{.index = index}}};

    execute(machine, &parameters);
    assert_int_equal(parameters.msrs[0].vector, GUEST_NO_EXCEPTION);
    return parameters.msrs[0].value;
}

static uint32_t vector_of_read(struct machine *machine, uint32_t index)
{
    struct guest_parameters parameters = {
        .mode = GUEST_READ_MSRS, .count = 1, .msrs = {{.index = index}}};

    execute(machine, &parameters);
    return parameters.msrs[0].vector;
}

static uint32_t vector_of_write(struct machine *machine, uint32_t index, uint64_t value)
{
    struct guest_parameters parameters = {
        .mode = GUEST_WRITE_MSRS, .count = 1, .msrs = {{.index = index, .value = value}}};

    execute(machine, &parameters);
    return parameters.msrs[0].vector;
}

static uint64_t value_of(struct machine *machine, uint32_t index)
{
    struct vhv_msr msr = {.index = index};

    assert_int_equal(vhv_vcpu_get_msrs(machine->vcpu, &msr, 1), 1);
    return msr.value;
}

static void set_value(struct machine *machine, uint32_t index, uint64_t value)
{
    const struct vhv_msr msr = {.index = index, .value = value};

    assert_int_equal(vhv_vcpu_set_msrs(machine->vcpu, &msr, 1), 1);
}

static void assert_tries(const struct machine *machine, size_t rule, uint64_t reads,
                         uint64_t writes)
{
    struct vhv_msr_tries tries = {0};

    assert_non_null(vhv_vm_msr_rule(machine->vm, rule, &tries));
    assert_int_equal(tries.reads, reads);
    assert_int_equal(tries.writes, writes);
}

static void msr_rule_fault_is_an_exception_and_counted(void **state)
{
    struct machine *machine = *state;

    power_on_with(machine, RULES({SYSENTER_ESP, SYSENTER_ESP, .action = VHV_MSR_FAULT}));
    assert_int_equal(vector_of_read(machine, SYSENTER_ESP), GENERAL_PROTECTION);
    assert_int_equal(vector_of_read(machine, SYSENTER_ESP), GENERAL_PROTECTION);
    assert_int_equal(vector_of_write(machine, SYSENTER_ESP, 0x1000), GENERAL_PROTECTION);
    assert_int_equal(value_of(machine, SYSENTER_ESP), 0);
    assert_int_equal(vector_of_write(machine, SYSENTER_EIP, 0x2000), GUEST_NO_EXCEPTION);
    assert_int_equal(value_of(machine, SYSENTER_EIP), 0x2000);
    assert_tries(machine, 0, 2, 1);
}

static void msr_rule_ignore_reads_zero_and_drops_writes(void **state)
{
    struct machine *machine = *state;

    power_on_with(machine, RULES({SYSENTER_CS, SYSENTER_EIP, .action = VHV_MSR_IGNORE},
                                 {NO_MSR, NO_MSR, .action = VHV_MSR_IGNORE}));
    set_value(machine, SYSENTER_ESP, 0x1234);
    assert_int_equal(guest_reads(machine, SYSENTER_ESP), 0);
    assert_int_equal(vector_of_write(machine, SYSENTER_ESP, 5), GUEST_NO_EXCEPTION);
    assert_int_equal(value_of(machine, SYSENTER_ESP), 0x1234);
    assert_tries(machine, 0, 1, 1);
    assert_int_equal(guest_reads(machine, NO_MSR), 0);
    assert_int_equal(vector_of_write(machine, NO_MSR, 5), GUEST_NO_EXCEPTION);
    assert_tries(machine, 1, 1, 1);
}

static void msr_rule_exit_read_gets_the_programs_answer(void **state)
{
    struct guest_parameters parameters = {
        .mode = GUEST_READ_MSRS, .count = 2, .msrs = {{.index = NO_MSR}, {.index = NO_MSR}}};
    struct machine *machine = *state;
    struct vhv_exit exit;

    power_on_with(machine, RULES({NO_MSR, NO_MSR, .action = VHV_MSR_EXIT}));
    payload_load(machine, &parameters);
    go_on(machine, &exit);
    assert_int_equal(exit.reason, VHV_EXIT_MSR);
    assert_int_equal(exit.msr.index, NO_MSR);
    assert_false(exit.msr.is_write);
    *exit.msr.value = 0x123456789abcdef0;
    go_on(machine, &exit);
    assert_int_equal(exit.reason, VHV_EXIT_MSR);
    *exit.msr.error = 1;
    go_on(machine, &exit);
    assert_int_equal(exit.reason, VHV_EXIT_IO);
    payload_parameters(machine, &parameters);
    assert_int_equal(parameters.msrs[0].vector, GUEST_NO_EXCEPTION);
    assert_int_equal(parameters.msrs[0].value, 0x123456789abcdef0);
    assert_int_equal(parameters.msrs[1].vector, GENERAL_PROTECTION);
    assert_tries(machine, 0, 2, 0);
}

static void msr_rule_exit_write_tells_the_value(void **state)
{
    const struct guest_parameters parameters = {
        .mode = GUEST_WRITE_MSRS,
        .count = 1,
        .msrs = {{.index = SYSENTER_ESP, .value = 0x8877665544332211}}};
    struct machine *machine = *state;
    struct vhv_exit exit;

    power_on_with(machine, RULES({SYSENTER_ESP, SYSENTER_ESP, VHV_MSR_WRITE, VHV_MSR_EXIT}));
    payload_load(machine, &parameters);
    go_on(machine, &exit);
    assert_int_equal(exit.reason, VHV_EXIT_MSR);
    assert_true(exit.msr.is_write);
    assert_int_equal(*exit.msr.value, 0x8877665544332211);
    go_on(machine, &exit);
    assert_int_equal(exit.reason, VHV_EXIT_IO);
    assert_int_equal(value_of(machine, SYSENTER_ESP), 0);
    assert_int_equal(guest_reads(machine, SYSENTER_ESP), 0);
    assert_tries(machine, 0, 0, 1);
}

static void msr_rule_of_one_access_leaves_the_other(void **state)
{
    struct machine *machine = *state;

    power_on_with(machine, RULES({SYSENTER_ESP, SYSENTER_ESP, VHV_MSR_WRITE, VHV_MSR_FAULT},
                                 {SYSENTER_EIP, SYSENTER_EIP, VHV_MSR_READ, VHV_MSR_FAULT}));
    set_value(machine, SYSENTER_ESP, 0x1234);
    assert_int_equal(guest_reads(machine, SYSENTER_ESP), 0x1234);
    assert_int_equal(vector_of_write(machine, SYSENTER_ESP, 5), GENERAL_PROTECTION);
    assert_int_equal(vector_of_read(machine, SYSENTER_EIP), GENERAL_PROTECTION);
    assert_int_equal(vector_of_write(machine, SYSENTER_EIP, 5), GUEST_NO_EXCEPTION);
    assert_int_equal(value_of(machine, SYSENTER_EIP), 5);
    assert_tries(machine, 0, 0, 1);
    assert_tries(machine, 1, 1, 0);
}

static void msr_rule_first_one_decides(void **state)
{
    struct machine *machine = *state;

    power_on_with(machine, RULES({SYSENTER_ESP, SYSENTER_ESP, .action = VHV_MSR_ALLOW},
                                 {SYSENTER_CS, SYSENTER_ESP, .action = VHV_MSR_FAULT},
                                 {SYSENTER_CS, SYSENTER_EIP, .action = VHV_MSR_IGNORE}));
    set_value(machine, SYSENTER_ESP, 0x1234);
    assert_int_equal(guest_reads(machine, SYSENTER_ESP), 0x1234);
    assert_int_equal(vector_of_read(machine, SYSENTER_CS), GENERAL_PROTECTION);
    assert_int_equal(guest_reads(machine, SYSENTER_EIP), 0);
    assert_tries(machine, 0, 0, 0);
    assert_tries(machine, 1, 1, 0);
    assert_tries(machine, 2, 1, 0);
}

/* The guest enters 64-bit mode by EFER. */
static void msr_rule_for_all_is_for_the_rest(void **state)
{
    struct machine *machine = *state;

    power_on_with(machine, RULES({EFER, EFER, .action = VHV_MSR_ALLOW},
                                 {SYSENTER_ESP, SYSENTER_ESP, .action = VHV_MSR_IGNORE},
                                 {0, UINT32_MAX, .action = VHV_MSR_FAULT}));
    assert_int_equal(guest_reads(machine, SYSENTER_ESP), 0);
    assert_int_equal(vector_of_read(machine, SYSENTER_EIP), GENERAL_PROTECTION);
    assert_int_equal(vector_of_read(machine, 0xc0000081), GENERAL_PROTECTION);
    assert_tries(machine, 1, 1, 0);
    assert_tries(machine, 2, 2, 0);
}

/* A range of KVM's filter ends within it. */
static void msr_rule_wider_than_a_range_reaches_its_ends(void **state)
{
    struct machine *machine = *state;

    power_on_with(machine, RULES({0x12340000, 0x12345678, .action = VHV_MSR_IGNORE}));
    assert_int_equal(guest_reads(machine, 0x12340000), 0);
    assert_int_equal(guest_reads(machine, 0x12342fff), 0);
    assert_int_equal(guest_reads(machine, 0x12343000), 0);
    assert_int_equal(guest_reads(machine, 0x12345678), 0);
    assert_int_equal(vector_of_read(machine, 0x12345679), GENERAL_PROTECTION);
    assert_int_equal(vector_of_read(machine, 0x1233ffff), GENERAL_PROTECTION);
}

static void msr_rule_raw_run_has_the_answer(void **state)
{
    const struct guest_parameters parameters = {
        .mode = GUEST_READ_MSRS, .count = 1, .msrs = {{.index = SYSENTER_ESP}}};
    struct machine *machine = *state;
    struct vhv_exit exit;

    power_on_with(machine, RULES({SYSENTER_ESP, SYSENTER_ESP, .action = VHV_MSR_FAULT}));
    payload_load(machine, &parameters);
    assert_ok(vhv_vcpu_run_once(machine->vcpu, &exit));
    assert_int_equal(exit.reason, VHV_EXIT_MSR);
    assert_int_equal(exit.msr.index, SYSENTER_ESP);
    assert_int_equal(*exit.msr.error, 1);
    assert_tries(machine, 0, 1, 0);
}

/* What the program does to MSRs is not the guest's business. */
static void msr_rule_does_not_keep_state_from_being_saved(void **state)
{
    struct machine *machine = *state;
    struct vhv_vcpu_state *saved = NULL;

    power_on_with(machine, RULES({SYSENTER_CS, SYSENTER_EIP, .action = VHV_MSR_FAULT}));
    set_value(machine, SYSENTER_ESP, 0x1234);
    assert_ok(vhv_vcpu_save(&saved, machine->vcpu));
    set_value(machine, SYSENTER_ESP, 0x5678);
    assert_ok(vhv_vcpu_restore(machine->vcpu, saved));
    vhv_vcpu_state_free(saved);
    assert_int_equal(value_of(machine, SYSENTER_ESP), 0x1234);
}

/* KVM keeps to CPUID by itself. */
static void vhv_off_no_msr_switches_it_on(void **state)
{
    enum { FEATURE_CONTROL = 0x3a, LOCKED_WITH_VMXON = 5, LME_LMA = 0x500, SVME = 1 << 12 };
    struct machine *machine = *state;

    power_on_with(machine, NULL, 0);
    assert_int_equal(vector_of_write(machine, FEATURE_CONTROL, LOCKED_WITH_VMXON),
                     GENERAL_PROTECTION);
    assert_int_equal(vector_of_write(machine, EFER, LME_LMA), GUEST_NO_EXCEPTION);
    assert_int_equal(vector_of_write(machine, EFER, LME_LMA | SVME), GENERAL_PROTECTION);
}

static void power_on_hiding_msrs(struct machine *machine)
{
    machine->options.hide_msrs = true;
    machine_make(machine, GUEST_MEMORY_BYTES);
    assert_ok(vhv_vm_power_on(machine->vm));
}

static void hide_msrs_of_virtualized_hv_that_is_off_fault(void **state)
{
    static const uint32_t msrs[] = {0xc0010114, 0xc0010115, 0xc0010116, 0xc0010117, 0xc0010118,
                                    0x480,      0x485,      0x48b,      0x491};
    struct machine *machine = *state;

    power_on_hiding_msrs(machine);
    for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
        if (vector_of_read(machine, msrs[i]) != GENERAL_PROTECTION ||
            vector_of_write(machine, msrs[i], 0) != GENERAL_PROTECTION)
            fail_msg("MSR %#x is there", msrs[i]);
    }
    assert_int_equal(vhv_vm_msr_rule(machine->vm, 0, NULL)->first, 0xc0010114);
    assert_tries(machine, 0, 5, 5);
    assert_tries(machine, 1, 4, 4);
    assert_null(vhv_vm_msr_rule(machine->vm, 2, NULL));
}

static void hide_msrs_of_virtualized_hv_that_is_on_are_live(void **state)
{
    struct machine *machine = *state;

    if (vhv_host_verdict(kvm_host())->nesting != VHV_NESTING_YES)
        skip_because("guests cannot nest here");
    assert_ok(vhv_config_set(machine->config, "vhv.enable", "TRUE"));
    power_on_hiding_msrs(machine);
    if (vhv_cpuid_vendor(vhv_host_supported(kvm_host())) == VHV_VENDOR_AMD) {
        assert_int_equal(vector_of_write(machine, 0xc0010117, 0x1000), GUEST_NO_EXCEPTION);
        assert_int_equal(guest_reads(machine, 0xc0010117), 0x1000);
    } else {
        assert_int_not_equal(guest_reads(machine, 0x480), 0);
    }
}

static void hide_msrs_of_hidden_hypervisor_fault(void **state)
{
    static const uint32_t msrs[] = {0x11, 0x12, 0x4b564d00, 0x4b564d01, 0x4b564d04, 0x4b564dff};
    struct machine *machine = *state;

    assert_ok(vhv_config_set(machine->config, "hypervisor.cpuid.v0", "FALSE"));
    power_on_hiding_msrs(machine);
    for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++)
        assert_int_equal(vector_of_read(machine, msrs[i]), GENERAL_PROTECTION);
    assert_tries(machine, 2, 2, 0);
    assert_tries(machine, 3, 4, 0);
}

static void hide_msrs_of_shown_hypervisor_are_live(void **state)
{
    struct machine *machine = *state;

    power_on_hiding_msrs(machine);
    assert_int_equal(vector_of_read(machine, 0x4b564d01), GUEST_NO_EXCEPTION);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(msr_rule_fault_is_an_exception_and_counted),
    MACHINE_TEST(msr_rule_ignore_reads_zero_and_drops_writes),
    MACHINE_TEST(msr_rule_exit_read_gets_the_programs_answer),
    MACHINE_TEST(msr_rule_exit_write_tells_the_value),
    MACHINE_TEST(msr_rule_of_one_access_leaves_the_other),
    MACHINE_TEST(msr_rule_first_one_decides),
    MACHINE_TEST(msr_rule_for_all_is_for_the_rest),
    MACHINE_TEST(msr_rule_wider_than_a_range_reaches_its_ends),
    MACHINE_TEST(msr_rule_raw_run_has_the_answer),
    MACHINE_TEST(msr_rule_does_not_keep_state_from_being_saved),
    MACHINE_TEST(vhv_off_no_msr_switches_it_on),
    MACHINE_TEST(hide_msrs_of_virtualized_hv_that_is_off_fault),
    MACHINE_TEST(hide_msrs_of_virtualized_hv_that_is_on_are_live),
    MACHINE_TEST(hide_msrs_of_hidden_hypervisor_fault),
    MACHINE_TEST(hide_msrs_of_shown_hypervisor_are_live),
};

const struct test_list msr_filter_tests = TEST_LIST(tests);
