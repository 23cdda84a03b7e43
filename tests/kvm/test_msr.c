/* SPDX-License-Identifier: MIT */
/* Model-specific registers: lists that KVM takes whole or in part. */
#include "tests.h"

enum {
    SYSENTER_CS = 0x174,
    SYSENTER_ESP = 0x175,
    SYSENTER_EIP = 0x176,
    NO_MSR = 0x12345678 /* no processor has it */
};

static void vcpu_set_msrs_are_read_back(void **state)
{
    const struct vhv_msr written[] = {
        {SYSENTER_CS, 0x10}, {SYSENTER_ESP, 0x12345000}, {SYSENTER_EIP, 0x6789a000}};
    struct vhv_msr read[] = {{SYSENTER_CS, 0}, {SYSENTER_ESP, 0}, {SYSENTER_EIP, 0}};
    struct machine *machine = *state;

    machine_start(machine, CODE(halt));
    assert_int_equal(vhv_vcpu_set_msrs(machine->vcpu, written, 3), 3);
    assert_int_equal(vhv_vcpu_get_msrs(machine->vcpu, read, 3), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(read[i].value, written[i].value);
}

static void vcpu_set_msrs_refused_one_is_the_result(void **state)
{
    const struct vhv_msr written[] = {{SYSENTER_ESP, 0x1000}, {NO_MSR, 1}, {SYSENTER_EIP, 0x2000}};
    struct vhv_msr read[] = {{SYSENTER_ESP, 0}, {SYSENTER_EIP, 0}};
    struct machine *machine = *state;

    machine_start(machine, CODE(halt));
    assert_int_equal(vhv_vcpu_set_msrs(machine->vcpu, written, 3), 1);
    assert_non_null(strstr(vhv_error_message(), "0x12345678"));
    assert_int_equal(vhv_vcpu_get_msrs(machine->vcpu, read, 2), 2);
    assert_int_equal(read[0].value, 0x1000);
    assert_int_equal(read[1].value, 0);
}

static void vcpu_get_msrs_refused_one_is_the_result(void **state)
{
    struct vhv_msr read[] = {{SYSENTER_ESP, 7}, {NO_MSR, 7}};
    struct machine *machine = *state;

    machine_start(machine, CODE(halt));
    assert_int_equal(vhv_vcpu_get_msrs(machine->vcpu, read, 2), 1);
    assert_non_null(strstr(vhv_error_message(), "0x12345678"));
    assert_int_equal(read[0].value, 0);
    assert_int_equal(read[1].value, 7);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vcpu_set_msrs_are_read_back),
    MACHINE_TEST(vcpu_set_msrs_refused_one_is_the_result),
    MACHINE_TEST(vcpu_get_msrs_refused_one_is_the_result),
};

const struct test_list msr_tests = TEST_LIST(tests);
