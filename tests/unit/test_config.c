/* SPDX-License-Identifier: MIT */
/* Reading, changing and writing a configuration. */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

static struct vhv_config *parse(const char *text)
{
    struct vhv_config *config = NULL;

    if (vhv_config_parse(&config, text, strlen(text), "test.vmx") < 0)
        fail_msg("%s", vhv_error_message());
    return config;
}

/* To be freed. */
static char *written(const struct vhv_config *config)
{
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);

    assert_non_null(stream);
    assert_int_equal(vhv_config_write(config, stream), 0);
    fclose(stream);
    return text;
}

static void assert_written(const struct vhv_config *config, const char *expected)
{
    char *text = written(config);

    assert_string_equal(text, expected);
    free(text);
}

static void assert_item(const struct vhv_config *config, size_t index, const char *key,
                        const char *value, unsigned line)
{
    struct vhv_config_item item;

    assert_int_equal(vhv_config_item(config, index, &item), 1);
    assert_string_equal(item.key, key);
    assert_string_equal(item.value, value);
    assert_int_equal(item.line, line);
    if (line)
        assert_string_equal(item.file, "test.vmx");
    else
        assert_null(item.file);
}

static void write_keeps_comments_order_and_unknown_names(void **state)
{
    struct vhv_config *config = parse("# first\n\n  \t\nb=2\n a = \"x y\"#why\n\t# last");

    (void)state;
    assert_written(config, "# first\n\n  \t\nb = \"2\"\na = \"x y\" #why\n\t# last\n");
    vhv_config_free(config);
}

static void write_escapes_what_a_value_cannot_hold(void **state)
{
    struct vhv_config *config;

    (void)state;
    assert_int_equal(vhv_config_new(&config), 0);
    assert_int_equal(vhv_config_set(config, "a", "\"|\n\r\x7f\t# \xc3\xa9"), 0);
    assert_written(config, "a = \"|22|7C|0A|0D|7F\t# \xc3\xa9\"\n");
    vhv_config_free(config);
}

static void write_full_stream_is_an_error(void **state)
{
    struct vhv_config *config = parse("a = b");
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    if (!full)
        skip();
    assert_fails(vhv_config_write(config, full), EIO, "could not write the configuration");
    fclose(full);
    vhv_config_free(config);
}

static void set_new_name_goes_to_the_end(void **state)
{
    struct vhv_config *config = parse("b = 1\n# end\n");

    (void)state;
    assert_int_equal(vhv_config_set(config, "a", "2"), 0);
    assert_int_equal(vhv_config_set(config, "c", "3"), 0);
    assert_item(config, 0, "b", "1", 1);
    assert_item(config, 1, "a", "2", 0);
    assert_item(config, 2, "c", "3", 0);
    assert_written(config, "b = \"1\"\n# end\na = \"2\"\nc = \"3\"\n");
    vhv_config_free(config);
}

static void set_known_name_keeps_place_spelling_and_comment(void **state)
{
    struct vhv_config *config = parse("a = 0\nNumVCPUs = 1 # one\nb = 2\n");

    (void)state;
    assert_int_equal(vhv_config_set(config, "numvcpus", "4"), 0);
    assert_item(config, 1, "NumVCPUs", "4", 0);
    assert_int_equal(vhv_config_vcpus(config), 4);
    assert_written(config, "a = \"0\"\nNumVCPUs = \"4\" # one\nb = \"2\"\n");
    vhv_config_free(config);
}

static void set_to_its_own_value_is_fine(void **state)
{
    struct vhv_config *config = parse("a = b");
    struct vhv_config_item item;

    (void)state;
    vhv_config_item(config, 0, &item);
    assert_int_equal(vhv_config_set(config, item.key, item.value), 0);
    assert_item(config, 0, "a", "b", 0);
    vhv_config_free(config);
}

