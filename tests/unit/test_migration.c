/* SPDX-License-Identifier: MIT */
/* Whether a VM may go from one host to another, by its CPUID. */
#include "journey.h"

static void migration_check_equal_hosts_let_go(void **state)
{
    struct journey *amd = between_amd(), *intel = between_intel();

    (void)state;
    assert_may_go(amd);
    assert_may_go(intel);
    with_vhv(amd);
    with_vhv(intel);
    assert_may_go(amd);
    assert_may_go(intel);
    journey_end(amd);
    journey_end(intel);
}

static void migration_check_feature_that_the_guest_has_is_needed(void **state)
{
    struct journey *journey = between_amd();
    const struct vhv_migration_obstacle *found;

    (void)state;
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 1u << 5, 0);
    found = assert_kept_by(journey, "cpuid.7.0.ebx bit 5 (AVX2) is 0 on esx2, and 1 in the guest");
    assert_int_equal(found->field.leaf, 7);
    assert_int_equal(found->field.bit, 5);
    assert_int_equal(found->op, VHV_MASK_PASS);
    assert_null(found->origin.key);
    assert_int_equal(found->guest, 1);
    assert_int_equal(found->from, 1);
    assert_int_equal(found->to, 0);
    journey_end(journey);
}

static void migration_check_feature_that_only_the_target_has_is_no_matter(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 0, 1u << 16);
    assert_may_go(journey);
    journey_end(journey);
}

static void migration_check_hidden_feature_is_not_needed(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 1u << 5, 0);
    ask_bit(journey->vm, 1, "cpuid.7.ebx", 5, '0');
    assert_may_go(journey);
    journey_end(journey);
}

static void migration_check_h_wants_both_hosts_the_same(void **state)
{
    struct journey *journey = between_amd();
    const struct vhv_migration_obstacle *found;

    (void)state;
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 0, 1u << 16);
    ask_bit(journey->vm, 3, "cpuid.7.ebx", 16, 'h');
    found = assert_kept_by(journey, "hypervisor.vmx:3: cpuid.7.0.ebx bit 16 (AVX512F) is 0 on esx1 "
                                    "and 1 on esx2, but 'h' wants it the same");
    assert_int_equal(found->op, VHV_MASK_HOST);
    assert_string_equal(found->origin.key, "cpuid.7.ebx");
    assert_int_equal(found->origin.line, 3);
    fleet_bits(journey->fleet, 0, 0x7, 0, VHV_EBX, 0, 1u << 16);
    assert_may_go(journey);
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 1u << 16, 0);
    assert_kept_by(journey, "hypervisor.vmx:3: cpuid.7.0.ebx bit 16 (AVX512F) is 1 on esx1 and 0 "
                            "on esx2, but 'h' wants it the same");
    journey_end(journey);
}

static void migration_check_h_reaches_what_is_left_to_hosts_otherwise(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    fleet_bits(journey->fleet, 1, 0x1, 0, VHV_EAX, 0xf, 1);
    assert_may_go(journey);
    ask(journey->vm, 1, "cpuid.1.eax", "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh");
    assert_kept_by(journey, "hypervisor.vmx:1: cpuid.1.eax bit 0 (family, model and stepping) is "
                            "0 on esx1 and 1 on esx2, but 'h' wants it the same");
    journey_end(journey);
}

static void migration_check_r_wants_both_hosts_the_same_though_hidden(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 1u << 5, 0);
    ask_bit(journey->vm, 3, "cpuid.7.ebx", 5, 'r');
    assert_kept_by(journey, "hypervisor.vmx:3: cpuid.7.0.ebx bit 5 (AVX2) is 1 on esx1 and 0 on "
                            "esx2, but 'r' wants it the same");
    fleet_bits(journey->fleet, 0, 0x7, 0, VHV_EBX, 1u << 5, 0);
    assert_may_go(journey);
    journey_end(journey);
}

