/* SPDX-License-Identifier: MIT */
/* What VMX has and SVM has not: IA32_FEATURE_CONTROL and the capability MSRs. */
#include "tests.h"

enum {
    MSR_FEATURE_CONTROL = 0x3a,
    MSR_VMX_FIRST = 0x480,
    MSR_VMX_CR4_FIXED1 = 0x489,
    MSR_VMX_PROCBASED2 = 0x48b,
    MSR_VMX_LAST = 0x491,
};

/* Of IA32_VMX_PROCBASED_CTLS2, bit n of the allowed-1 settings. */
#define ALLOWED_1(n) (UINT64_C(1) << (32 + (n)))
enum {
    ENABLE_EPT = 1,
    ENABLE_RDTSCP = 3,
    VIRTUALIZE_X2APIC = 4,
    UNRESTRICTED_GUEST = 7,
    ENABLE_INVPCID = 12,
};

/* With a local APIC, since KVM supports x2APIC, and so its controls, only with one. */
static void start(struct machine *machine, const struct guest_parameters *parameters)
{
    machine->options.irqchip = VHV_IRQCHIP_KERNEL;
    assert_ok(vhv_config_set(machine->config, "vhv.enable", "TRUE"));
    payload_start(machine, parameters);
}

/* What the guest reads of an MSR that must be there. */
static uint64_t msr_of(struct machine *machine, uint32_t index)
{
    struct guest_parameters parameters = {
        .mode = GUEST_READ_MSRS, .count = 1, .msrs = {{.index = index}}};
    struct recording recording = {0};

    payload_load(machine, &parameters);
    payload_run(machine, &recording);
    payload_parameters(machine, &parameters);
    assert_int_equal(parameters.msrs[0].vector, GUEST_NO_EXCEPTION);
    return parameters.msrs[0].value;
}

static void feature_control_on_is_locked_with_vmxon(void **state)
{
    need_nesting_of(VHV_VENDOR_INTEL);
    start(*state, &(struct guest_parameters){.mode = GUEST_NESTED});
    assert_int_equal(msr_of(*state, MSR_FEATURE_CONTROL), 5);
}

static void feature_control_off_permits_nothing(void **state)
{
    need_nesting_of(VHV_VENDOR_INTEL);
    payload_start(*state, &(struct guest_parameters){.mode = GUEST_NESTED});
    assert_int_equal(msr_of(*state, MSR_FEATURE_CONTROL) & 4, 0);
}

static void feature_control_unlocked_by_the_program_stops_the_guest_hypervisor(void **state)
{
    const struct vhv_msr unlocked = {MSR_FEATURE_CONTROL, 0};
    struct machine *machine = *state;

    need_nesting_of(VHV_VENDOR_INTEL);
    start(machine, &(struct guest_parameters){.mode = GUEST_NESTED});
    assert_int_equal(vhv_vcpu_set_msrs(machine->vcpu, &unlocked, 1), 1);
    expect_end(machine, GUEST_VMX_NOT_PERMITTED);
}

static void capability_msrs_are_what_kvm_offers(void **state)
{
    struct guest_parameters parameters = {.mode = GUEST_READ_MSRS};
    struct machine *machine = *state;
    struct recording recording = {0};

    need_nesting_of(VHV_VENDOR_INTEL);
    for (uint32_t index = MSR_VMX_FIRST; index <= MSR_VMX_LAST; index++) {
        /* KVM makes this one of the guest's CPUID. */
        if (index != MSR_VMX_CR4_FIXED1)
            parameters.msrs[parameters.count++].index = index;
    }
    start(machine, &parameters);
    payload_run(machine, &recording);
    payload_parameters(machine, &parameters);
    for (uint32_t i = 0; i < parameters.count; i++) {
        const struct guest_msr *msr = &parameters.msrs[i];
        uint64_t offered = 0;

        if (vhv_host_feature_msr(kvm_host(), msr->index, &offered) != VHV_YES)
            continue;
        assert_int_equal(msr->vector, GUEST_NO_EXCEPTION);
        if (msr->value != offered)
            fail_msg("MSR %#x: the guest reads %#llx, and KVM offers %#llx", msr->index,
                     (unsigned long long)msr->value, (unsigned long long)offered);
    }
}