static void set_what_a_file_could_not_have_is_refused(void **state)
{
    struct vhv_config *config = parse("numvcpus = 2\n");

    (void)state;
    assert_fails(vhv_config_set(config, "numvcpus", "65"), EINVAL, "numvcpus: \"65\"");
    assert_fails(vhv_config_set(config, "vhv.enable", "on"), EINVAL, "neither TRUE nor FALSE");
    assert_fails(vhv_config_set(config, "vmx.allowNested", "1"), EINVAL, "neither TRUE nor FALSE");
    assert_fails(vhv_config_set(config, "virtualHW.version", "0"), EINVAL, "from 1 to 255");
    assert_fails(vhv_config_set(config, "virtualHW.version", "256"), EINVAL, "from 1 to 255");
    assert_fails(vhv_config_set(config, "cpuid.coresPerSocket", "0"), EINVAL, "from 1 to 64");
    assert_fails(vhv_config_set(config, "cpuid.coresPerSocket", "65"), EINVAL, "from 1 to 64");
    assert_fails(vhv_config_set(config, "cpuid.brandString",
                                "0123456789abcdef0123456789abcdef0123456789abcdef"),
                 EINVAL, "cpuid.brandString: 48 bytes are more than 47");
    assert_fails(vhv_config_set(config, "hypervisor.cpuid.vendor", "Xen"), EINVAL,
                 "hypervisor.cpuid.vendor: \"Xen\" is neither KVM nor VMware");
    assert_fails(vhv_config_set(config, "cpuid.1.ecx", "1"), EINVAL, "cpuid.1.ecx: column");
    assert_fails(vhv_config_set(config, "cpuid.1.efx", "1"), EINVAL, "not a register");
    assert_fails(vhv_config_set(config, "", "1"), EINVAL, "no name");
    assert_fails(vhv_config_set(config, "a b", "1"), EINVAL, "column 2: found ' '");
    assert_fails(vhv_config_set(config, "a=", "1"), EINVAL, "found '='");
    assert_fails(vhv_config_set(config, "#a", "1"), EINVAL, "found '#'");
    assert_fails(vhv_config_set(config, "a\n", "1"), EINVAL, "control character 0ah");
    assert_fails(vhv_config_set(config,
                                "\xef\xbb\xbf"
                                "a",
                                "1"),
                 EINVAL, "byte order mark");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);
    assert_written(config, "numvcpus = \"2\"\n");
    vhv_config_free(config);
}

static void set_line_is_one_assignment(void **state)
{
    struct vhv_config *config = parse("a = 1 # old\n");

    (void)state;
    assert_int_equal(vhv_config_set_line(config, "A=\"|22\" # new"), 0);
    assert_int_equal(vhv_config_set_line(config, "memsize = 64"), 0);
    assert_written(config, "a = \"|22\" # old\nmemsize = \"64\"\n");
    assert_fails(vhv_config_set_line(config, ""), EINVAL, "name = \"value\" is wanted");
    assert_fails(vhv_config_set_line(config, "# a = b"), EINVAL, "name = \"value\" is wanted");
    assert_fails(vhv_config_set_line(config, "a = 1\nb = 2"), EINVAL, "column 6: found a line end");
    assert_fails(vhv_config_set_line(config, "a"), EINVAL, "column 2: found no '='");
    assert_fails(vhv_config_set_line(config, "memsize = 0"), EINVAL, "memsize: \"0\"");
    assert_written(config, "a = \"|22\" # old\nmemsize = \"64\"\n");
    vhv_config_free(config);
}

