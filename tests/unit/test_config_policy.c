/* SPDX-License-Identifier: MIT */
/* A configuration over a host's policy. */
#include "config/config.h"
#include "config/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

#define MASK_1 "----:----:----:----:----:----:----:---1"
#define MASK_0 "----:----:----:----:----:----:----:---0"

static struct vhv_config *parse(const char *name, const char *text)
{
    struct vhv_config *config = NULL;

    if (vhv_config_parse(&config, text, strlen(text), name) < 0)
        fail_msg("%s", vhv_error_message());
    return config;
}

/* @config over @policy, which it takes. */
static struct vhv_config *over(struct vhv_config *config, struct vhv_config *policy)
{
    assert_int_equal(vhv_config_set_policy(config, policy), 0);
    vhv_config_free(policy);
    return config;
}

static struct vhv_guest_cpuid_options cpuid_of(const struct vhv_config *config)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};

    vhv_config_cpuid(config, &options);
    return options;
}

static void policy_gives_what_the_machine_does_not_say(void **state)
{
    struct vhv_config *config =
        over(parse("a.vmx", "vhv.enable = FALSE\n"),
             parse("host.vmx", "vhv.enable = TRUE\n\nhypervisor.cpuid.v0 = FALSE\n"
                               "virtualHW.version = 9\ncpuid.brandString = \"X\"\n"));
    struct vhv_guest_cpuid_options options = cpuid_of(config);

    (void)state;
    assert_int_equal(options.vhv_enable.value, VHV_SETTING_FALSE);
    assert_string_equal(options.vhv_enable.origin.file, "a.vmx");
    assert_int_equal(options.hypervisor_v0.value, VHV_SETTING_FALSE);
    assert_string_equal(options.hypervisor_v0.origin.file, "host.vmx");
    assert_int_equal(options.hypervisor_v0.origin.line, 3);
    assert_int_equal(options.hardware_version.value, 9);
    assert_string_equal(options.brand_string.value, "X");
    assert_int_equal(vhv_config_set(config, "hypervisor.cpuid.v0", "TRUE"), 0);
    options = cpuid_of(config);
    assert_int_equal(options.hypervisor_v0.value, VHV_SETTING_TRUE);
    assert_null(options.hypervisor_v0.origin.file);
    vhv_config_free(config);
}

static void policy_has_no_say_in_what_is_for_one_machine(void **state)
{
    struct vhv_config *config = over(
        parse("a.vmx", ""), parse("host.vmx", "numvcpus = 4\nmemsize = 64\ndisplayName = \"X\"\n"
                                              "guestOS = winhyperv\ncpuid.coresPerSocket = 2\n"));
    struct vhv_guest_cpuid_options options = cpuid_of(config);

    (void)state;
    assert_int_equal(vhv_config_vcpus(config), 1);
    assert_true(vhv_config_memory_bytes(config) == 0);
    assert_string_equal(vhv_config_display_name(config), "");
    assert_null(options.guest_os.value);
    assert_int_equal(options.cores_per_socket.value, 0);
    vhv_config_free(config);
}

static void policy_is_not_part_of_what_is_read_and_written(void **state)
{
    struct vhv_config *config = over(parse("a.vmx", "a = 1\n"), parse("host.vmx", "b = 2\n"));
    struct vhv_config_item item;
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    assert_null(vhv_config_get(config, "b"));
    assert_int_equal(vhv_config_item(config, 0, &item), 1);
    assert_int_equal(vhv_config_item(config, 1, &item), 0);
    assert_int_equal(vhv_config_write(config, stream), 0);
    fclose(stream);
    assert_string_equal(text, "a = \"1\"\n");
    free(text);
    vhv_config_free(config);
}

static void policys_masks_come_first_unless_the_machine_has_the_same(void **state)
{
    struct vhv_config *config =
        over(parse("a.vmx", "CPUID.1.ECX = \"" MASK_0 "\"\ncpuid.d.eax = \"" MASK_0 "\"\n"),
             parse("host.vmx", "cpuid.7.ebx = \"" MASK_1 "\"\ncpuid.1.ecx = \"" MASK_1 "\"\n"));
    struct vhv_guest_cpuid_options options = cpuid_of(config);

    (void)state;
    assert_int_equal(options.request_count, 3);
    assert_int_equal(options.requests[0].key.leaf, 7);
    assert_string_equal(options.requests[0].origin.file, "host.vmx");
    assert_int_equal(options.requests[1].key.leaf, 1);
    assert_int_equal(options.requests[1].mask.op[0], VHV_MASK_HIDE);
    assert_string_equal(options.requests[1].origin.file, "a.vmx");

    assert_int_equal(vhv_config_remove(config, "cpuid.1.ecx"), 1);
    options = cpuid_of(config);
    assert_int_equal(options.request_count, 3);
    assert_int_equal(options.requests[1].mask.op[0], VHV_MASK_FORCE);
    assert_string_equal(options.requests[1].origin.file, "host.vmx");

    assert_int_equal(vhv_config_set(config, "cpuid.7.ebx", MASK_0), 0);
    assert_int_equal(vhv_config_set(config, "cpuid.2.ebx", MASK_0), 0);
    options = cpuid_of(config);
    assert_int_equal(options.request_count, 4);
    assert_int_equal(options.requests[0].key.leaf, 1);
    vhv_config_free(config);
}