/* Hides a feature, whose control the processor must have, and expects that to be gone. */
static void hide(struct machine *machine, const char *key, const char *mask, unsigned control)
{
    uint64_t offered = 0;

    need_nesting_of(VHV_VENDOR_INTEL);
    assert_int_equal(vhv_host_feature_msr(kvm_host(), MSR_VMX_PROCBASED2, &offered), VHV_YES);
    if (!(offered & ALLOWED_1(control)))
        skip_because("this processor lacks the control");
    assert_ok(vhv_config_set(machine->config, key, mask));
    start(machine, &(struct guest_parameters){.mode = GUEST_READ_MSRS});
    assert_int_equal(msr_of(machine, MSR_VMX_PROCBASED2), offered & ~ALLOWED_1(control));
}

static void mask_hiding_rdtscp_takes_its_control(void **state)
{
    hide(*state, "cpuid.80000001.edx", "----:0---:----:----:----:----:----:----", ENABLE_RDTSCP);
}

static void mask_hiding_invpcid_takes_its_control(void **state)
{
    hide(*state, "cpuid.7.ebx", "----:----:----:----:----:-0--:----:----", ENABLE_INVPCID);
}

/* Without a local APIC in the kernel there is no x2APIC to virtualize. */
static void x2apic_that_kvm_lacks_takes_its_control(void **state)
{
    struct machine *machine = *state;

    need_nesting_of(VHV_VENDOR_INTEL);
    start_nested(machine, GUEST_READ_MSRS, false);
    assert_int_equal(msr_of(machine, MSR_VMX_PROCBASED2) & ALLOWED_1(VIRTUALIZE_X2APIC), 0);
}

/* No bit of CPUID is EPT's. */
static void setting_hiding_nested_paging_takes_ept(void **state)
{
    struct machine *machine = *state;

    need_nesting_of(VHV_VENDOR_INTEL);
    assert_ok(vhv_config_set(machine->config, "vhv.nestedPaging", "FALSE"));
    start(machine, &(struct guest_parameters){.mode = GUEST_READ_MSRS});
    assert_int_equal(msr_of(machine, MSR_VMX_PROCBASED2) &
                         (ALLOWED_1(ENABLE_EPT) | ALLOWED_1(UNRESTRICTED_GUEST)),
                     0);
}

/* The guest hypervisor's VMREAD and VMWRITE do not exit then; everything else in this program ran
 * with it, too. */
static void shadow_vmcs_is_on_and_serves(void **state)
{
    FILE *parameter = fopen("/sys/module/kvm_intel/parameters/enable_shadow_vmcs", "r");
    int value = parameter ? getc(parameter) : EOF;
    struct recording recording = {0};

    if (parameter)
        fclose(parameter);
    need_nesting_of(VHV_VENDOR_INTEL);
    if (value != 'Y')
        skip_because("the processor has no VMCS shadowing, or kvm_intel does not use it");
    start(*state, &(struct guest_parameters){.mode = GUEST_NESTED});
    payload_run(*state, &recording);
    assert_all_steps(&recording, false);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(feature_control_on_is_locked_with_vmxon),
    MACHINE_TEST(feature_control_off_permits_nothing),
    MACHINE_TEST(feature_control_unlocked_by_the_program_stops_the_guest_hypervisor),
    MACHINE_TEST(capability_msrs_are_what_kvm_offers),
    MACHINE_TEST(mask_hiding_rdtscp_takes_its_control),
    MACHINE_TEST(mask_hiding_invpcid_takes_its_control),
    MACHINE_TEST(x2apic_that_kvm_lacks_takes_its_control),
    MACHINE_TEST(setting_hiding_nested_paging_takes_ept),
    MACHINE_TEST(shadow_vmcs_is_on_and_serves),
};

const struct test_list vmx_tests = TEST_LIST(tests);
