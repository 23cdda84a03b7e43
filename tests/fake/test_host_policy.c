/* SPDX-License-Identifier: MIT */
/* The host's policy: which files it is made of, and what VMs make of it. */
#include <errno.h>
#include <libvhv/vhv.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"
#include "base/error.h"
#include "host/probe.h"
#include "machine.h"

/* Writes a policy of this machine. Its path is valid until the next call with the same @name. */
static const char *write_policy(const struct machine *machine, const char *name, const char *text)
{
    static char system[64], user[64];
    char *path = strcmp(name, "user.vmx") == 0 ? user : system;

    machine_write_text(machine, name, text);
    snprintf(path, sizeof(system), "%s/%s", machine->root, name);
    return path;
}

static struct vhv_guest_cpuid_options cpuid_of(const struct vhv_host *host)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};

    vhv_host_cpuid(host, &options);
    return options;
}

static void policy_that_is_not_there_is_empty(void **state)
{
    struct machine *machine = *state;
    struct vhv_config_item item;
    struct vhv_host *host;

    machine->paths.system_policy = "/nonexistent/host.vmx";
    machine->paths.user_policy = "/dev/null/host.vmx";
    vhv_fail(EINVAL, VHV_CAUSE_NONE, "before");
    host = machine_probe(machine);
    assert_string_equal(vhv_error_message(), "before");
    assert_int_equal(vhv_config_item(vhv_host_policy(host), 0, &item), 0);
    assert_int_equal(cpuid_of(host).vhv_allow.value, VHV_SETTING_UNSET);
    assert_string_equal(vhv_host_verdict(host)->notes, "");
    vhv_host_free(host);
}

static void policy_of_the_system_is_read_and_told(void **state)
{
    struct machine *machine = *state;
    struct vhv_host *host;
    char note[256];

    machine->paths.system_policy = write_policy(machine, "system.vmx", "\n vhv.allow = FALSE\n");
    host = machine_probe(machine);
    assert_int_equal(cpuid_of(host).vhv_allow.value, VHV_SETTING_FALSE);
    assert_string_equal(cpuid_of(host).vhv_allow.origin.file, machine->paths.system_policy);
    assert_int_equal(cpuid_of(host).vhv_allow.origin.line, 2);
    snprintf(note, sizeof(note),
             "the host's policy refuses virtualized HV: %s:2: vhv.allow is FALSE",
             machine->paths.system_policy);
    assert_string_equal(vhv_host_verdict(host)->notes, note);
    assert_int_equal(vhv_host_verdict(host)->nesting, VHV_NESTING_YES);
    vhv_host_free(host);
}

static void policy_of_the_user_is_over_the_systems(void **state)
{
    struct machine *machine = *state;
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    struct vhv_config *config;
    struct vhv_host *host;

    machine->paths.system_policy =
        write_policy(machine, "system.vmx",
                     "vhv.allow = FALSE\nvhv.enable = TRUE\nhypervisor.cpuid.v0 = FALSE\n");
    machine->paths.user_policy =
        write_policy(machine, "user.vmx", "vhv.allow = TRUE\nvhv.enable = FALSE\n");
    host = machine_probe(machine);
    assert_int_equal(vhv_config_new(&config), 0);
    assert_int_equal(vhv_config_set_policy(config, vhv_host_policy(host)), 0);
    vhv_config_cpuid(config, &options);
    assert_string_equal(options.vhv_enable.origin.file, machine->paths.user_policy);
    assert_int_equal(options.vhv_enable.value, VHV_SETTING_FALSE);
    assert_string_equal(options.hypervisor_v0.origin.file, machine->paths.system_policy);
    assert_string_equal(cpuid_of(host).vhv_allow.origin.file, machine->paths.system_policy);
    assert_int_equal(cpuid_of(host).vhv_allow.value, VHV_SETTING_FALSE);
    vhv_config_free(config);
    vhv_host_free(host);
}