static void migration_check_t_wants_1_on_the_target(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    ask_bit(journey->vm, 3, "cpuid.7.ebx", 5, 't');
    assert_may_go(journey);
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 1u << 5, 0);
    assert_kept_by(journey, "hypervisor.vmx:3: cpuid.7.0.ebx bit 5 (AVX2) is 0 on esx2, but 't' "
                            "wants it to be 1");
    journey_end(journey);
}

static void migration_check_f_wants_0_on_the_target(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    ask_bit(journey->vm, 3, "cpuid.7.ebx", 16, 'f');
    assert_may_go(journey);
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 0, 1u << 16);
    assert_kept_by(journey, "hypervisor.vmx:3: cpuid.7.0.ebx bit 16 (AVX512F) is 1 on esx2, but "
                            "'f' wants it to be 0");
    journey_end(journey);
}

static void migration_check_x_is_not_compared(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 1u << 5, 0);
    ask_bit(journey->vm, 1, "cpuid.7.ebx", 5, 'x');
    assert_may_go(journey);
    journey_end(journey);
}

static void migration_check_forced_bit_that_neither_host_has_is_not_lost(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    ask_bit(journey->vm, 1, "cpuid.7.ebx", 16, '1');
    assert_may_go(journey);
    fleet_bits(journey->fleet, 0, 0x7, 0, VHV_EBX, 0, 1u << 16);
    assert_kept_by(journey, "cpuid.7.0.ebx bit 16 (AVX512F) is 0 on esx2, and 1 in the guest");
    journey_end(journey);
}

static void migration_check_most_specific_mask_that_speaks_counts(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 1u << 5 | 1u << 8, 0);
    ask(journey->vm, 1, "cpuid.7.ebx", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    ask_bit(journey->vm, 2, "cpuid.7.0.ebx", 5, 'r');
    ask_bit(journey->vm, 3, "cpuid.7.ebx.intel", 8, 'h');
    ask_bit(journey->vm, 4, "cpuid.7.1.ebx", 8, 'h');
    assert_kept_by(journey, "hypervisor.vmx:2: cpuid.7.0.ebx bit 5 (AVX2) is 1 on esx1 and 0 on "
                            "esx2, but 'r' wants it the same");
    ask_bit(journey->vm, 5, "cpuid.7.ebx.amd", 5, 'x');
    assert_may_go(journey);
    ask_bit(journey->vm, 6, "cpuid.7.ebx.amd", 5, 'h');
    ask_bit(journey->vm, 7, "cpuid.7.0.ebx", 5, 'x');
    assert_kept_by(journey, "hypervisor.vmx:6: cpuid.7.0.ebx bit 5 (AVX2) is 1 on esx1 and 0 on "
                            "esx2, but 'h' wants it the same");
    journey_end(journey);
}

static void migration_check_number_must_not_be_less(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    with_vhv(journey);
    fleet_bits(journey->fleet, 1, 0x80000008, 0, VHV_EAX, 0xff, 46);
    fleet_bits(journey->fleet, 0, 0x8000000a, 0, VHV_EBX, UINT32_MAX, 0x10);
    try_to_go(journey);
    obstacle(journey, "cpuid.80000008.eax bits 7:0 (physical address bits) is 46 on esx2, and 48 "
                      "in the guest");
    obstacle(journey, "cpuid.8000000a.ebx (number of ASIDs) is 8 on esx2, and 16 in the guest");
    assert_int_equal(journey->count, 2);
    fleet_bits(journey->fleet, 1, 0x80000008, 0, VHV_EAX, 0xff, 52);
    fleet_bits(journey->fleet, 1, 0x8000000a, 0, VHV_EBX, UINT32_MAX, 0x20);
    assert_may_go(journey);
    journey_end(journey);
}

