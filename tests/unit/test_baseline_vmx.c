/* SPDX-License-Identifier: MIT */
/* What hosts have in common of the VMX capability MSRs. */
#include "fleet.h"

#define MAY(bit) (UINT64_C(1) << (32 + (bit)))
#define BIT(bit) (UINT64_C(1) << (bit))

static uint64_t msr_of(const struct fleet *fleet, uint32_t msr)
{
    uint64_t value = 0;

    assert_true(common_msr(fleet, msr, &value));
    return value;
}

static void assert_nesting(const struct fleet *fleet, enum vhv_answer vhv, enum vhv_answer paging,
                           const char *because)
{
    const struct vhv_baseline_nesting *nesting = vhv_baseline_nesting(fleet->baseline);

    assert_int_equal(nesting->vhv, vhv);
    assert_int_equal(nesting->paging, paging);
    assert_string_equal(nesting->because, because);
}

static void baseline_vmx_same_on_all_survives(void **state)
{
    struct fleet *fleet = fleet_on_intel(3);

    (void)state;
    joined(fleet);
    assert_differences(fleet, 0);
    assert_nesting(fleet, VHV_YES, VHV_YES, "");
    for (size_t i = 0; i < FLEET_MSRS; i++)
        assert_true(msr_of(fleet, haswell_msrs[i].index) == haswell_msrs[i].value);
    fleet_end(fleet);
}

static void baseline_vmx_control_that_may_be_1_must_be_so_on_all(void **state)
{
    struct fleet *fleet = fleet_on_intel(3);
    const struct vhv_baseline_difference *found;

    (void)state;
    fleet_msr(fleet, 1, 0x48b, MAY(5) | MAY(12), 0);
    joined(fleet);
    assert_true(msr_of(fleet, 0x48b) == (0x007137fe00000000 & ~(MAY(5) | MAY(12))));
    found = difference(fleet, "IA32_VMX_PROCBASED_CTLS2 bit 37 (enable VPID) is not on esx2");
    assert_int_equal(found->change, VHV_BASELINE_LOST);
    assert_int_equal(found->field.msr, 0x48b);
    assert_int_equal(found->field.bit, 37);
    assert_int_equal(found->hosts[0], 1);
    difference(fleet, "IA32_VMX_PROCBASED_CTLS2 bit 44 (enable INVPCID) is not on esx2");
    assert_differences(fleet, 2);
    assert_nesting(fleet, VHV_YES, VHV_YES, "");
    fleet_end(fleet);
}

/* KVM makes the MSRs without TRUE from those with it: the difference is told once. */
static void baseline_vmx_control_that_must_be_1_on_one_must_be_on_all(void **state)
{
    struct fleet *fleet = fleet_on_intel(3);
    const struct vhv_baseline_difference *found;

    (void)state;
    fleet_msr(fleet, 2, 0x481, 0, BIT(5));
    fleet_msr(fleet, 2, 0x48d, 0, BIT(5));
    joined(fleet);
    assert_true(msr_of(fleet, 0x48d) == 0x0000007f00000036);
    assert_true(msr_of(fleet, 0x481) == 0x0000007f00000036);
    found =
        difference(fleet, "IA32_VMX_TRUE_PINBASED_CTLS bit 5 (virtual NMIs) must be 1, as on esx3");
    assert_int_equal(found->change, VHV_BASELINE_REQUIRED);
    assert_differences(fleet, 1);
    assert_nesting(fleet, VHV_YES, VHV_YES, "");
    fleet_end(fleet);
}

static void baseline_vmx_without_true_controls_the_others_are_told(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);
    uint64_t value;

    (void)state;
    fleet_msr(fleet, 1, 0x480, BIT(55), 0);
    for (uint32_t msr = 0x48d; msr <= 0x490; msr++)
        fleet_remove_msr(fleet, 1, msr);
    fleet_msr(fleet, 1, 0x481, 0, BIT(5));
    joined(fleet);
    difference(fleet, "IA32_VMX_BASIC bit 55 (TRUE controls) is not on esx2");
    difference(fleet, "IA32_VMX_PINBASED_CTLS bit 5 (virtual NMIs) must be 1, as on esx2");
    assert_false(common_msr(fleet, 0x48d, &value));
    assert_false(common_msr(fleet, 0x490, &value));
    fleet_end(fleet);
}

