/* SPDX-License-Identifier: MIT */
/* What hosts have in common of CPUID. */
#include <time.h>

#include "fleet.h"

static void baseline_new_of_one_host_is_that_host(void **state)
{
    struct fleet *fleet = fleet_on_intel(1);
    const struct vhv_capture *capture;
    size_t count;

    (void)state;
    joined(fleet);
    assert_differences(fleet, 0);
    capture = vhv_baseline_capture(fleet->baseline);
    assert_int_equal(vhv_cpuid_compare(vhv_capture_cpuid(capture), fleet->tables[0], NULL, NULL),
                     0);
    assert_int_equal(vhv_cpuid_count(vhv_capture_cpuid(capture)),
                     vhv_cpuid_count(fleet->tables[0]));
    assert_memory_equal(vhv_capture_msrs(capture, &count), haswell_msrs, sizeof(haswell_msrs));
    assert_int_equal(count, FLEET_MSRS);
    assert_string_equal(vhv_capture_name(capture), "baseline");
    fleet_end(fleet);
}

static void baseline_new_of_no_host_is_refused(void **state)
{
    struct vhv_baseline *baseline = NULL;

    (void)state;
    assert_fails(vhv_baseline_new(&baseline, NULL, 0), EINVAL, "at least one host");
    assert_null(baseline);
}

static void baseline_new_feature_that_a_host_lacks_is_lost(void **state)
{
    struct fleet *fleet = fleet_on_amd(3);
    const struct vhv_baseline_difference *found;

    (void)state;
    fleet_bits(fleet, 1, 0x7, 0, VHV_EBX, 1u << 5, 0);  /* AVX2 */
    fleet_bits(fleet, 2, 0x7, 0, VHV_EBX, 0, 1u << 16); /* AVX512F, on this one alone */
    joined(fleet);
    assert_int_equal(common(fleet, 0x7, 0, VHV_EBX), 0x219c91a9 & ~(1u << 5));
    found = difference(fleet, "cpuid.7.0.ebx bit 5 (AVX2) is not on esx2");
    assert_int_equal(found->change, VHV_BASELINE_LOST);
    assert_int_equal(found->field.leaf, 0x7);
    assert_int_equal(found->field.reg, VHV_EBX);
    assert_int_equal(found->field.bit, 5);
    assert_int_equal(found->field.bits, 1);
    assert_string_equal(found->field.name, "AVX2");
    assert_int_equal(found->value, 0);
    assert_int_equal(found->host_count, 1);
    assert_int_equal(found->hosts[0], 1);
    found = difference(fleet, "cpuid.7.0.ebx bit 16 (AVX512F) is not on esx1 and esx2");
    assert_int_equal(found->host_count, 2);
    assert_int_equal(found->hosts[1], 1);
    assert_differences(fleet, 2);
    fleet_end(fleet);
}

static void baseline_new_many_hosts_are_counted_beyond_four(void **state)
{
    struct fleet *fleet = fleet_on_amd(8);

    (void)state;
    for (size_t i = 1; i < 8; i++)
        fleet_bits(fleet, i, 0x7, 0, VHV_EBX, 1u << 5, 0);
    joined(fleet);
    difference(fleet, "cpuid.7.0.ebx bit 5 (AVX2) is not on esx2, esx3, esx4, esx5 and 3 more");
    fleet_end(fleet);
}

static void baseline_new_of_numbers_the_least_is_taken(void **state)
{
    struct fleet *fleet = fleet_on_amd(3);
    const struct vhv_baseline_difference *found;

    (void)state;
    fleet_bits(fleet, 0, 0x0, 0, VHV_EAX, UINT32_MAX, 0xd);
    fleet_bits(fleet, 1, 0x8000000a, 0, VHV_EBX, UINT32_MAX, 0x8000);
    fleet_bits(fleet, 1, 0x80000008, 0, VHV_EAX, 0xff, 46);
    fleet_bits(fleet, 2, 0x80000008, 0, VHV_EAX, 0xff, 52);
    joined(fleet);
    assert_int_equal(common(fleet, 0x0, 0, VHV_EAX), 0xd);
    assert_int_equal(common(fleet, 0x8000000a, 0, VHV_EBX), 8);
    assert_int_equal(common(fleet, 0x80000008, 0, VHV_EAX), 0x3000 + 46);
    difference(fleet, "cpuid.0.eax (highest basic leaf) is 13 at most, as on esx1");
    difference(fleet, "cpuid.8000000a.ebx (number of ASIDs) is 8 at most, as on esx1 and esx3");
    found = difference(fleet, "cpuid.80000008.eax bits 7:0 (physical address bits) is 46 at most, "
                              "as on esx2");
    assert_int_equal(found->change, VHV_BASELINE_LOST);
    assert_int_equal(found->field.bits, 8);
    assert_int_equal(found->value, 46);
    assert_differences(fleet, 3);
    fleet_end(fleet);
}

