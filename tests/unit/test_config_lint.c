/* SPDX-License-Identifier: MIT */
/* Warnings on lines that are legal and probably not meant. */
#include <errno.h>
#include <libvhv/config.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

/* The warnings of one configuration, a line each: "file:line: key: what: why: remedy". */
struct told {
    char text[4096];
    int stop;
};

static int keep(const struct vhv_config_warning *warning, void *cookie)
{
    struct told *told = cookie;
    size_t used = strlen(told->text);

    snprintf(told->text + used, sizeof(told->text) - used, "%s:%u: %s: %s: %s: %s\n",
             warning->origin.file ? warning->origin.file : "program", warning->origin.line,
             warning->origin.key, warning->what, warning->why, warning->remedy);
    return told->stop;
}

static int lint(const char *text, struct told *told)
{
    struct vhv_config *config;
    int result;

    told->text[0] = 0;
    if (vhv_config_parse(&config, text, strlen(text), "test.vmx") < 0)
        fail_msg("%s", vhv_error_message());
    result = vhv_config_lint(config, keep, told);
    vhv_config_free(config);
    return result;
}

static void assert_warns(const char *text, const char *says)
{
    struct told told = {0};

    assert_int_equal(lint(text, &told), 1);
    if (!strstr(told.text, says))
        fail_msg("warning is \"%s\", without \"%s\"", told.text, says);
}

static void assert_quiet(const char *text)
{
    struct told told = {0};

    if (lint(text, &told))
        fail_msg("%s", told.text);
}

static void lint_mask_that_only_clears_vmx_is_told(void **state)
{
    (void)state;
    assert_warns("\ncpuid.1.ecx = \"----:----:----:----:----:----:--0-:----\"",
                 "test.vmx:2: cpuid.1.ecx: the mask clears VMX (bit 5)");
    assert_quiet("cpuid.1.ecx = \"0---:----:----:----:----:----:--0-:----\"");
    assert_quiet("cpuid.1.ecx = \"----:----:----:----:----:----:--h-:----\"");
    assert_quiet("cpuid.1.edx = \"----:----:----:----:----:----:--0-:----\"");
    assert_quiet("cpuid.7.ecx = \"----:----:----:----:----:----:--0-:----\"");
}

static void lint_mask_on_field_of_its_own_is_told(void **state)
{
    (void)state;
    assert_warns("cpuid.1.ebx = \"---1:----:----:----:----:----:----:----\"", "bits 31 to 24");
    assert_warns("cpuid.b.1.edx = \"----:----:----:----:----:----:----:---h\"", "bits 31 to 0");
    assert_warns("cpuid.1.ecx = \"----:0---:----:----:----:----:----:----\"",
                 "does not reach bit 27:");
    assert_quiet("cpuid.1.ebx = \"----:----:----:----:0000:0000:----:----\"");
    assert_quiet("cpuid.1.ebx = \"xxxx:xxxx:----:----:----:----:----:----\"");
}

static void lint_install_is_told(void **state)
{
    (void)state;
    assert_warns("cpuid.7.ecx = \"----:----:---I:--i-:----:----:----:----\"", "bit 20 is 'i'");
}

static void lint_misspelt_setting_is_told(void **state)
{
    (void)state;
    assert_warns("numvcpu = 2", "if numvcpus is meant");
    assert_warns("VHV.enabled = TRUE", "if vhv.enable is meant");
    assert_warns("numcpu = 2", "if numvcpus is meant");
    assert_quiet("msiz = 2");
    assert_quiet("NUMVCPUS = 2");
    assert_quiet("ethernet0.present = TRUE");
    assert_quiet("cpuid.coresPerSocket = 1");
    assert_warns("vmpc.enable = TRUE", "if vpmc.enable is meant");
    assert_warns("vh.enable = TRUE", "if vhv.enable is meant");
    assert_warns("vpm.enable = TRUE", "if vpmc.enable is meant");
}