static void baseline_vmx_control_needed_and_lacking_is_a_conflict(void **state)
{
    struct fleet *fleet = fleet_on_intel(3);
    const struct vhv_baseline_difference *found;
    const char *text = "IA32_VMX_TRUE_PINBASED_CTLS bit 5 (virtual NMIs) must be 1 on esx3, and "
                       "cannot be 1 on esx1 and esx2";

    (void)state;
    fleet_msr(fleet, 0, 0x48d, MAY(5), 0);
    fleet_msr(fleet, 1, 0x48d, MAY(5), 0);
    fleet_msr(fleet, 2, 0x48d, 0, BIT(5));
    joined(fleet);
    found = difference(fleet, text);
    assert_int_equal(found->change, VHV_BASELINE_CONFLICT);
    assert_int_equal(found->host_count, 1);
    assert_int_equal(found->hosts[0], 2);
    assert_nesting(fleet, VHV_NO, VHV_NO, text);
    fleet_end(fleet);
}

static void baseline_vmx_fixed_bits_of_control_registers_are_joined(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);

    (void)state;
    fleet_msr(fleet, 0, 0x488, 0, BIT(0));
    fleet_msr(fleet, 1, 0x489, BIT(20), 0);
    joined(fleet);
    assert_true(msr_of(fleet, 0x488) == (BIT(13) | BIT(0)));
    assert_true(msr_of(fleet, 0x489) == (0x3767ff & ~BIT(20)));
    difference(fleet, "IA32_VMX_CR4_FIXED0 bit 0 must be 1, as on esx1");
    difference(fleet, "IA32_VMX_CR4_FIXED1 bit 20 is not on esx2");
    assert_nesting(fleet, VHV_YES, VHV_YES, "");
    fleet_msr(fleet, 1, 0x489, BIT(0), 0);
    joined(fleet);
    assert_nesting(fleet, VHV_NO, VHV_NO,
                   "IA32_VMX_CR4_FIXED0 bit 0 must be 1 on esx1, and cannot be 1 on esx2");
    fleet_end(fleet);
}

static void baseline_vmx_basic_has_a_rule_for_each_field(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);

    (void)state;
    fleet_msr(fleet, 0, 0x480, UINT64_C(0x1fff) << 32, UINT64_C(0x800) << 32);
    fleet_msr(fleet, 1, 0x480, BIT(54), BIT(48));
    joined(fleet);
    assert_true(msr_of(fleet, 0x480) == ((0x00d8100011e57ed0 & ~BIT(54)) | BIT(48)));
    difference(fleet, "IA32_VMX_BASIC bits 44:32 (size of a VMCS) is 4096 at least, as on esx2");
    difference(fleet, "IA32_VMX_BASIC bit 48 (32-bit physical addresses) must be 1, as on esx2");
    difference(fleet, "IA32_VMX_BASIC bit 54 (information on INS and OUTS) is not on esx2");
    assert_differences(fleet, 3);
    assert_nesting(fleet, VHV_YES, VHV_YES, "");
    fleet_end(fleet);
}

static void baseline_vmx_other_vmcs_revision_is_a_conflict(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);
    const char *text = "IA32_VMX_BASIC bits 30:0 (VMCS revision) is 0x11e57ed0 on esx1, and "
                       "something else on esx2";
    uint64_t value;

    (void)state;
    fleet_msr(fleet, 1, 0x480, 0x7fffffff, 0x12);
    joined(fleet);
    assert_int_equal(difference(fleet, text)->hosts[0], 1);
    assert_false(common_msr(fleet, 0x480, &value));
    assert_nesting(fleet, VHV_NO, VHV_NO, text);
    fleet_end(fleet);
}

static void baseline_vmx_misc_and_enum_have_a_rule_for_each_field(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);

    (void)state;
    fleet_msr(fleet, 0, 0x485, 0, UINT64_C(4) << 16 | UINT64_C(3) << 25);
    fleet_msr(fleet, 1, 0x485, BIT(29), UINT64_C(2) << 16 | BIT(8));
    fleet_msr(fleet, 1, 0x48a, 0x3fe, 0x28 << 1);
    fleet_msr(fleet, 1, 0x491, 1, 0);
    joined(fleet);
    assert_true(msr_of(fleet, 0x485) == (0x65 | UINT64_C(2) << 16));
    assert_true(msr_of(fleet, 0x48a) == 0x17 << 1);
    assert_true(msr_of(fleet, 0x491) == 0);
    difference(fleet, "IA32_VMX_MISC bits 24:16 (number of CR3-target values) is 2 at most, as on "
                      "esx2");
    difference(fleet, "IA32_VMX_MISC bits 27:25 (length of MSR lists) is 0 at most, as on esx2");
    difference(fleet, "IA32_VMX_MISC bit 8 (activity state wait-for-SIPI) is not on esx1");
    difference(fleet, "IA32_VMX_MISC bit 29 (VMWRITE to any field) is not on esx2");
    difference(fleet, "IA32_VMX_VMCS_ENUM bits 9:1 (highest index of a VMCS field) is 23 at most, "
                      "as on esx1");
    difference(fleet, "IA32_VMX_VMFUNC bit 0 (EPTP switching) is not on esx2");
    assert_differences(fleet, 6);
    fleet_end(fleet);
}

