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
    assert_quiet("vhv.allow = TRUE");
    assert_quiet("cpuid.coresPerSocket = 2");
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
        cmocka_unit_test(lint_warnings_come_in_order_and_are_counted),
        cmocka_unit_test(lint_stops_when_told_to),
        cmocka_unit_test(load_published_lines_that_are_not_meant_are_warned_about),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