static void lint_vhv_allow_in_a_machines_file_is_told(void **state)
{
    (void)state;
    assert_warns("vhv.allow = TRUE", "vhv.allow: no effect in a machine's configuration");
    assert_warns("VHV.Allow = FALSE", "write it in the host's policy");
}

static void lint_settings_of_a_machine_in_a_policy_are_told(void **state)
{
    static const char text[] = "vhv.allow = TRUE\nhypervisor.cpuid.v0 = FALSE\nnumvcpus = 2\n"
                               "guestOS = \"nonesuch\"\nother = 1\n";
    struct vhv_config *config, *policy;
    struct told told = {0};

    (void)state;
    assert_int_equal(vhv_config_parse(&policy, text, strlen(text), "host.vmx"), 0);
    assert_int_equal(vhv_config_parse(&config, "numvcpu = 2", 11, "test.vmx"), 0);
    assert_int_equal(vhv_config_set_policy(config, policy), 0);
    assert_int_equal(vhv_config_lint(config, keep, &told), 3);
    assert_true(strstr(told.text, "host.vmx:3: numvcpus: no effect in a host's policy") ==
                told.text);
    assert_non_null(strstr(told.text, "host.vmx:4: guestOS: no effect in a host's policy"));
    assert_non_null(strstr(told.text, "test.vmx:1: numvcpu: no setting"));
    told = (struct told){.stop = 5};
    assert_int_equal(vhv_config_lint(config, keep, &told), 5);
    assert_null(strstr(told.text, "host.vmx:4"));
    vhv_config_free(policy);
    vhv_config_free(config);
}

#define VMX_MASK "cpuid.1.ecx = \"----:----:----:----:----:----:--h-:----\"\n"
#define SVM_MASK "cpuid.80000001.ecx.amd = \"----:----:----:----:----:----:----:-t--\"\n"

static void lint_hardware_version_below_9_with_virtualized_hv_is_told(void **state)
{
    static const char *const asking[] = {"vhv.enable = TRUE\n", VMX_MASK, SVM_MASK,
                                         VMX_MASK "vhv.enable = FALSE\n"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++) {
        snprintf(text, sizeof(text), "virtualHW.version = 8\n%s", asking[i]);
        assert_warns(text, "test.vmx:1: virtualHW.version: virtualized HV on hardware version 8");
        snprintf(text, sizeof(text), "virtualHW.version = 7\n%s", asking[i]);
        assert_warns(text, "refused at power-on");
        snprintf(text, sizeof(text), "virtualHW.version = 9\n%s", asking[i]);
        assert_quiet(text);
    }
    assert_warns("virtualHW.version = 8\nguestOS = vmkernel5", "not portable");
    assert_quiet("virtualHW.version = 7\nguestOS = vmkernel5");
    assert_quiet("virtualHW.version = 8\nguestOS = vmkernel5\nvhv.enable = FALSE");
    assert_quiet("virtualHW.version = 7");
    assert_quiet("virtualHW.version = 8\n"
                 "cpuid.80000001.ecx = \"----:----:----:----:----:----:--1-:----\"\n");
}

static void lint_hardware_version_of_policy_that_is_overridden_is_quiet(void **state)
{
    struct vhv_config *config, *policy;
    struct told told = {0};

    (void)state;
    assert_int_equal(vhv_config_parse(&policy, "virtualHW.version = 7", 21, "host.vmx"), 0);
    assert_int_equal(vhv_config_parse(&config, "vhv.enable = TRUE", 17, "test.vmx"), 0);
    assert_int_equal(vhv_config_set_policy(config, policy), 0);
    assert_int_equal(vhv_config_lint(config, keep, &told), 1);
    assert_non_null(strstr(told.text, "host.vmx:1: virtualHW.version"));
    assert_int_equal(vhv_config_set(config, "virtualHW.version", "9"), 0);
    assert_int_equal(vhv_config_lint(config, keep, &told), 0);
    vhv_config_free(policy);
    vhv_config_free(config);
}

