/* SPDX-License-Identifier: MIT */
/* The masks that turn hosts into their baseline: their text. */
#include <libvhv/config.h>

#include "fleet.h"

static char *masks_of(const struct fleet *fleet, bool vhv)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    assert_non_null(stream);
    assert_int_equal(vhv_baseline_print_masks(fleet->baseline, stream, vhv), 0);
    fclose(stream);
    return text;
}

static void assert_masks(const struct fleet *fleet, bool vhv, const char *wanted)
{
    char *text = masks_of(fleet, vhv);

    assert_string_equal(text, wanted);
    free(text);
}

static void baseline_print_masks_same_hosts_need_none(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    joined(fleet);
    assert_masks(fleet, true, "# What 2 hosts have in common: esx1 and esx2\n");
    fleet_end(fleet);
    fleet = fleet_on_amd(1);
    joined(fleet);
    assert_masks(fleet, false, "# What 1 host has in common: esx1\n");
    fleet_end(fleet);
}

static void baseline_print_masks_features_are_hidden_and_numbers_exact(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    fleet_bits(fleet, 0, 0x1, 0, VHV_EAX, UINT32_MAX, 0xa10f11);
    fleet_bits(fleet, 1, 0x7, 0, VHV_EBX, 1u << 5, 0);
    fleet_bits(fleet, 0, 0x7, 0, VHV_EBX, 1u << 29, 0);
    fleet_bits(fleet, 1, 0x80000008, 0, VHV_EAX, 0xff, 46);
    joined(fleet);
    assert_masks(fleet, false,
                 "# What 2 hosts have in common: esx1 and esx2\n"
                 "# cpuid.7.0.ebx bit 5 (AVX2) is not on esx2\n"
                 "# cpuid.7.0.ebx bit 29 (SHA_NI) is not on esx1\n"
                 "cpuid.7.0.ebx = \"--0-:----:----:----:----:----:--0-:----\"\n"
                 "# cpuid.80000008.eax bits 7:0 (physical address bits) is 46 at most, as on esx2\n"
                 "cpuid.80000008.eax = \"----:----:----:----:----:----:0010:1110\"\n");
    fleet_end(fleet);
}

static void baseline_print_masks_deficit_is_forced(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);

    (void)state;
    fleet_bits(fleet, 0, 0x7, 0, VHV_EBX, 1u << 13, 0);
    joined(fleet);
    assert_masks(fleet, false,
                 "# What 2 hosts have in common: esx1 and esx2\n"
                 "# cpuid.7.0.ebx bit 13 (ZERO_FCS_FDS) must be 1, as on esx2\n"
                 "cpuid.7.0.ebx = \"----:----:----:----:--1-:----:----:----\"\n");
    fleet_end(fleet);
}

static void baseline_print_masks_leaf_that_a_host_lacks_is_hidden(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    fleet_bits(fleet, 1, 0x80000019, 0, VHV_EAX, 0, 0xf040f040); /* tells which processor it is */
    fleet_bits(fleet, 1, 0xb, 2, VHV_ECX, 0, 2);                 /* the vCPU's own */
    joined(fleet);
    assert_masks(fleet, false,
                 "# What 2 hosts have in common: esx1 and esx2\n"
                 "cpuid.80000019.eax = \"0000:----:-0--:----:0000:----:-0--:----\"\n");
    fleet_end(fleet);
}

static void baseline_print_masks_component_that_a_host_has_empty_is_hidden(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    fleet_bits(fleet, 1, 0xd, 2, VHV_EAX, UINT32_MAX, 0);
    fleet_bits(fleet, 1, 0xd, 2, VHV_EBX, UINT32_MAX, 0);
    joined(fleet);
    assert_masks(fleet, false,
                 "# What 2 hosts have in common: esx1 and esx2\n"
                 "cpuid.d.2.eax = \"----:----:----:----:----:---0:----:----\"\n"
                 "cpuid.d.2.ebx = \"----:----:----:----:----:--0-:-0--:----\"\n");
    fleet_end(fleet);
}