static void remove_takes_the_line_and_leaves_comments(void **state)
{
    struct vhv_config *config = parse("# a\na = 1\n# b\nb = 2 # two\n# c\nc = 3\n");

    (void)state;
    assert_int_equal(vhv_config_remove(config, "B"), 1);
    assert_int_equal(vhv_config_remove(config, "b"), 0);
    assert_null(vhv_config_get(config, "b"));
    assert_item(config, 1, "c", "3", 6);
    assert_written(config, "# a\na = \"1\"\n# b\n# c\nc = \"3\"\n");
    assert_int_equal(vhv_config_remove(config, "a"), 1);
    assert_int_equal(vhv_config_remove(config, "c"), 1);
    assert_int_equal(vhv_config_set(config, "d", "4"), 0);
    assert_written(config, "# a\n# b\n# c\nd = \"4\"\n");
    vhv_config_free(config);
}

static void settings_unset_have_their_defaults(void **state)
{
    struct vhv_guest_cpuid_options options = {
        .size = sizeof(options), .vcpu_id = 7, .vhv_enable.value = VHV_SETTING_TRUE};
    struct vhv_config *config;

    (void)state;
    assert_int_equal(vhv_config_new(&config), 0);
    assert_int_equal(vhv_config_vcpus(config), 1);
    assert_true(vhv_config_memory_bytes(config) == 0);
    assert_string_equal(vhv_config_display_name(config), "");
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.vhv_enable.value, VHV_SETTING_UNSET);
    assert_int_equal(options.hypervisor_v0.value, VHV_SETTING_UNSET);
    assert_int_equal(options.request_count, 0);
    assert_int_equal(options.hardware_version.value, 0);
    assert_null(options.guest_os.value);
    assert_int_equal(options.cores_per_socket.value, 0);
    assert_null(options.brand_string.value);
    assert_int_equal(options.vpmc_enable.value, VHV_SETTING_UNSET);
    assert_null(options.hypervisor_vendor.value);
    assert_int_equal(options.vcpu_id, 7);
    vhv_config_free(config);
}

static void settings_of_a_file_are_read(void **state)
{
    struct vhv_config *config = parse("NUMVCPUS = 064\n"
                                      "memsize = \"16777216\"\n"
                                      "displayname = \"One | two\"\n"
                                      "VHV.enable = true\n"
                                      "hypervisor.cpuid.v0 = \"False\"\n");
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};

    (void)state;
    assert_int_equal(vhv_config_vcpus(config), 64);
    assert_true(vhv_config_memory_bytes(config) == UINT64_C(1) << 44);
    assert_string_equal(vhv_config_display_name(config), "One | two");
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.vhv_enable.value, VHV_SETTING_TRUE);
    assert_string_equal(options.vhv_enable.origin.file, "test.vmx");
    assert_int_equal(options.vhv_enable.origin.line, 4);
    assert_string_equal(options.vhv_enable.origin.key, "VHV.enable");
    assert_int_equal(options.hypervisor_v0.value, VHV_SETTING_FALSE);
    assert_int_equal(options.hypervisor_v0.origin.line, 5);
    vhv_config_free(config);
}

static void settings_of_cpuid_are_read(void **state)
{
    struct vhv_config *config = parse("virtualHW.version = 10\n"
                                      "guestOS = \"vmkernel6\"\n"
                                      "cpuid.coresPerSocket = 2\n"
                                      "cpuid.brandString = \"A processor of 47 bytes: "
                                      "0123456789abcdef012345\"\n"
                                      "vpmc.enable = FALSE\n"
                                      "vhv.nestedPaging = FALSE\n"
                                      "vhv.allow = FALSE\n"
                                      "hypervisor.cpuid.vendor = vmWARE\n");
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};

    (void)state;
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.hardware_version.value, 10);
    assert_int_equal(options.hardware_version.origin.line, 1);
    assert_string_equal(options.guest_os.value, "vmkernel6");
    assert_string_equal(options.guest_os.origin.key, "guestOS");
    assert_int_equal(options.cores_per_socket.value, 2);
    assert_int_equal(vhv_config_vcpu_id(config, 3), 3);
    assert_int_equal(vhv_config_set(config, "cpuid.coresPerSocket", "3"), 0);
    assert_int_equal(vhv_config_vcpu_id(config, 3), 4);
    assert_int_equal(vhv_config_remove(config, "cpuid.coresPerSocket"), 1);
    assert_int_equal(vhv_config_vcpu_id(config, 3), 3);
    assert_int_equal(options.cores_per_socket.origin.line, 3);
    assert_int_equal(strlen(options.brand_string.value), 47);
    assert_string_equal(options.brand_string.origin.file, "test.vmx");
    assert_int_equal(options.vpmc_enable.value, VHV_SETTING_FALSE);
    assert_int_equal(options.vpmc_enable.origin.line, 5);
    assert_int_equal(options.nested_paging.value, VHV_SETTING_FALSE);
    assert_string_equal(options.hypervisor_vendor.value, "vmWARE");
    assert_int_equal(options.hypervisor_vendor.origin.line, 8);
    assert_int_equal(options.vhv_allow.value, VHV_SETTING_UNSET);
    vhv_config_free(config);
}