static void lint_guest_os_without_profile_is_told(void **state)
{
    (void)state;
    assert_warns("guestOS = \"templeos-64\"", "guestOS: no profile has this name");
    assert_quiet("guestOS = \"windows9srv-64\"");
    assert_quiet("guestOS = \"Xen\"");
}

static void lint_sockets_that_are_not_full_are_told(void **state)
{
    (void)state;
    assert_warns("numvcpus = 6\ncpuid.coresPerSocket = 4",
                 "6 vCPUs do not fill sockets of 4 cores");
    assert_warns("cpuid.coresPerSocket = 2", "1 vCPUs do not");
    assert_quiet("numvcpus = 6\ncpuid.coresPerSocket = 3");
}

static void lint_settings_that_ask_for_what_is_not_there_are_told(void **state)
{
    (void)state;
    assert_warns("vcpu.hotadd = TRUE", "vCPUs cannot be added");
    assert_quiet("vcpu.hotadd = FALSE");
    assert_quiet("monitor_control.restrict_backdoor = FALSE");
    assert_quiet("vmx.allowNested = TRUE");
}

static void lint_warnings_come_in_order_and_are_counted(void **state)
{
    struct told told = {0};

    (void)state;
    assert_int_equal(
        lint("a = b\nnumvcpu = 2\ncpuid.1.ebx = \"1i--:----:----:----:----:----:----:----\"\n",
             &told),
        3);
    assert_non_null(strstr(told.text, "test.vmx:2: numvcpu:"));
    assert_true(strstr(told.text, "numvcpu:") < strstr(told.text, "bit 30 is 'i'"));
    assert_true(strstr(told.text, "bit 30 is 'i'") < strstr(told.text, "bits 31 to 24"));
}

static void lint_stops_when_told_to(void **state)
{
    struct told told = {.stop = -7};

    (void)state;
    assert_int_equal(lint("numvcpu = 2\nmemsiz = 3\n", &told), -7);
    assert_null(strstr(told.text, "memsiz"));
}

static void load_published_lines_that_are_not_meant_are_warned_about(void **state)
{
    struct vhv_config *config;
    struct told told = {0};

    (void)state;
    if (vhv_config_load(&config, TEST_VECTORS "/lint.vmx") < 0)
        fail_msg("%s", vhv_error_message());
    assert_int_equal(vhv_config_lint(config, keep, &told), 2);
    assert_non_null(strstr(told.text, "lint.vmx:2: cpuid.1.ecx: the mask clears VMX"));
    assert_non_null(
        strstr(told.text, "lint.vmx:4: cpuid.1.ebx: the mask does not reach bits 31 to 24"));
    vhv_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lint_mask_that_only_clears_vmx_is_told),
        cmocka_unit_test(lint_mask_on_field_of_its_own_is_told),
        cmocka_unit_test(lint_install_is_told),
        cmocka_unit_test(lint_misspelt_setting_is_told),
        cmocka_unit_test(lint_vhv_allow_in_a_machines_file_is_told),
        cmocka_unit_test(lint_settings_of_a_machine_in_a_policy_are_told),
        cmocka_unit_test(lint_hardware_version_below_9_with_virtualized_hv_is_told),
        cmocka_unit_test(lint_hardware_version_of_policy_that_is_overridden_is_quiet),
        cmocka_unit_test(lint_guest_os_without_profile_is_told),
        cmocka_unit_test(lint_sockets_that_are_not_full_are_told),
        cmocka_unit_test(lint_settings_that_ask_for_what_is_not_there_are_told),
        cmocka_unit_test(lint_warnings_come_in_order_and_are_counted),
        cmocka_unit_test(lint_stops_when_told_to),
        cmocka_unit_test(load_published_lines_that_are_not_meant_are_warned_about),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
