/* SPDX-License-Identifier: MIT */
/* QEMU's -cpu. Positions of its names were compared with those that QEMU itself tells. */
#include "convert.h"

static void assert_read(const char *text, const char *vmx)
{
    struct losses losses;
    struct vhv_config *config = import_with(VHV_CONVERT_QEMU, text, &losses);
    char *masks = written(config);

    assert_string_equal(masks, vmx);
    free(masks);
    vhv_config_free(config);
}

static void import_qemu_features_are_bits(void **state)
{
    (void)state;
    assert_read("qemu64,-vmx\n", "cpuid.1.ecx = \"----:----:----:----:----:----:--0-:----\"\n");
    assert_read("qemu64,+vmx", "cpuid.1.ecx = \"----:----:----:----:----:----:--h-:----\"\n");
    assert_read("qemu64,avx2=off", "cpuid.7.0.ebx = \"----:----:----:----:----:----:--0-:----\"\n");
    assert_read("qemu64,avx2=on", "cpuid.7.0.ebx = \"----:----:----:----:----:----:--h-:----\"\n");
    assert_read("qemu64,avx2,svm=no,npt=false",
                "cpuid.7.0.ebx = \"----:----:----:----:----:----:--h-:----\"\n"
                "cpuid.80000001.ecx = \"----:----:----:----:----:----:----:-0--\"\n"
                "cpuid.8000000a.edx = \"----:----:----:----:----:----:----:---0\"\n");
}

static void import_qemu_names_and_aliases_are_the_same(void **state)
{
    static const char *const names[] = {"sse4.1", "sse4_1", "sse4-1"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[32];

        snprintf(text, sizeof(text), "qemu64,-%s", names[i]);
        assert_read(text, "cpuid.1.ecx = \"----:----:----:0---:----:----:----:----\"\n");
    }
    assert_read("qemu64,-sse3", "cpuid.1.ecx = \"----:----:----:----:----:----:----:---0\"\n");
    assert_read("qemu64,-pni", "cpuid.1.ecx = \"----:----:----:----:----:----:----:---0\"\n");
}

static void import_qemu_name_of_two_bits_is_both(void **state)
{
    (void)state;
    assert_read("qemu64,kvmclock=off",
                "cpuid.40000001.eax = \"----:----:----:----:----:----:----:0--0\"\n");
}

static void import_qemu_bit_that_amd_repeats_is_both(void **state)
{
    (void)state;
    assert_read("qemu64,mmx=off",
                "cpuid.1.edx = \"----:----:0---:----:----:----:----:----\"\n"
                "cpuid.80000001.edx.amd = \"----:----:0---:----:----:----:----:----\"\n");
    assert_read("qemu64,sse=off", "cpuid.1.edx = \"----:--0-:----:----:----:----:----:----\"\n");
}

static void import_qemu_signs_win_over_properties(void **state)
{
    (void)state;
    assert_read("qemu64,-avx,avx=on",
                "cpuid.1.ecx = \"---0:----:----:----:----:----:----:----\"\n");
    assert_read("qemu64,-avx,+avx", "cpuid.1.ecx = \"---0:----:----:----:----:----:----:----\"\n");
    assert_read("qemu64,avx=off,avx=on",
                "cpuid.1.ecx = \"---h:----:----:----:----:----:----:----\"\n");
}

static void import_qemu_enforce_makes_requirements(void **state)
{
    (void)state;
    assert_read("qemu64,+avx,enforce",
                "cpuid.1.ecx = \"---t:----:----:----:----:----:----:----\"\n");
    assert_read("qemu64,enforce=off,avx=on,check",
                "cpuid.1.ecx = \"---h:----:----:----:----:----:----:----\"\n");
}

static void import_qemu_numbers_are_fields(void **state)
{
    (void)state;
    assert_read("qemu64,family=6,model=0x8e,stepping=10",
                "cpuid.1.eax = \"----:0000:0000:1000:----:0110:1110:1010\"\n");
    assert_read("qemu64,family=25", "cpuid.1.eax = \"----:0000:1010:----:----:1111:----:----\"\n");
    assert_read("qemu64,level=13", "cpuid.0.eax = \"0000:0000:0000:0000:0000:0000:0000:1101\"\n");
    assert_read("qemu64,xlevel=0x80000008",
                "cpuid.80000000.eax = \"1000:0000:0000:0000:0000:0000:0000:1000\"\n");
}

static void import_qemu_host_model_has_virtualized_hv(void **state)
{
    (void)state;
    assert_read("host", "cpuid.1.ecx = \"----:----:----:----:----:----:--h-:----\"\n"
                        "cpuid.80000001.ecx = \"----:----:----:----:----:----:----:-h--\"\n");
    assert_read("max,vmx=off", "cpuid.1.ecx = \"----:----:----:----:----:----:--0-:----\"\n"
                               "cpuid.80000001.ecx = "
                               "\"----:----:----:----:----:----:----:-h--\"\n");
    assert_read("hosts", "");
}

static void import_qemu_what_is_no_bit_is_lost(void **state)
{
    struct losses losses;
    struct vhv_config *config = import_with(VHV_CONVERT_QEMU, "host", &losses);

    (void)state;
    assert_string_equal(losses.text,
                        "test:0: host: the model has what KVM supports, but for a few bits\n");
    vhv_config_free(config);
    assert_imported(VHV_CONVERT_QEMU, "EPYC-Milan-v2,-svm,hv-relaxed,,tsc-frequency=1,+bogus",
                    "cpuid.80000001.ecx = \"----:----:----:----:----:----:----:-0--\"\n",
                    "test:0: EPYC-Milan-v2: the model has bits of its own\n"
                    "test:0: hv-relaxed: the property stands for no bit of CPUID here\n"
                    "test:0: tsc-frequency: the property stands for no bit of CPUID here\n"
                    "test:0: bogus: the property stands for no bit of CPUID here\n");
}

