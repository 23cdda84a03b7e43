/* SPDX-License-Identifier: MIT */
/* Virtualized HV that is off is off: CPUID does not show it, and what it has faults. */
#include "tests.h"

enum { INVALID_OPCODE = 6, GENERAL_PROTECTION = 13 };

enum { MSR_VMX_FIRST = 0x480, MSR_VMX_LAST = 0x491 };

/* The guest cannot use what its processor has; on any backend of KVM. */
static void assert_off(struct machine *machine)
{
    const struct guest_parameters parameters = {.mode = GUEST_PROBE};
    struct recording recording = {0};

    payload_start(machine, &parameters);
    assert_false(vhv_vm_has_vhv(machine->vm));
    payload_run(machine, &recording);
    payload_expect_status(&recording, GUEST_DONE);
    assert_int_equal(payload_report(&recording, GUEST_TAG_PROBE_SHOWN)->value, 0);
    assert_int_equal(payload_report(&recording, GUEST_TAG_PROBE_ENTER)->value, INVALID_OPCODE);
    assert_int_equal(payload_report(&recording, GUEST_TAG_PROBE_ENABLE)->value, GENERAL_PROTECTION);
    if (payload_report(&recording, GUEST_TAG_PROBE_PROCESSOR)->value == GUEST_SVM) {
        assert_int_equal(payload_report(&recording, GUEST_TAG_PROBE_EAX_EBX)->value, 0);
        assert_int_equal(payload_report(&recording, GUEST_TAG_PROBE_ECX_EDX)->value, 0);
    }
}

static void vhv_by_default_is_off(void **state)
{
    assert_off(*state);
}

static void vhv_enable_false_is_off(void **state)
{
    struct machine *machine = *state;

    assert_ok(vhv_config_set(machine->config, "vhv.enable", "FALSE"));
    assert_off(machine);
}

/* The mask is last, and takes away what the setting gave; the rest of it must go, too. */
static void vhv_enable_with_mask_hiding_it_is_off(void **state)
{
    struct machine *machine = *state;

    need_nesting();
    assert_ok(vhv_config_set(machine->config, "vhv.enable", "TRUE"));
    assert_ok(
        vhv_config_set(machine->config, "cpuid.1.ecx", "----:----:----:----:----:----:--0-:----"));
    assert_ok(vhv_config_set(machine->config, "cpuid.80000001.ecx.amd",
                             "----:----:----:----:----:----:----:-0--"));
    assert_off(machine);
}

static void vhv_off_vmx_msrs_are_not_there(void **state)
{
    struct guest_parameters parameters = {.mode = GUEST_READ_MSRS};
    struct machine *machine = *state;
    struct recording recording = {0};

    need_nesting_of(VHV_VENDOR_INTEL);
    for (uint32_t index = MSR_VMX_FIRST; index <= MSR_VMX_LAST; index++)
        parameters.msrs[parameters.count++].index = index;
    payload_start(machine, &parameters);
    payload_run(machine, &recording);
    payload_parameters(machine, &parameters);
    for (uint32_t i = 0; i < parameters.count; i++)
        assert_int_equal(parameters.msrs[i].vector, GENERAL_PROTECTION);
}

static void vhv_off_guest_hypervisor_finds_nothing(void **state)
{
    const struct guest_parameters parameters = {.mode = GUEST_NESTED};

    payload_start(*state, &parameters);
    expect_end(*state, GUEST_NO_EXTENSION);
}

static void vhv_enable_where_it_cannot_be_had_is_refused(void **state)
{
    const struct vhv_verdict *verdict = vhv_host_verdict(kvm_host());
    struct machine *machine = *state;

    if (verdict->nesting == VHV_NESTING_YES)
        skip_because("guests can nest here");
    assert_ok(vhv_config_set(machine->config, "vhv.enable", "TRUE"));
    machine_make(machine, GUEST_MEMORY_BYTES);
    assert_fails(vhv_vm_power_on(machine->vm), ENOTSUP, verdict->because);
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_CANNOT_NEST);
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_CONFIGURE);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vhv_by_default_is_off),
    MACHINE_TEST(vhv_enable_false_is_off),
    MACHINE_TEST(vhv_enable_with_mask_hiding_it_is_off),
    MACHINE_TEST(vhv_off_vmx_msrs_are_not_there),
    MACHINE_TEST(vhv_off_guest_hypervisor_finds_nothing),
    MACHINE_TEST(vhv_enable_where_it_cannot_be_had_is_refused),
};

const struct test_list off_tests = TEST_LIST(tests);
