/* SPDX-License-Identifier: MIT */
/* What is common to all forms: what settings come to, which mask decides, and how losses are told.
 */
#include <libvhv/feature.h>

#include "convert.h"

static int stop(const struct vhv_config_warning *loss, void *cookie)
{
    (void)loss;
    (void)cookie;
    return 1;
}

static void import_origin_is_the_file_and_the_key(void **state)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    struct losses losses;
    struct vhv_config *config = import_with(VHV_CONVERT_XEN, "host,vmx=0", &losses);

    (void)state;
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.request_count, 1);
    assert_string_equal(options.requests[0].origin.file, "test");
    assert_int_equal(options.requests[0].origin.line, 0);
    assert_string_equal(options.requests[0].origin.key, "cpuid.1.ecx");
    vhv_config_free(config);
}

static void import_returns_the_number_of_losses(void **state)
{
    struct vhv_config *config = NULL;

    (void)state;
    assert_int_equal(
        vhv_config_import(&config, VHV_CONVERT_XEN, "host,a=1,b=1", 12, "x", NULL, NULL), 2);
    vhv_config_free(config);
}

static void import_stopped_makes_nothing(void **state)
{
    struct vhv_config *config = NULL;

    (void)state;
    assert_fails(vhv_config_import(&config, VHV_CONVERT_QEMU, "host", 4, "x", stop, NULL),
                 ECANCELED, "x: stopped at a loss: the model has what");
    assert_null(config);
}

static void import_what_is_no_text_is_refused(void **state)
{
    static char big[VHV_CONFIG_MAX_BYTES + 1];
    struct vhv_config *config = NULL;

    (void)state;
    assert_fails(vhv_config_import(&config, VHV_CONVERT_QEMU, "a\0b", 3, "x", NULL, NULL), EINVAL,
                 "x: a NUL byte");
    assert_fails(vhv_config_import(&config, VHV_CONVERT_QEMU, big, sizeof(big), "x", NULL, NULL),
                 EFBIG, "x: longer than");
    assert_fails(vhv_config_import(&config, (enum vhv_convert_form)4, "", 0, "x", NULL, NULL),
                 EINVAL, "4 is not a form");
    assert_null(config);
}

/* All leaves in no order, each more than once: sorting is what keeps this short. */
static void import_many_leaves_are_merged(void **state)
{
    enum { LEAVES = 10000, TIMES = 2 };
    static char text[VHV_CONFIG_MAX_BYTES];
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    struct vhv_config *config;
    struct losses losses;
    size_t bytes = (size_t)snprintf(text, sizeof(text), "[");

    (void)state;
    for (unsigned i = 0; i < LEAVES * TIMES; i++)
        bytes += (size_t)snprintf(
            text + bytes, sizeof(text) - bytes, "%s\"%u:eax=%s\"", i ? "," : "", i * 7919u % LEAVES,
            i < LEAVES ? "00000000000000000000000000000000" : "11111111111111111111111111111111");
    snprintf(text + bytes, sizeof(text) - bytes, "]");
    config = import_with(VHV_CONVERT_XEN, text, &losses);
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.request_count, LEAVES);
    for (unsigned i = 0; i < LEAVES; i++) {
        assert_int_equal(options.requests[i].key.leaf, i);
        assert_int_equal(options.requests[i].mask.op[0], VHV_MASK_FORCE);
    }
    vhv_config_free(config);
}