static void policy_can_be_replaced_and_taken_away(void **state)
{
    struct vhv_config *config = over(
        parse("a.vmx", ""), parse("host.vmx", "vhv.enable = TRUE\ncpuid.7.ebx = \"" MASK_1 "\"\n"));

    (void)state;
    over(config, parse("other.vmx", "vhv.enable = FALSE\n"));
    assert_string_equal(cpuid_of(config).vhv_enable.origin.file, "other.vmx");
    assert_int_equal(cpuid_of(config).request_count, 0);
    assert_int_equal(vhv_config_set_policy(config, NULL), 0);
    assert_int_equal(cpuid_of(config).vhv_enable.value, VHV_SETTING_UNSET);
    vhv_config_free(config);
}

static void copy_has_the_policy_and_keeps_it(void **state)
{
    struct vhv_config *config = over(
        parse("a.vmx", ""), parse("host.vmx", "vhv.enable = TRUE\ncpuid.7.ebx = \"" MASK_1 "\"\n"
                                              "numvcpus = 2\n"));
    struct vhv_config *copy = NULL;

    (void)state;
    assert_int_equal(vhv_config_copy(&copy, config), 0);
    vhv_config_free(config);
    assert_int_equal(cpuid_of(copy).vhv_enable.value, VHV_SETTING_TRUE);
    assert_int_equal(cpuid_of(copy).request_count, 1);
    assert_string_equal(cpuid_of(copy).requests[0].origin.file, "host.vmx");
    assert_int_equal(vhv_config_vcpus(copy), 1);
    vhv_config_free(copy);
}

/* "file:value" of vhv.allow in the user's policy over the system's; each may be NULL. */
static void assert_allow(const char *user, const char *system, const char *file,
                         enum vhv_setting value)
{
    struct vhv_config *config =
        over(parse("user.vmx", user ? user : ""), parse("system.vmx", system ? system : ""));
    struct vhv_cpuid_setting allow;

    config->is_policy = true;
    allow = vhv_config_vhv_allow(config);
    assert_int_equal(allow.value, value);
    if (file)
        assert_string_equal(allow.origin.file, file);
    vhv_config_free(config);
}

static void vhv_allow_false_of_the_system_cannot_be_lifted(void **state)
{
    static const char yes[] = "vhv.allow = TRUE", no[] = "vhv.allow = FALSE";

    (void)state;
    assert_allow(NULL, NULL, NULL, VHV_SETTING_UNSET);
    assert_allow(NULL, no, "system.vmx", VHV_SETTING_FALSE);
    assert_allow(yes, no, "system.vmx", VHV_SETTING_FALSE);
    assert_allow(no, no, "system.vmx", VHV_SETTING_FALSE);
    assert_allow(no, yes, "user.vmx", VHV_SETTING_FALSE);
    assert_allow(no, NULL, "user.vmx", VHV_SETTING_FALSE);
    assert_allow(yes, NULL, "user.vmx", VHV_SETTING_TRUE);
    assert_allow(NULL, yes, "system.vmx", VHV_SETTING_TRUE);
}

static void vhv_allow_of_a_machine_counts_for_nothing(void **state)
{
    struct vhv_config *config = parse("a.vmx", "vhv.allow = FALSE");

    (void)state;
    assert_int_equal(vhv_config_vhv_allow(config).value, VHV_SETTING_UNSET);
    over(config, parse("host.vmx", "vhv.allow = TRUE"));
    assert_int_equal(vhv_config_vhv_allow(config).value, VHV_SETTING_TRUE);
    vhv_config_free(config);
}

static void allow_nested_is_the_machines_or_else_the_policys(void **state)
{
    struct vhv_config *config =
        over(parse("a.vmx", ""), parse("host.vmx", "vmx.allowNested = TRUE"));

    (void)state;
    assert_int_equal(vhv_config_allow_nested(config).value, VHV_SETTING_TRUE);
    assert_string_equal(vhv_config_allow_nested(config).origin.file, "host.vmx");
    assert_int_equal(vhv_config_set(config, "vmx.allowNested", "FALSE"), 0);
    assert_int_equal(vhv_config_allow_nested(config).value, VHV_SETTING_FALSE);
    vhv_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_gives_what_the_machine_does_not_say),
        cmocka_unit_test(policy_has_no_say_in_what_is_for_one_machine),
        cmocka_unit_test(policy_is_not_part_of_what_is_read_and_written),
        cmocka_unit_test(policys_masks_come_first_unless_the_machine_has_the_same),
        cmocka_unit_test(policy_can_be_replaced_and_taken_away),
        cmocka_unit_test(copy_has_the_policy_and_keeps_it),
        cmocka_unit_test(vhv_allow_false_of_the_system_cannot_be_lifted),
        cmocka_unit_test(vhv_allow_of_a_machine_counts_for_nothing),
        cmocka_unit_test(allow_nested_is_the_machines_or_else_the_policys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