static void cpuid_fills_in_no_more_than_the_caller_has(void **state)
{
    struct vhv_config *config = parse("vhv.enable = TRUE\nhypervisor.cpuid.v0 = FALSE\n");
    struct vhv_guest_cpuid_options options = {
        .size = offsetof(struct vhv_guest_cpuid_options, hypervisor_v0), .vcpu_id = 7};

    (void)state;
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.vhv_enable.value, VHV_SETTING_TRUE);
    assert_int_equal(options.hypervisor_v0.value, VHV_SETTING_UNSET);
    assert_null(options.requests);
    assert_int_equal(options.vcpu_id, 7);
    vhv_config_free(config);
}

static const char no_bits[] = "----:----:----:----:----:----:----:----";
static const char bit_0[] = "----:----:----:----:----:----:----:---1";

static void cpuid_masks_follow_every_change(void **state)
{
    struct vhv_config *config =
        parse("cpuid.1.ecx = \"----:----:----:----:----:----:--h-:----\"\n"
              "a = b\n"
              "CPUID.d.1.EAX.amd = \"----:----:----:----:----:----:----:---t\"\n");
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};

    (void)state;
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.request_count, 2);
    assert_int_equal(options.requests[0].key.leaf, 1);
    assert_int_equal(options.requests[0].mask.op[5], VHV_MASK_HOST);
    assert_int_equal(options.requests[0].origin.line, 1);
    assert_int_equal(options.requests[1].key.subleaf, 1);
    assert_int_equal(options.requests[1].key.vendor, VHV_VENDOR_AMD);
    assert_int_equal(options.requests[1].mask.op[0], VHV_MASK_TRUE);
    assert_string_equal(options.requests[1].origin.key, "CPUID.d.1.EAX.amd");
    assert_string_equal(options.requests[1].origin.file, "test.vmx");

    assert_int_equal(vhv_config_set(config, "CPUID.1.ECX", no_bits), 0);
    assert_int_equal(
        vhv_config_set_line(config, "cpuid.7.edx = \"----:----:----:----:----:----:----:---1\""),
        0);
    assert_int_equal(vhv_config_remove(config, "cpuid.D.1.eax.AMD"), 1);
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.request_count, 2);
    assert_int_equal(options.requests[0].mask.op[5], VHV_MASK_PASS);
    assert_null(options.requests[0].origin.file);
    assert_int_equal(options.requests[0].origin.line, 0);
    assert_string_equal(options.requests[0].origin.key, "cpuid.1.ecx");
    assert_int_equal(options.requests[1].key.leaf, 7);
    assert_int_equal(options.requests[1].mask.op[0], VHV_MASK_FORCE);
    vhv_config_free(config);
}