static void baseline_new_number_of_which_zero_tells_nothing_is_the_other(void **state)
{
    struct fleet *fleet = fleet_on_amd(3);

    (void)state;
    fleet_bits(fleet, 1, 0x80000008, 0, VHV_EAX, 0xff0000, 48 << 16);
    joined(fleet);
    assert_int_equal(common(fleet, 0x80000008, 0, VHV_EAX), 48 << 16 | 0x3030);
    difference(fleet, "cpuid.80000008.eax bits 23:16 (guest physical address bits) is 48 at most, "
                      "as on esx2");
    assert_differences(fleet, 1);
    fleet_end(fleet);
}

static void baseline_new_deficit_of_one_host_is_that_of_all(void **state)
{
    struct fleet *fleet = fleet_on_intel(3);
    const struct vhv_baseline_difference *found;

    (void)state;
    fleet_bits(fleet, 2, 0x7, 0, VHV_EBX, 1u << 13, 0); /* ZERO_FCS_FDS, which the others have */
    joined(fleet);
    assert_int_equal(common(fleet, 0x7, 0, VHV_EBX), 0x27ab);
    found = difference(fleet, "cpuid.7.0.ebx bit 13 (ZERO_FCS_FDS) must be 1, as on esx1 and esx2");
    assert_int_equal(found->change, VHV_BASELINE_REQUIRED);
    assert_int_equal(found->value, 1);
    assert_differences(fleet, 1);
    fleet_end(fleet);
}

static void baseline_new_leaf_that_a_host_lacks_is_left_out(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    fleet_bits(fleet, 0, 0x80000021, 0, VHV_EAX, 0, 1u << 8 | 1u << 9); /* AUTOIBRS */
    fleet_bits(fleet, 0, 0x80000021, 0, VHV_EBX, 0, 0x200123); /* patch size, predictor size */
    joined(fleet);
    assert_null(
        vhv_cpuid_find(vhv_capture_cpuid(vhv_baseline_capture(fleet->baseline)), 0x80000021, 0));
    difference(fleet, "cpuid.80000021.eax bit 8 (AUTOIBRS) is not on esx2");
    difference(fleet, "cpuid.80000021.ebx bits 23:16 (size of the return address predictor) is 0 "
                      "at most, as on esx2");
    assert_differences(fleet, 2);
    fleet_end(fleet);
}

static void baseline_new_identity_is_left_to_the_host_and_told(void **state)
{
    struct fleet *fleet = fleet_on_amd(3);
    const struct vhv_baseline_difference *found;

    (void)state;
    fleet_bits(fleet, 1, 0x1, 0, VHV_EAX, UINT32_MAX, 0xa10f11);
    joined(fleet);
    assert_int_equal(common(fleet, 0x1, 0, VHV_EAX), 0x830f10);
    found = difference(fleet, "cpuid.1.eax (family, model and stepping) is left to each host: on "
                              "esx2 it is not as on esx1");
    assert_int_equal(found->change, VHV_BASELINE_IDENTITY);
    assert_int_equal(found->host_count, 1);
    assert_int_equal(found->hosts[0], 1);
    assert_differences(fleet, 1);
    fleet_end(fleet);
}

/* Where the capture was made, and what only newer KVMs tell, says nothing of the host. */
static void baseline_new_ids_and_what_runs_are_not_compared(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    fleet_bits(fleet, 1, 0x1, 0, VHV_EBX, 0xffff0000, 0x07100000);
    fleet_bits(fleet, 1, 0x1, 0, VHV_ECX, 0, 1u << 27 | 1u << 24 | 1u << 31);
    fleet_bits(fleet, 1, 0xb, 1, VHV_EDX, UINT32_MAX, 7);
    fleet_bits(fleet, 1, 0xb, 1, VHV_EBX, UINT32_MAX, 64);
    fleet_bits(fleet, 1, 0xd, 0, VHV_EBX, UINT32_MAX, 576);
    fleet_bits(fleet, 1, 0x8000001e, 0, VHV_EAX, UINT32_MAX, 7);
    fleet_bits(fleet, 1, 0x80000008, 0, VHV_ECX, UINT32_MAX, 0x6007);
    fleet_bits(fleet, 1, 0x8000001f, 0, VHV_EAX, UINT32_MAX, 0);
    fleet_bits(fleet, 0, 0x80000021, 0, VHV_EAX, 0, 0);
    fleet_bits(fleet, 1, 0x80000021, 0, VHV_EAX, 0, 1u << 9); /* NO_SMM_CTL_MSR */
    joined(fleet);
    assert_differences(fleet, 0);
    fleet_end(fleet);
}