static void export_virtualized_hv_is_always_told(void **state)
{
    static const struct {
        const char *vmx;
        const char *any;
        const char *amd;
        const char *intel;
    } cases[] = {
        {"", "host,vmx=off,svm=off\n", "host,svm=off\n", "host,vmx=off\n"},
        {"vhv.enable = FALSE", "host,vmx=off,svm=off\n", "host,svm=off\n", "host,vmx=off\n"},
        {"vhv.enable = TRUE", "host,vmx=on,svm=on\n", "host,svm=on\n", "host,vmx=on\n"},
        {"vhv.enable = TRUE\ncpuid.1.ecx = \"----:----:----:----:----:----:--0-:----\"",
         "host,vmx=off,svm=on\n", "host,vmx=off,svm=on\n", "host,vmx=off\n"},
        {"cpuid.80000001.ecx = \"----:----:----:----:----:----:----:-h--\"",
         "host,vmx=off,svm=on\n", "host,svm=on\n", "host,vmx=off\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_exported(cases[i].vmx, VHV_CONVERT_QEMU, VHV_VENDOR_ANY, cases[i].any, "");
        assert_exported(cases[i].vmx, VHV_CONVERT_QEMU, VHV_VENDOR_AMD, cases[i].amd, "");
        assert_exported(cases[i].vmx, VHV_CONVERT_QEMU, VHV_VENDOR_INTEL, cases[i].intel, "");
    }
}

/* An ESX guest has virtualized HV by default in hardware version 8. */
static void export_virtualized_hv_of_a_profile_is_told(void **state)
{
    assert_exported("guestOS = \"vmkernel5\"\nvirtualHW.version = \"8\"", VHV_CONVERT_QEMU,
                    VHV_VENDOR_INTEL, "host,vmx=on\n",
                    "test.vmx:1: guestOS: the setting is not a mask\n"
                    "test.vmx:2: virtualHW.version: the setting is not a mask\n");
    (void)state;
}

static void export_hidden_hypervisor_is_its_bit_alone(void **state)
{
    (void)state;
    assert_exported("hypervisor.cpuid.v0 = FALSE", VHV_CONVERT_QEMU, VHV_VENDOR_INTEL,
                    "host,vmx=off,hypervisor=off\n",
                    "test.vmx:1: hypervisor.cpuid.v0: the hypervisor is hidden\n");
    assert_exported("cpuid.1.ecx = \"0---:----:----:----:----:----:----:----\"", VHV_CONVERT_QEMU,
                    VHV_VENDOR_INTEL, "host,vmx=off,hypervisor=off\n",
                    "test.vmx:1: cpuid.1.ecx: the hypervisor is hidden\n");
}

static void export_most_specific_mask_decides(void **state)
{
    (void)state;
    assert_exported("cpuid.7.ebx.amd = \"----:----:----:----:----:----:--0-:----\"\n"
                    "cpuid.7.0.ebx = \"----:----:----:----:----:----:--h-:h---\"\n"
                    "cpuid.7.ebx = \"----:----:----:----:----:----:--0-:0---\"",
                    VHV_CONVERT_QEMU, VHV_VENDOR_AMD, "host,bmi1=on,avx2=off,svm=off\n", "");
    assert_exported("cpuid.7.00.ebx = \"----:----:----:----:----:----:--0-:----\"\n"
                    "cpuid.07.0.ebx = \"----:----:----:----:----:----:--h-:----\"",
                    VHV_CONVERT_QEMU, VHV_VENDOR_AMD, "host,avx2=on,svm=off\n", "");
}

static void export_mask_of_one_vendor_is_for_its_hosts(void **state)
{
    static const char vmx[] = "cpuid.1.ecx.intel = \"---0:----:----:----:----:----:----:----\"";

    (void)state;
    assert_exported(vmx, VHV_CONVERT_QEMU, VHV_VENDOR_INTEL, "host,vmx=off,avx=off\n", "");
    assert_exported(vmx, VHV_CONVERT_QEMU, VHV_VENDOR_AMD, "host,svm=off\n", "");
    assert_exported(vmx, VHV_CONVERT_QEMU, VHV_VENDOR_ANY, "host,vmx=off,svm=off\n",
                    "test.vmx:1: cpuid.1.ecx.intel: the mask is for one vendor's hosts\n");
}

static void export_settings_that_are_no_masks_are_lost(void **state)
{
    (void)state;
    assert_exported("vhv.nestedPaging = FALSE\ncpuid.coresPerSocket = 2\nmemsize = 512\n"
                    "vpmc.enable = TRUE\ndisplayName = x\nvhv.other = 1",
                    VHV_CONVERT_QEMU, VHV_VENDOR_INTEL, "host,vmx=off\n",
                    "test.vmx:1: vhv.nestedPaging: the setting is not a mask\n"
                    "test.vmx:2: cpuid.coresPerSocket: the setting is not a mask\n"
                    "test.vmx:4: vpmc.enable: the setting is not a mask\n"
                    "test.vmx:6: vhv.other: the setting is not a mask\n");
}

static void export_policy_below_counts(void **state)
{
    struct vhv_config *config = parse_vmx("vhv.enable = TRUE\nvpmc.enable = TRUE");
    struct vhv_config *policy =
        parse_vmx("vhv.enable = FALSE\nvpmc.enable = FALSE\n"
                  "vhv.nestedPaging = FALSE\n"
                  "cpuid.1.ecx = \"---0:----:----:----:----:----:----:----\"");
    struct losses losses;
    char *text;

    (void)state;
    assert_int_equal(vhv_config_set_policy(config, policy), 0);
    text = exported(config, VHV_CONVERT_QEMU, VHV_VENDOR_INTEL, &losses);
    assert_string_equal(text, "host,vmx=on,avx=off\n");
    assert_string_equal(losses.text, "test.vmx:2: vpmc.enable: the setting is not a mask\n"
                                     "test.vmx:3: vhv.nestedPaging: the setting is not a mask\n");
    free(text);
    vhv_config_free(policy);
    vhv_config_free(config);
}

static void export_field_that_masks_do_not_reach_is_lost(void **state)
{
    (void)state;
    assert_exported("cpuid.1.ebx = \"0000:0001:0000:0010:----:----:----:----\"\n"
                    "cpuid.1.ecx = \"----:0---:----:----:----:----:----:----\"",
                    VHV_CONVERT_XEN, VHV_VENDOR_INTEL, "cpuid = \"host,proccount=2,vmx=0\"\n",
                    "test.vmx:1: cpuid.1.ebx: the mask does not reach bits 31-24\n"
                    "test.vmx:2: cpuid.1.ecx: the mask does not reach bit 27\n");
}

static void export_stopped_writes_nothing(void **state)
{
    struct vhv_config *config = parse_vmx("vpmc.enable = TRUE");
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    assert_non_null(stream);
    assert_fails(vhv_config_export(config, VHV_CONVERT_XEN, VHV_VENDOR_AMD, stream, stop, NULL),
                 ECANCELED, "stopped at a loss");
    fclose(stream);
    assert_int_equal(bytes, 0);
    free(text);
    vhv_config_free(config);
}

static void export_with_wrong_arguments_is_refused(void **state)
{
    struct vhv_config *config = parse_vmx("");
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    assert_fails(
        vhv_config_export(config, (enum vhv_convert_form) - 1, VHV_VENDOR_ANY, full, NULL, NULL),
        EINVAL, "-1 is not a form");
    assert_fails(vhv_config_export(config, VHV_CONVERT_XEN, (enum vhv_vendor)3, full, NULL, NULL),
                 EINVAL, "3 is not a vendor");
    assert_fails(vhv_config_export(config, VHV_CONVERT_XEN, VHV_VENDOR_ANY, full, NULL, NULL), EIO,
                 "the stream has an error");
    fclose(full);
    vhv_config_free(config);
}

/* The only bit of all masks that is hidden; NULL if there is none. */
static const struct vhv_mask_key *hidden_bit(const struct vhv_config *config, unsigned *hidden)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    const struct vhv_mask_key *key = NULL;

    vhv_config_cpuid(config, &options);
    for (size_t i = 0; i < options.request_count; i++) {
        for (unsigned bit = 0; bit < 32; bit++) {
            if (options.requests[i].mask.op[bit] != VHV_MASK_HIDE ||
                options.requests[i].key.vendor != VHV_VENDOR_ANY)
                continue;
            assert_null(key);
            key = &options.requests[i].key;
            *hidden = bit;
        }
    }
    return key;
}

