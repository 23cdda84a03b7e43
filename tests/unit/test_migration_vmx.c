/* SPDX-License-Identifier: MIT */
/* Whether a VM may go from one host to another, by its VMX capability MSRs. */
#include "journey.h"

static void migration_check_vmx_msrs_are_held_to_kvms_rules(void **state)
{
    struct journey *journey = between_intel();
    struct fleet *fleet = journey->fleet;

    (void)state;
    fleet_msr(fleet, 1, 0x48b, UINT64_C(1) << 37, 0);
    fleet_msr(fleet, 1, 0x48d, 0, 1 << 5);
    fleet_msr(fleet, 1, 0x480, UINT64_C(0x1fff) << 32, UINT64_C(0x1400) << 32);
    assert_may_go(journey); /* without VMX */
    with_vhv(journey);
    try_to_go(journey);
    obstacle(journey, "IA32_VMX_BASIC bits 44:32 (size of a VMCS) is 5120 on esx2, and 4096 in "
                      "the guest");
    obstacle(journey, "IA32_VMX_PROCBASED_CTLS2 bit 37 (enable VPID) is 0 on esx2, and 1 in the "
                      "guest");
    obstacle(journey, "IA32_VMX_TRUE_PINBASED_CTLS bit 5 (virtual NMIs) is 1 on esx2, and 0 in "
                      "the guest");
    assert_int_equal(journey->count, 3);
    fleet_msr(fleet, 1, 0x480, 0x7fffffff, 0x12);
    try_to_go(journey);
    obstacle(journey, "IA32_VMX_BASIC bits 30:0 (VMCS revision) is 18 on esx2, and 0x11e57ed0 in "
                      "the guest");
    journey_end(journey);
}

/* KVM makes these itself, and takes no other values. */
static void migration_check_vmx_msrs_that_kvm_makes_are_not_compared(void **state)
{
    struct journey *journey = between_intel();

    (void)state;
    with_vhv(journey);
    fleet_msr(journey->fleet, 1, 0x489, UINT64_C(1) << 20, 0);
    fleet_msr(journey->fleet, 1, 0x487, UINT64_C(1) << 20, 0);
    fleet_msr(journey->fleet, 1, 0x481, 0, 1 << 5);
    assert_may_go(journey);
    journey_end(journey);
}

/* The power-on leaves out controls of features that CPUID hides, and EPT if it is to. */
static void migration_check_vmx_controls_hidden_from_the_guest_are_not_needed(void **state)
{
    struct journey *journey = between_intel();
    struct fleet *fleet = journey->fleet;

    (void)state;
    with_vhv(journey);
    fleet_msr(fleet, 1, 0x48b, UINT64_C(1) << (32 + 12), 0);
    assert_kept_by(journey, "IA32_VMX_PROCBASED_CTLS2 bit 44 (enable INVPCID) is 0 on esx2, and 1 "
                            "in the guest");
    ask_bit(journey->vm, 1, "cpuid.7.ebx", 10, '0');
    assert_may_go(journey);
    fleet_msr(fleet, 1, 0x48b, UINT64_C(1) << (32 + 1), 0);
    fleet_msr(fleet, 1, 0x48c, UINT32_MAX, 0);
    fleet_remove_msr(fleet, 1, 0x491);
    try_to_go(journey);
    assert_true(journey->count > 3);
    journey->options.hides_nested_paging = true;
    assert_may_go(journey);
    journey_end(journey);
}

static void migration_check_vmx_msrs_of_the_guest_are_preferred(void **state)
{
    struct journey *journey = between_intel();
    struct vhv_msr msrs[FLEET_MSRS];

    (void)state;
    with_vhv(journey);
    memcpy(msrs, haswell_msrs, sizeof(msrs));
    journey->options.msrs = msrs;
    journey->options.msr_count = FLEET_MSRS;
    journey->fleet->msr_count[0] = 0;
    assert_may_go(journey);
    msrs[0xb].value &= ~(UINT64_C(1) << 37); /* 48Bh, VPID */
    fleet_msr(journey->fleet, 1, 0x48b, UINT64_C(1) << 37, 0);
    assert_may_go(journey);
    msrs[0xb].value |= UINT64_C(1) << 37;
    assert_kept_by(journey, "IA32_VMX_PROCBASED_CTLS2 bit 37 (enable VPID) is 0 on esx2, and 1 in "
                            "the guest");
    journey_end(journey);
}

static void migration_check_vmx_msrs_not_known_keep_the_vm(void **state)
{
    struct journey *journey = between_intel();

    (void)state;
    with_vhv(journey);
    journey->fleet->msr_count[1] = 0;
    assert_kept_by(journey,
                   "IA32_VMX_BASIC and the other VMX capability MSRs of esx2 are not known");
    journey->fleet->msr_count[1] = FLEET_MSRS;
    journey->fleet->msr_count[0] = 3;
    assert_kept_by(journey,
                   "IA32_VMX_BASIC and the other VMX capability MSRs of esx1 are not known");
    journey_end(journey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migration_check_vmx_msrs_are_held_to_kvms_rules),
        cmocka_unit_test(migration_check_vmx_msrs_that_kvm_makes_are_not_compared),
        cmocka_unit_test(migration_check_vmx_controls_hidden_from_the_guest_are_not_needed),
        cmocka_unit_test(migration_check_vmx_msrs_of_the_guest_are_preferred),
        cmocka_unit_test(migration_check_vmx_msrs_not_known_keep_the_vm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