static void baseline_vmx_other_timer_rate_is_a_conflict(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);

    (void)state;
    fleet_msr(fleet, 1, 0x485, 0x1f, 7);
    joined(fleet);
    assert_nesting(fleet, VHV_NO, VHV_NO,
                   "IA32_VMX_MISC bits 4:0 (rate of the VMX-preemption timer) is 5 on esx1, and "
                   "something else on esx2");
    fleet_end(fleet);
}

static void baseline_vmx_not_on_all_is_lost_without_its_msrs(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);
    size_t count;

    (void)state;
    fleet_bits(fleet, 1, 0x1, 0, VHV_ECX, 1u << 5, 0);
    fleet->msr_count[1] = 0;
    joined(fleet);
    assert_nesting(fleet, VHV_NO, VHV_NO, "VMX is not on esx2");
    vhv_capture_msrs(vhv_baseline_capture(fleet->baseline), &count);
    assert_int_equal(count, 0);
    difference(fleet, "cpuid.1.ecx bit 5 (VMX) is not on esx2");
    assert_differences(fleet, 1);
    fleet_end(fleet);
}

static void baseline_vmx_msrs_not_known_leave_it_open(void **state)
{
    struct fleet *fleet = fleet_on_intel(3);
    uint64_t value;

    (void)state;
    fleet->msr_count[1] = 0;
    fleet_remove_msr(fleet, 2, 0x48a);
    joined(fleet);
    assert_nesting(fleet, VHV_UNKNOWN, VHV_UNKNOWN,
                   "the VMX capability MSRs of esx2 and esx3 are not known");
    assert_false(common_msr(fleet, 0x480, &value));
    fleet_end(fleet);
}

static void baseline_vmx_ept_not_on_all_loses_nested_paging_alone(void **state)
{
    struct fleet *fleet = fleet_on_intel(3);
    uint64_t value;

    (void)state;
    fleet_msr(fleet, 1, 0x48b, MAY(1), 0);
    fleet_remove_msr(fleet, 1, 0x48c);
    joined(fleet);
    assert_nesting(fleet, VHV_YES, VHV_NO, "EPT is not on esx2");
    difference(fleet, "IA32_VMX_PROCBASED_CTLS2 bit 33 (enable EPT) is not on esx2");
    assert_false(common_msr(fleet, 0x48c, &value));
    fleet_end(fleet);
}

static void baseline_vmx_ept_of_no_common_form_loses_nested_paging(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);

    (void)state;
    fleet_msr(fleet, 0, 0x48c, BIT(8), 0);
    fleet_msr(fleet, 1, 0x48c, BIT(14), BIT(8));
    joined(fleet);
    assert_nesting(fleet, VHV_YES, VHV_NO, "no form of EPT is on all hosts");
    fleet_end(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baseline_vmx_same_on_all_survives),
        cmocka_unit_test(baseline_vmx_control_that_may_be_1_must_be_so_on_all),
        cmocka_unit_test(baseline_vmx_control_that_must_be_1_on_one_must_be_on_all),
        cmocka_unit_test(baseline_vmx_without_true_controls_the_others_are_told),
        cmocka_unit_test(baseline_vmx_control_needed_and_lacking_is_a_conflict),
        cmocka_unit_test(baseline_vmx_fixed_bits_of_control_registers_are_joined),
        cmocka_unit_test(baseline_vmx_basic_has_a_rule_for_each_field),
        cmocka_unit_test(baseline_vmx_other_vmcs_revision_is_a_conflict),
        cmocka_unit_test(baseline_vmx_misc_and_enum_have_a_rule_for_each_field),
        cmocka_unit_test(baseline_vmx_other_timer_rate_is_a_conflict),
        cmocka_unit_test(baseline_vmx_not_on_all_is_lost_without_its_msrs),
        cmocka_unit_test(baseline_vmx_msrs_not_known_leave_it_open),
        cmocka_unit_test(baseline_vmx_ept_not_on_all_loses_nested_paging_alone),
        cmocka_unit_test(baseline_vmx_ept_of_no_common_form_loses_nested_paging),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