/* Without SVM a guest reads zeros in this leaf, and is to go on doing so. */
static void baseline_print_masks_svm_leaf_goes_with_virtualized_hv(void **state)
{
    struct fleet *fleet = fleet_on_amd(2);

    (void)state;
    fleet_bits(fleet, 0, 0x8000000a, 0, VHV_EBX, UINT32_MAX, 0x8000);
    joined(fleet);
    assert_masks(fleet, false, "# What 2 hosts have in common: esx1 and esx2\n");
    assert_masks(fleet, true,
                 "# What 2 hosts have in common: esx1 and esx2\n"
                 "# cpuid.8000000a.ebx (number of ASIDs) is 8 at most, as on esx2\n"
                 "cpuid.8000000a.ebx = \"0000:0000:0000:0000:0000:0000:0000:1000\"\n");
    fleet_end(fleet);
}

static void baseline_print_masks_ept_is_hidden_by_its_setting(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);

    (void)state;
    fleet_msr(fleet, 1, 0x48b, UINT64_C(2) << 32, 0);
    joined(fleet);
    assert_masks(fleet, false, "# What 2 hosts have in common: esx1 and esx2\n");
    assert_masks(fleet, true,
                 "# What 2 hosts have in common: esx1 and esx2\n"
                 "# EPT is not on esx2\n"
                 "vhv.nestedPaging = \"FALSE\"\n"
                 "# The VMX capability MSRs differ, too, and masks do not reach them:\n"
                 "# IA32_VMX_PROCBASED_CTLS2 bit 33 (enable EPT) is not on esx2\n");
    fleet_end(fleet);
}

static void baseline_print_masks_virtualized_hv_lost_is_told(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);

    (void)state;
    fleet->msr_count[1] = 0;
    joined(fleet);
    assert_masks(fleet, true,
                 "# What 2 hosts have in common: esx1 and esx2\n"
                 "# virtualized HV may not survive: the VMX capability MSRs of esx2 are not "
                 "known\n");
    fleet_bits(fleet, 1, 0x1, 0, VHV_ECX, 1u << 5, 0);
    joined(fleet);
    assert_masks(fleet, true,
                 "# What 2 hosts have in common: esx1 and esx2\n"
                 "# cpuid.1.ecx bit 5 (VMX) is not on esx2\n"
                 "cpuid.1.ecx = \"----:----:----:----:----:----:--0-:----\"\n"
                 "# virtualized HV does not survive: VMX is not on esx2\n");
    fleet_end(fleet);
}

static void baseline_print_masks_are_lines_of_a_configuration(void **state)
{
    struct fleet *fleet = fleet_on_amd(3);
    struct vhv_config *config = NULL;
    struct vhv_config_item item;
    char *text;
    size_t count = 0;

    (void)state;
    fleet_bits(fleet, 0, 0xd, 0, VHV_EAX, 4, 0);
    fleet_bits(fleet, 1, 0x80000001, 0, VHV_ECX, 0x1f0, 0);
    fleet_bits(fleet, 2, 0x8000000a, 0, VHV_EDX, 1, 0);
    joined(fleet);
    text = masks_of(fleet, true);
    if (vhv_config_parse(&config, text, strlen(text), "masks.vmx") < 0)
        fail_msg("%s", vhv_error_message());
    while (vhv_config_item(config, count, &item))
        count++;
    assert_int_equal(count, 4); /* three masks, vhv.nestedPaging */
    vhv_config_free(config);
    free(text);
    fleet_end(fleet);
}

static void baseline_print_masks_full_device_is_an_error(void **state)
{
    struct fleet *fleet = fleet_on_amd(1);
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    joined(fleet);
    assert_fails(vhv_baseline_print_masks(fleet->baseline, full, true), EIO,
                 "the stream has an error");
    fclose(full);
    fleet_end(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baseline_print_masks_same_hosts_need_none),
        cmocka_unit_test(baseline_print_masks_features_are_hidden_and_numbers_exact),
        cmocka_unit_test(baseline_print_masks_deficit_is_forced),
        cmocka_unit_test(baseline_print_masks_leaf_that_a_host_lacks_is_hidden),
        cmocka_unit_test(baseline_print_masks_component_that_a_host_has_empty_is_hidden),
        cmocka_unit_test(baseline_print_masks_svm_leaf_goes_with_virtualized_hv),
        cmocka_unit_test(baseline_print_masks_ept_is_hidden_by_its_setting),
        cmocka_unit_test(baseline_print_masks_virtualized_hv_lost_is_told),
        cmocka_unit_test(baseline_print_masks_are_lines_of_a_configuration),
        cmocka_unit_test(baseline_print_masks_full_device_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