static void import_qemu_malformed_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_import_refused(VHV_CONVERT_QEMU, "", "column 1: found no CPU model");
    assert_import_refused(VHV_CONVERT_QEMU, "+vmx", "found no CPU model");
    assert_import_refused(VHV_CONVERT_QEMU, "vmx=on", "found no CPU model");
    assert_import_refused(VHV_CONVERT_QEMU, "-cpu host", "column 5: found white space");
    assert_import_refused(VHV_CONVERT_QEMU, "host,vmx=maybe", "column 10: found neither on nor");
    assert_import_refused(VHV_CONVERT_QEMU, "host,enforce=1", "column 14: found neither on nor");
    assert_import_refused(VHV_CONVERT_QEMU, "host,family=six", "column 13: found no number");
    assert_import_refused(VHV_CONVERT_QEMU, "host,family=", "found no number");
    assert_import_refused(VHV_CONVERT_QEMU, "host,family", "column 12: found no '='");
    assert_import_refused(VHV_CONVERT_QEMU, "host,family=-1", "found no number");
    assert_import_refused(VHV_CONVERT_QEMU, "host,family=271", "a number that is too large");
    assert_import_refused(VHV_CONVERT_QEMU, "host,model=256", "a number that is too large");
    assert_import_refused(VHV_CONVERT_QEMU, "host,level=4294967296", "a number that is too large");
    assert_import_refused(VHV_CONVERT_QEMU, "host,level=99999999999999999999", "of more than 64");
}

static void export_qemu_masks_are_properties(void **state)
{
    (void)state;
    assert_exported("cpuid.1.ecx = \"---0:----:----:----:----:----:----:---h\"", VHV_CONVERT_QEMU,
                    VHV_VENDOR_INTEL, "host,pni=on,vmx=off,avx=off\n", "");
    assert_exported("cpuid.1.eax = \"----:0000:1010:0000:----:1111:0001:0001\"", VHV_CONVERT_QEMU,
                    VHV_VENDOR_AMD, "host,stepping=1,model=1,family=25,svm=off\n", "");
}

static void export_qemu_what_has_no_name_is_lost(void **state)
{
    (void)state;
    assert_exported("\ncpuid.5.eax = \"----:----:----:----:----:----:--11:-0--\"", VHV_CONVERT_QEMU,
                    VHV_VENDOR_INTEL, "host,vmx=off\n", "test.vmx:2: cpuid.5.eax: bits 5-4, 2\n");
    assert_exported("cpuid.1.eax = \"----:----:----:----:----:0110:----:----\"", VHV_CONVERT_QEMU,
                    VHV_VENDOR_INTEL, "host,vmx=off\n", "test.vmx:1: cpuid.1.eax: bits 11-8\n");
}

static void export_qemu_forced_bit_is_only_asked_for(void **state)
{
    (void)state;
    assert_exported("cpuid.1.ecx = \"---1:----:----:----:----:----:----:----\"", VHV_CONVERT_QEMU,
                    VHV_VENDOR_AMD, "host,avx=on,svm=off\n", "test.vmx:1: cpuid.1.ecx: bit 28\n");
}

static void export_qemu_name_of_two_bits_needs_both(void **state)
{
    (void)state;
    assert_exported("cpuid.40000001.eax = \"----:----:----:----:----:----:----:0--0\"",
                    VHV_CONVERT_QEMU, VHV_VENDOR_AMD, "host,kvmclock=off,svm=off\n", "");
    assert_exported("cpuid.40000001.eax = \"----:----:----:----:----:----:----:---0\"",
                    VHV_CONVERT_QEMU, VHV_VENDOR_AMD, "host,svm=off\n",
                    "test.vmx:1: cpuid.40000001.eax: bit 0\n");
}

static void export_qemu_bit_that_amd_repeats_goes_with_its_name(void **state)
{
    (void)state;
    assert_exported("cpuid.1.edx = \"----:----:0---:----:----:----:----:----\"\n"
                    "cpuid.80000001.edx.amd = \"----:----:0---:----:----:----:----:----\"\n",
                    VHV_CONVERT_QEMU, VHV_VENDOR_AMD, "host,mmx=off,svm=off\n", "");
    assert_exported("cpuid.80000001.edx.amd = \"----:----:0---:----:----:----:----:----\"\n",
                    VHV_CONVERT_QEMU, VHV_VENDOR_AMD, "host,svm=off\n",
                    "test.vmx:1: cpuid.80000001.edx.amd: bit 23\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import_qemu_features_are_bits),
        cmocka_unit_test(import_qemu_names_and_aliases_are_the_same),
        cmocka_unit_test(import_qemu_name_of_two_bits_is_both),
        cmocka_unit_test(import_qemu_bit_that_amd_repeats_is_both),
        cmocka_unit_test(import_qemu_signs_win_over_properties),
        cmocka_unit_test(import_qemu_enforce_makes_requirements),
        cmocka_unit_test(import_qemu_numbers_are_fields),
        cmocka_unit_test(import_qemu_host_model_has_virtualized_hv),
        cmocka_unit_test(import_qemu_what_is_no_bit_is_lost),
        cmocka_unit_test(import_qemu_malformed_is_refused_with_its_place),
        cmocka_unit_test(export_qemu_masks_are_properties),
        cmocka_unit_test(export_qemu_what_has_no_name_is_lost),
        cmocka_unit_test(export_qemu_forced_bit_is_only_asked_for),
        cmocka_unit_test(export_qemu_name_of_two_bits_needs_both),
        cmocka_unit_test(export_qemu_bit_that_amd_repeats_goes_with_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