/* Returns whether the form has a name for the feature. */
static bool goes_there_and_back(enum vhv_convert_form form, const struct vhv_feature *feature)
{
    const struct vhv_mask_key key = {
        .leaf = feature->leaf, .subleaf = feature->subleaf, .reg = feature->reg};
    char name[VHV_MASK_KEY_TEXT_BYTES], value[VHV_MASK_TEXT_BYTES], *text;
    struct vhv_config *config = parse_vmx("vhv.enable = TRUE"), *back;
    const struct vhv_mask_key *found;
    struct vhv_mask mask = {{0}};
    struct losses losses;
    unsigned bit = 32;

    mask.op[feature->bit] = VHV_MASK_HIDE;
    snprintf(name, sizeof(name), "cpuid.%x.%x.e%cx", key.leaf, key.subleaf, "abcd"[key.reg]);
    vhv_mask_format(&mask, value);
    assert_int_equal(vhv_config_set(config, name, value), 0);
    text = exported(config, form, VHV_VENDOR_AMD, &losses);
    back = import_with(form, text, &losses);
    found = hidden_bit(back, &bit);
    if (found) {
        assert_int_equal(found->leaf, key.leaf);
        assert_int_equal(found->subleaf, key.subleaf);
        assert_int_equal(found->reg, key.reg);
        assert_int_equal(bit, feature->bit);
    }
    vhv_config_free(back);
    vhv_config_free(config);
    free(text);
    return bit < 32;
}

/* Every name that is written is read as the same bit. */
static void names_go_there_and_back(void **state)
{
    const struct vhv_feature *feature;
    unsigned qemu = 0, xen = 0;

    (void)state;
    for (size_t i = 0; (feature = vhv_feature_at(i)); i++) {
        qemu += goes_there_and_back(VHV_CONVERT_QEMU, feature);
        xen += goes_there_and_back(VHV_CONVERT_XEN, feature);
    }
    /* All but what has no bit of its own, and what is computed while the guest runs. */
    assert_true(qemu >= 249);
    assert_true(xen >= 227);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import_origin_is_the_file_and_the_key),
        cmocka_unit_test(import_returns_the_number_of_losses),
        cmocka_unit_test(import_stopped_makes_nothing),
        cmocka_unit_test(import_what_is_no_text_is_refused),
        cmocka_unit_test(import_many_leaves_are_merged),
        cmocka_unit_test(export_virtualized_hv_is_always_told),
        cmocka_unit_test(export_virtualized_hv_of_a_profile_is_told),
        cmocka_unit_test(export_hidden_hypervisor_is_its_bit_alone),
        cmocka_unit_test(export_most_specific_mask_decides),
        cmocka_unit_test(export_mask_of_one_vendor_is_for_its_hosts),
        cmocka_unit_test(export_settings_that_are_no_masks_are_lost),
        cmocka_unit_test(export_policy_below_counts),
        cmocka_unit_test(export_field_that_masks_do_not_reach_is_lost),
        cmocka_unit_test(export_stopped_writes_nothing),
        cmocka_unit_test(export_with_wrong_arguments_is_refused),
        cmocka_unit_test(names_go_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
