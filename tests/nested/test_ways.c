/* SPDX-License-Identifier: MIT */
/* Ways of asking for virtualized HV, and of taking parts of it away. */
#include "tests.h"

#define ALL_HOST "hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh"

/* As ESXi 5.0 wanted it, before it had vhv.enable. */
static void five_masks_switch_it_on(void **state)
{
    static const char *const masks[][2] = {
        {"cpuid.1.ecx", "----:----:----:----:----:----:--h-:----"},
        {"cpuid.80000001.ecx.amd", "----:----:----:----:----:----:----:-h--"},
        {"cpuid.8000000a.eax.amd", ALL_HOST},
        {"cpuid.8000000a.ebx.amd", ALL_HOST},
        {"cpuid.8000000a.edx.amd", ALL_HOST},
    };
    const struct guest_parameters parameters = {.mode = GUEST_NESTED};
    struct recording recording = {0};
    struct machine *machine = *state;

    need_nesting();
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
        assert_ok(vhv_config_set(machine->config, masks[i][0], masks[i][1]));
    payload_start(machine, &parameters);
    assert_true(vhv_vm_has_vhv(machine->vm));
    payload_run(machine, &recording);
    assert_all_steps(&recording, false);
}

static void config_file_switches_it_on(void **state)
{
    static const char text[] = "displayName = \"guest hypervisor\"\r\n"
                               "numvcpus = 1 # of one\n"
                               "memsize = \"8\"\n"
                               "vhv.enable = \"TRUE\"\n";
    const struct guest_parameters parameters = {.mode = GUEST_NESTED};
    struct recording recording = {0};
    struct machine *machine = *state;

    need_nesting();
    vhv_config_free(machine->config);
    machine->config = NULL;
    assert_ok(vhv_config_parse(&machine->config, text, sizeof(text) - 1, "hypervisor.vmx"));
    payload_start(machine, &parameters);
    payload_run(machine, &recording);
    assert_all_steps(&recording, false);
}

/* The guest hypervisor finds no nested paging, and does without. */
static void expect_no_nested_paging(struct machine *machine)
{
    struct recording recording = {0};

    start_nested(machine, GUEST_NESTED, true);
    expect_end(machine, GUEST_NO_NESTED_PAGING);
    vhv_vm_free(machine->vm);
    start_nested(machine, GUEST_NESTED, false);
    payload_run(machine, &recording);
    assert_all_steps(&recording, false);
}

static void mask_hides_nested_paging_alone(void **state)
{
    struct machine *machine = *state;

    need_nesting_of(VHV_VENDOR_AMD);
    assert_ok(vhv_config_set(machine->config, "cpuid.8000000a.edx.amd",
                             "----:----:----:----:----:----:----:---0"));
    expect_no_nested_paging(machine);
}

static void setting_hides_nested_paging_alone(void **state)
{
    struct machine *machine = *state;

    need_nesting();
    assert_ok(vhv_config_set(machine->config, "vhv.nestedPaging", "FALSE"));
    expect_no_nested_paging(machine);
}

static void vhv_goes_with_a_hidden_hypervisor(void **state)
{
    struct machine *machine = *state;
    struct recording recording = {0};

    need_nesting();
    assert_ok(vhv_config_set(machine->config, "hypervisor.cpuid.v0", "FALSE"));
    start_nested(machine, GUEST_NESTED, false);
    payload_run(machine, &recording);
    assert_all_steps(&recording, false);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(five_masks_switch_it_on),
    MACHINE_TEST(config_file_switches_it_on),
    MACHINE_TEST(mask_hides_nested_paging_alone),
    MACHINE_TEST(setting_hides_nested_paging_alone),
    MACHINE_TEST(vhv_goes_with_a_hidden_hypervisor),
};

const struct test_list ways_tests = TEST_LIST(tests);