static void cpuid_many_masks_are_all_there(void **state)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    struct vhv_config *config;

    (void)state;
    assert_int_equal(vhv_config_new(&config), 0);
    for (unsigned leaf = 0; leaf < 100; leaf++) {
        char key[32];

        snprintf(key, sizeof(key), "cpuid.%x.eax", leaf);
        assert_int_equal(vhv_config_set(config, key, leaf % 2 ? bit_0 : no_bits), 0);
    }
    vhv_config_cpuid(config, &options);
    assert_int_equal(options.request_count, 100);
    for (unsigned leaf = 0; leaf < 100; leaf++) {
        assert_int_equal(options.requests[leaf].key.leaf, leaf);
        assert_int_equal(options.requests[leaf].mask.op[0],
                         leaf % 2 ? VHV_MASK_FORCE : VHV_MASK_PASS);
    }
    vhv_config_free(config);
}

static void copy_is_equal_and_independent(void **state)
{
    static const char text[] =
        "# c\na = 1 # one\ncpuid.1.ecx = \"----:----:----:----:----:----:--h-:----\"\n\n";
    struct vhv_config *config = parse(text), *copy = NULL;
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    char *before = written(config);

    (void)state;
    assert_int_equal(vhv_config_set(config, "numvcpus", "3"), 0);
    assert_int_equal(vhv_config_copy(&copy, config), 0);
    assert_int_equal(vhv_config_remove(config, "numvcpus"), 1);
    assert_int_equal(vhv_config_set(config, "a", "2"), 0);
    assert_int_equal(vhv_config_set(copy, "b", "3"), 0);
    vhv_config_free(config);

    assert_item(copy, 0, "a", "1", 2);
    assert_item(copy, 2, "numvcpus", "3", 0);
    assert_int_equal(vhv_config_vcpus(copy), 3);
    vhv_config_cpuid(copy, &options);
    assert_int_equal(options.request_count, 1);
    assert_string_equal(options.requests[0].origin.file, "test.vmx");
    assert_int_equal(options.requests[0].origin.line, 3);
    assert_int_equal(vhv_config_remove(copy, "b") + vhv_config_remove(copy, "numvcpus"), 2);
    assert_written(copy, before);
    free(before);
    vhv_config_free(copy);
}

static void load_file_that_cannot_be_read_says_why(void **state)
{
    struct vhv_config *config = NULL;

    (void)state;
    assert_fails(vhv_config_load(&config, "/nonexistent/a.vmx"), ENOENT, "/nonexistent/a.vmx");
    assert_fails(vhv_config_load(&config, "/"), EISDIR, "/ cannot be read");
    assert_fails(vhv_config_load(&config, "/dev/zero"), EFBIG, "/dev/zero: longer than");
    assert_null(config);
    assert_int_equal(vhv_config_load(&config, "/dev/null"), 0);
    vhv_config_free(config);
}

static void free_null_is_fine(void **state)
{
    (void)state;
    vhv_config_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_keeps_comments_order_and_unknown_names),
        cmocka_unit_test(write_escapes_what_a_value_cannot_hold),
        cmocka_unit_test(write_full_stream_is_an_error),
        cmocka_unit_test(set_new_name_goes_to_the_end),
        cmocka_unit_test(set_known_name_keeps_place_spelling_and_comment),
        cmocka_unit_test(set_to_its_own_value_is_fine),
        cmocka_unit_test(set_what_a_file_could_not_have_is_refused),
        cmocka_unit_test(set_line_is_one_assignment),
        cmocka_unit_test(remove_takes_the_line_and_leaves_comments),
        cmocka_unit_test(settings_unset_have_their_defaults),
        cmocka_unit_test(settings_of_a_file_are_read),
        cmocka_unit_test(settings_of_cpuid_are_read),
        cmocka_unit_test(cpuid_fills_in_no_more_than_the_caller_has),
        cmocka_unit_test(cpuid_masks_follow_every_change),
        cmocka_unit_test(cpuid_many_masks_are_all_there),
        cmocka_unit_test(copy_is_equal_and_independent),
        cmocka_unit_test(load_file_that_cannot_be_read_says_why),
        cmocka_unit_test(free_null_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