static void policy_that_is_malformed_or_unreadable_is_a_failure(void **state)
{
    struct machine *machine = *state;
    struct vhv_host *host = NULL;

    machine->paths.system_policy = write_policy(machine, "system.vmx", "vhv.allow = TRUE\n");
    machine->paths.user_policy = write_policy(machine, "user.vmx", "vhv.allow = perhaps\n");
    assert_fails(vhv_host_probe(&host, fake_kvm_processor(), &machine->paths), EINVAL,
                 "the host's policy: /tmp/");
    assert_non_null(strstr(vhv_error_message(), "user.vmx:1: vhv.allow: \"perhaps\" is neither"));
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);
    machine->paths.user_policy = machine->root;
    assert_fails(vhv_host_probe(&host, fake_kvm_processor(), &machine->paths), EISDIR,
                 "the host's policy: /tmp/");
    assert_null(host);
}

static void policy_that_the_program_names_must_be_there(void **state)
{
    struct machine *machine = *state;
    struct vhv_host_options options = {.size = sizeof(options), .sysfs = machine->sysfs};
    struct vhv_host *host = NULL;

    options.policy = "/nonexistent/host.vmx";
    assert_fails(vhv_host_new(&host, &options), ENOENT, "/nonexistent/host.vmx cannot be opened");
    options.policy = write_policy(machine, "system.vmx", "vhv.allow = FALSE\n");
    assert_int_equal(vhv_host_new(&host, &options), 0);
    assert_int_equal(cpuid_of(host).vhv_allow.value, VHV_SETTING_FALSE);
    vhv_host_free(host);
    options.policy = "";
    assert_int_equal(vhv_host_new(&host, &options), 0);
    assert_int_equal(cpuid_of(host).vhv_allow.value, VHV_SETTING_UNSET);
    vhv_host_free(host);
}

static void assert_user_policy(const char *config, const char *home, const char *wanted)
{
    struct vhv_host_paths paths = {0};
    char room[PATH_MAX];

    if (config)
        setenv("XDG_CONFIG_HOME", config, 1);
    else
        unsetenv("XDG_CONFIG_HOME");
    if (home)
        setenv("HOME", home, 1);
    else
        unsetenv("HOME");
    vhv_host_choose_policy(&paths, NULL, room);
    assert_non_null(strstr(paths.system_policy, "/libvhv/host.vmx"));
    assert_int_equal(paths.system_policy[0], '/');
    assert_null(paths.policy);
    if (wanted)
        assert_string_equal(paths.user_policy, wanted);
    else
        assert_null(paths.user_policy);
}

static void policy_by_default_is_the_systems_and_the_users(void **state)
{
    char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    struct vhv_host_paths paths = {0};
    char room[PATH_MAX], endless[PATH_MAX];

    (void)state;
    config = config ? strdup(config) : NULL;
    home = home ? strdup(home) : NULL;
    memset(endless, '/', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = 0;
    assert_user_policy("/x", "/home/y", "/x/libvhv/host.vmx");
    assert_user_policy(NULL, "/home/y", "/home/y/.config/libvhv/host.vmx");
    assert_user_policy("", "/home/y", "/home/y/.config/libvhv/host.vmx");
    assert_user_policy("relative", "/home/y", "/home/y/.config/libvhv/host.vmx");
    assert_user_policy(NULL, NULL, NULL);
    assert_user_policy(NULL, "", NULL);
    assert_user_policy(endless, NULL, NULL);
    vhv_host_choose_policy(&paths, "", room);
    assert_true(!paths.system_policy && !paths.user_policy && !paths.policy);
    vhv_host_choose_policy(&paths, "/z", room);
    assert_true(!paths.system_policy && !paths.user_policy && strcmp(paths.policy, "/z") == 0);
    if (config)
        setenv("XDG_CONFIG_HOME", config, 1);
    else
        unsetenv("XDG_CONFIG_HOME");
    if (home)
        setenv("HOME", home, 1);
    free(config);
    free(home);
}

#define AMD(name) cmocka_unit_test_setup_teardown(name, machine_setup_amd, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AMD(policy_that_is_not_there_is_empty),
        AMD(policy_of_the_system_is_read_and_told),
        AMD(policy_of_the_user_is_over_the_systems),
        AMD(policy_that_is_malformed_or_unreadable_is_a_failure),
        AMD(policy_that_the_program_names_must_be_there),
        AMD(policy_by_default_is_the_systems_and_the_users),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