static void baseline_new_state_component_that_a_host_lacks_is_told_once(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    fleet_bits(fleet, 0, 0xd, 0, VHV_EAX, 0, 1u << 9);
    fleet_bits(fleet, 0, 0xd, 0, VHV_ECX, UINT32_MAX, 0x988);
    fleet_bits(fleet, 0, 0xd, 9, VHV_EAX, UINT32_MAX, 8);
    fleet_bits(fleet, 0, 0xd, 9, VHV_EBX, UINT32_MAX, 0x980);
    fleet_bits(fleet, 0, 0xd, 9, VHV_ECX, UINT32_MAX, 2);
    joined(fleet);
    difference(fleet, "cpuid.d.0.eax bit 9 (PKRU state) is not on esx2");
    assert_differences(fleet, 1);
    assert_int_equal(common(fleet, 0xd, 0, VHV_ECX), 0x340);
    assert_int_equal(common(fleet, 0xd, 9, VHV_EAX), 0);
    assert_int_equal(common(fleet, 0xd, 2, VHV_EBX), 0x240);
    fleet_bits(fleet, 1, 0xd, 9, VHV_EAX, 0, 0); /* there, and empty */
    joined(fleet);
    assert_differences(fleet, 1);
    assert_int_equal(common(fleet, 0xd, 9, VHV_EBX), 0);
    fleet_end(fleet);
}

static void baseline_new_state_component_of_two_layouts_is_a_conflict(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);
    const struct vhv_baseline_difference *found;

    (void)state;
    fleet_bits(fleet, 1, 0xd, 2, VHV_EBX, UINT32_MAX, 0x280);
    joined(fleet);
    found = difference(fleet, "cpuid.d.2.ebx (offset of a state component) is 576 on esx1, and "
                              "something else on esx2");
    assert_int_equal(found->change, VHV_BASELINE_CONFLICT);
    assert_differences(fleet, 1);
    fleet_end(fleet);
}

static void baseline_new_several_vendors_are_refused_by_name(void **state)
{
    struct fleet *fleet = fleet_on_amd(3);

    (void)state;
    vhv_cpuid_free(fleet->tables[1]);
    fleet->tables[1] = table_of(intel_rows, sizeof(intel_rows) / sizeof(intel_rows[0]));
    assert_fails(fleet_try(fleet), EINVAL,
                 "AuthenticAMD on esx1 and esx3, and GenuineIntel on esx2");
    assert_null(fleet->baseline);
    fleet_end(fleet);
}

static void baseline_new_more_leaves_than_a_table_holds_are_refused(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    for (size_t host = 0; host < 2; host++) {
        for (uint32_t i = 0; i < 150; i++)
            fleet_bits(fleet, host, 0x10000 + 0x1000 * (uint32_t)host + i, 0, VHV_EAX, 0, 1);
    }
    assert_fails(fleet_try(fleet), ENOSPC, "esx2: no room");
    assert_null(fleet->baseline);
    fleet_end(fleet);
}

static void baseline_nesting_svm_on_all_survives(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    joined(fleet);
    assert_int_equal(vhv_baseline_nesting(fleet->baseline)->vhv, VHV_YES);
    assert_int_equal(vhv_baseline_nesting(fleet->baseline)->paging, VHV_YES);
    assert_string_equal(vhv_baseline_nesting(fleet->baseline)->because, "");
    fleet_end(fleet);
}

static void baseline_nesting_svm_not_on_all_is_lost_by_name(void **state)
{
    struct fleet *fleet = fleet_on_amd(3);

    (void)state;
    fleet_bits(fleet, 2, 0x80000001, 0, VHV_ECX, 1u << 2, 0);
    joined(fleet);
    assert_int_equal(vhv_baseline_nesting(fleet->baseline)->vhv, VHV_NO);
    assert_int_equal(vhv_baseline_nesting(fleet->baseline)->paging, VHV_NO);
    assert_string_equal(vhv_baseline_nesting(fleet->baseline)->because, "SVM is not on esx3");
    difference(fleet, "cpuid.80000001.ecx bit 2 (SVM) is not on esx3");
    fleet_end(fleet);
}