static void migration_check_number_of_which_zero_tells_nothing(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    fleet_bits(journey->fleet, 1, 0x80000008, 0, VHV_EAX, 0xff0000, 40 << 16);
    assert_may_go(journey);
    fleet_bits(journey->fleet, 0, 0x80000008, 0, VHV_EAX, 0xff0000, 48 << 16);
    assert_kept_by(journey, "cpuid.80000008.eax bits 23:16 (guest physical address bits) is 40 on "
                            "esx2, and 48 in the guest");
    fleet_bits(journey->fleet, 1, 0x80000008, 0, VHV_EAX, 0xff0000, 0);
    assert_may_go(journey);
    journey_end(journey);
}

static void migration_check_deficit_that_the_guest_does_not_know_of(void **state)
{
    struct journey *journey = between_intel();

    (void)state;
    fleet_bits(journey->fleet, 0, 0x7, 0, VHV_EBX, 1u << 13, 0);
    assert_kept_by(journey, "cpuid.7.0.ebx bit 13 (ZERO_FCS_FDS) is 1 on esx2, and 0 in the guest");
    ask_bit(journey->vm, 1, "cpuid.7.ebx", 13, '1');
    assert_may_go(journey);
    journey_end(journey);
}

static void migration_check_virtualized_hv_is_needed_by_who_has_it(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    fleet_bits(journey->fleet, 1, 0x80000001, 0, VHV_ECX, 1u << 2, 0);
    assert_may_go(journey);
    with_vhv(journey);
    assert_kept_by(journey, "cpuid.80000001.ecx bit 2 (SVM) is 0 on esx2, and 1 in the guest");
    journey_end(journey);
}

/* Where a capture was made, what runs, and what only newer KVMs tell. */
static void migration_check_ids_and_what_runs_are_not_compared(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    fleet_bits(journey->fleet, 0, 0x1, 0, VHV_ECX, 0, 1u << 24 | 1u << 31);
    fleet_bits(journey->fleet, 1, 0x1, 0, VHV_EBX, 0xffff0000, 0);
    fleet_bits(journey->fleet, 1, 0x1, 0, VHV_ECX, 0, 1u << 27);
    fleet_bits(journey->fleet, 1, 0xb, 0, VHV_EDX, UINT32_MAX, 1);
    fleet_bits(journey->fleet, 1, 0xd, 0, VHV_EBX, UINT32_MAX, 0);
    ask(journey->vm, 1, "cpuid.1.ecx", "h---:h--h:----:----:----:----:----:----");
    ask(journey->vm, 2, "cpuid.b.edx", "hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh");
    assert_may_go(journey);
    journey_end(journey);
}

static void migration_check_state_component_is_needed_by_who_can_turn_it_on(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    fleet_bits(journey->fleet, 1, 0xd, 0, VHV_EAX, 4, 0);
    fleet_bits(journey->fleet, 1, 0xd, 0, VHV_ECX, UINT32_MAX, 0x240);
    vhv_cpuid_remove(journey->fleet->tables[1], 0xd, 2);
    try_to_go(journey);
    obstacle(journey, "cpuid.d.0.eax bit 2 (AVX state) is 0 on esx2, and 1 in the guest");
    obstacle(journey, "cpuid.d.2.ebx (offset of a state component) is 0 on esx2, and 576 in the "
                      "guest");
    ask_bit(journey->vm, 1, "cpuid.d.0.eax", 2, '0');
    assert_may_go(journey);
    journey_end(journey);
}

static void migration_check_other_vendor_says_it_all(void **state)
{
    struct journey *journey = between_amd();

    (void)state;
    vhv_cpuid_free(journey->fleet->tables[1]);
    journey->fleet->tables[1] = table_of(intel_rows, sizeof(intel_rows) / sizeof(intel_rows[0]));
    assert_kept_by(journey,
                   "cpuid.0.ebx (vendor) is AuthenticAMD on esx1, and GenuineIntel on esx2");
    journey_end(journey);
}