static void baseline_nesting_npt_not_on_all_loses_nested_paging_alone(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    fleet_bits(fleet, 0, 0x8000000a, 0, VHV_EDX, 1, 0);
    joined(fleet);
    assert_int_equal(vhv_baseline_nesting(fleet->baseline)->vhv, VHV_YES);
    assert_int_equal(vhv_baseline_nesting(fleet->baseline)->paging, VHV_NO);
    assert_string_equal(vhv_baseline_nesting(fleet->baseline)->because, "NPT is not on esx1");
    fleet_end(fleet);
}

static void baseline_nesting_unknown_vendor_is_told(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    for (size_t i = 0; i < 2; i++)
        fleet_bits(fleet, i, 0x0, 0, VHV_EBX, UINT32_MAX, 0x07);
    joined(fleet);
    assert_int_equal(vhv_baseline_nesting(fleet->baseline)->vhv, VHV_NO);
    assert_contains(vhv_baseline_nesting(fleet->baseline)->because, "vendor");
    fleet_end(fleet);
}

/* CPU time: other programs may run as well. */
static void baseline_new_of_1000_hosts_takes_less_than_a_second(void **state)
{
    enum { HOSTS = 1000 };
    struct fleet *fleet = fleet_on_amd(8);
    const struct vhv_capture **captures = calloc(HOSTS, sizeof(*captures));
    struct vhv_baseline *baseline;
    clock_t start;
    double seconds;

    (void)state;
    assert_non_null(captures);
    for (size_t i = 0; i < 8; i++) {
        for (uint32_t leaf = 0x30; leaf < 0x80; leaf++)
            fleet_bits(fleet, i, leaf, 0, VHV_EAX, 0, leaf);
    }
    for (size_t i = 1; i < 8; i++) {
        fleet_bits(fleet, i, 0x7, 0, VHV_EBX, 0xff << i, 0);
        fleet_bits(fleet, i, 0x1, 0, VHV_ECX, 0xff00ff << i, 0);
        fleet_bits(fleet, i, 0x80000008, 0, VHV_EAX, 0xff, 52 - (uint32_t)i);
    }
    fleet_capture(fleet);
    for (size_t i = 0; i < HOSTS; i++)
        captures[i] = fleet->captures[i % 8];
    start = clock();
    assert_int_equal(vhv_baseline_new(&baseline, captures, HOSTS), 0);
    seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    print_message("# %d hosts: %.3f s\n", HOSTS, seconds);
    assert_true(seconds < 1);
    vhv_baseline_free(baseline);
    free(captures);
    fleet_end(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baseline_new_of_one_host_is_that_host),
        cmocka_unit_test(baseline_new_of_no_host_is_refused),
        cmocka_unit_test(baseline_new_feature_that_a_host_lacks_is_lost),
        cmocka_unit_test(baseline_new_many_hosts_are_counted_beyond_four),
        cmocka_unit_test(baseline_new_of_numbers_the_least_is_taken),
        cmocka_unit_test(baseline_new_number_of_which_zero_tells_nothing_is_the_other),
        cmocka_unit_test(baseline_new_deficit_of_one_host_is_that_of_all),
        cmocka_unit_test(baseline_new_leaf_that_a_host_lacks_is_left_out),
        cmocka_unit_test(baseline_new_identity_is_left_to_the_host_and_told),
        cmocka_unit_test(baseline_new_ids_and_what_runs_are_not_compared),
        cmocka_unit_test(baseline_new_state_component_that_a_host_lacks_is_told_once),
        cmocka_unit_test(baseline_new_state_component_of_two_layouts_is_a_conflict),
        cmocka_unit_test(baseline_new_several_vendors_are_refused_by_name),
        cmocka_unit_test(baseline_new_more_leaves_than_a_table_holds_are_refused),
        cmocka_unit_test(baseline_nesting_svm_on_all_survives),
        cmocka_unit_test(baseline_nesting_svm_not_on_all_is_lost_by_name),
        cmocka_unit_test(baseline_nesting_npt_not_on_all_loses_nested_paging_alone),
        cmocka_unit_test(baseline_nesting_unknown_vendor_is_told),
        cmocka_unit_test(baseline_new_of_1000_hosts_takes_less_than_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