static int stop_at_first(const struct vhv_migration_obstacle *found, void *cookie)
{
    ++*(int *)cookie;
    return found->field.leaf == 7 ? 1234 : 0;
}

static void migration_check_function_that_stops_is_obeyed(void **state)
{
    struct journey *journey = between_amd();
    int calls = 0;

    (void)state;
    fleet_bits(journey->fleet, 1, 0x7, 0, VHV_EBX, 0xff, 0);
    try_to_go(journey);
    assert_true(journey->count > 1);
    assert_int_equal(vhv_migration_check(vhv_guest_cpuid_table(journey->vm->guest),
                                         journey->fleet->captures[0], journey->fleet->captures[1],
                                         NULL, stop_at_first, &calls),
                     1234);
    assert_int_equal(calls, 1);
    assert_int_equal(vhv_migration_check(vhv_guest_cpuid_table(journey->vm->guest),
                                         journey->fleet->captures[0], journey->fleet->captures[1],
                                         NULL, NULL, NULL),
                     journey->count);
    journey_end(journey);
}

static void migration_check_options_malformed_are_refused(void **state)
{
    struct journey *journey = between_amd();
    const struct vhv_msr wrong = {0x3a, 0};
    struct vhv_migration_options options = {.size = sizeof(options), .request_count = 1};
    const struct vhv_cpuid *guest;

    (void)state;
    try_to_go(journey);
    guest = vhv_guest_cpuid_table(journey->vm->guest);
    assert_fails(vhv_migration_check(guest, journey->fleet->captures[0],
                                     journey->fleet->captures[1], &options, NULL, NULL),
                 EINVAL, "requests is NULL");
    options =
        (struct vhv_migration_options){.size = sizeof(options), .msrs = &wrong, .msr_count = 1};
    assert_fails(vhv_migration_check(guest, journey->fleet->captures[0],
                                     journey->fleet->captures[1], &options, NULL, NULL),
                 EINVAL, "0x3a is not a VMX");
    options = (struct vhv_migration_options){.size = 1};
    assert_fails(vhv_migration_check(guest, journey->fleet->captures[0],
                                     journey->fleet->captures[1], &options, NULL, NULL),
                 EINVAL, "vhv_migration_options");
    journey_end(journey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migration_check_equal_hosts_let_go),
        cmocka_unit_test(migration_check_feature_that_the_guest_has_is_needed),
        cmocka_unit_test(migration_check_feature_that_only_the_target_has_is_no_matter),
        cmocka_unit_test(migration_check_hidden_feature_is_not_needed),
        cmocka_unit_test(migration_check_h_wants_both_hosts_the_same),
        cmocka_unit_test(migration_check_h_reaches_what_is_left_to_hosts_otherwise),
        cmocka_unit_test(migration_check_r_wants_both_hosts_the_same_though_hidden),
        cmocka_unit_test(migration_check_t_wants_1_on_the_target),
        cmocka_unit_test(migration_check_f_wants_0_on_the_target),
        cmocka_unit_test(migration_check_x_is_not_compared),
        cmocka_unit_test(migration_check_forced_bit_that_neither_host_has_is_not_lost),
        cmocka_unit_test(migration_check_most_specific_mask_that_speaks_counts),
        cmocka_unit_test(migration_check_number_must_not_be_less),
        cmocka_unit_test(migration_check_number_of_which_zero_tells_nothing),
        cmocka_unit_test(migration_check_deficit_that_the_guest_does_not_know_of),
        cmocka_unit_test(migration_check_virtualized_hv_is_needed_by_who_has_it),
        cmocka_unit_test(migration_check_ids_and_what_runs_are_not_compared),
        cmocka_unit_test(migration_check_state_component_is_needed_by_who_can_turn_it_on),
        cmocka_unit_test(migration_check_other_vendor_says_it_all),
        cmocka_unit_test(migration_check_function_that_stops_is_obeyed),
        cmocka_unit_test(migration_check_options_malformed_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
