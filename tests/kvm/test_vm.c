/* SPDX-License-Identifier: MIT */
/* A VM's life: making, stages, freeing. */
#include <dirent.h>
#include <stdlib.h>

#include "tests.h"

static void vm_new_defaults_are_in_stage_configure(void **state)
{
    struct machine *machine = *state;

    assert_ok(vhv_vm_new(&machine->vm, kvm_host(), NULL));
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_CONFIGURE);
    assert_int_equal(vhv_vm_vcpu_count(machine->vm), 0);
    assert_int_equal(vhv_memory_count(vhv_vm_memory(machine->vm)), 0);
    assert_false(vhv_vm_has_vhv(machine->vm));
}

static void vm_new_without_host_probes_for_itself(void **state)
{
    struct machine *machine = *state;

    kvm_host();
    assert_ok(vhv_vm_new(&machine->vm, NULL, NULL));
}

static void vm_new_of_config_makes_vcpus_and_ram(void **state)
{
    struct machine *machine = *state;
    struct vhv_region region;

    assert_ok(vhv_config_set(machine->config, "numvcpus", "2"));
    assert_ok(vhv_config_set(machine->config, "memsize", "4"));
    machine_make(machine, 0);
    assert_int_equal(vhv_vm_vcpu_count(machine->vm), 2);
    assert_int_equal(vhv_vcpu_id(vhv_vm_vcpu(machine->vm, 1)), 1);
    assert_null(vhv_vm_vcpu(machine->vm, 2));
    assert_ok(vhv_memory_region(vhv_vm_memory(machine->vm), 0, &region));
    assert_int_equal(region.bytes, 4 << 20);
}

static void vm_new_pit_without_irqchip_is_refused(void **state)
{
    const struct vhv_vm_options options = {.size = sizeof(options), .pit = true};
    struct machine *machine = *state;

    assert_fails(vhv_vm_new(&machine->vm, kvm_host(), &options), EINVAL, "pit");
    assert_null(machine->vm);
}

static void vcpu_new_same_id_is_refused(void **state)
{
    struct machine *machine = *state;
    struct vhv_vcpu *vcpu = NULL;

    machine_make(machine, CODE_RAM);
    assert_fails(vhv_vcpu_new(&vcpu, machine->vm, 0), EEXIST, "vCPU 0");
    assert_fails(vhv_vcpu_new(&vcpu, machine->vm, VHV_VM_MAX_VCPU_ID + 1), EINVAL, "255");
    assert_null(vcpu);
    assert_int_equal(vhv_vm_vcpu_count(machine->vm), 1);
}

static void vm_power_on_without_vcpu_is_refused(void **state)
{
    struct machine *machine = *state;

    assert_ok(vhv_vm_new(&machine->vm, kvm_host(), NULL));
    assert_fails(vhv_vm_power_on(machine->vm), EINVAL, "vCPU");
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_CONFIGURE);
}

static void vm_power_on_freezes_the_layout(void **state)
{
    const struct vhv_bus_ops ops = {0};
    struct machine *machine = *state;
    struct vhv_vcpu *vcpu;

    machine_make(machine, CODE_RAM);
    assert_ok(vhv_vm_power_on(machine->vm));
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_READY);
    assert_fails(vhv_vm_power_on(machine->vm), EBUSY, "");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_WRONG_STAGE);
    assert_fails(vhv_vcpu_new(&vcpu, machine->vm, 1), EBUSY, "");
    assert_fails(vhv_memory_add(vhv_vm_memory(machine->vm), 1 << 20, 4096, NULL), EBUSY, "");
    assert_fails(vhv_bus_add(vhv_vm_bus(machine->vm), VHV_SPACE_PORT, 0x80, 1, &ops, NULL, "late"),
                 EBUSY, "");
}

static void vcpu_run_before_power_on_is_refused(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;
    struct kvm_regs regs;

    machine_make(machine, CODE_RAM);
    assert_fails(vhv_vcpu_run(machine->vcpu, &exit), EBUSY, "power");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_WRONG_STAGE);
    assert_fails(vhv_vcpu_get_regs(machine->vcpu, &regs), EBUSY, "power");
}

static void vm_stage_goes_from_ready_to_running_to_off(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_start(machine, CODE(halt));
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_READY);
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_RUNNING);
    vhv_vm_stop(machine->vm);
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_OFF);
    expect_exit(machine, &exit, VHV_EXIT_STOPPED);
}

static size_t open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void vm_free_leaves_no_file_open(void **state)
{
    size_t before;

    (void)state;
    kvm_host();
    before = open_files();
    for (int i = 0; i < 3; i++) {
        struct machine machine = {0};
        struct vhv_exit exit;

        machine_start(&machine, CODE(halt));
        expect_exit(&machine, &exit, VHV_EXIT_HLT);
        vhv_vm_free(machine.vm);
    }
    assert_int_equal(open_files(), before);
}

static void vm_new_outlives_its_host(void **state)
{
    struct machine *machine = *state;
    const struct vhv_host_options without_policy = {.size = sizeof(without_policy), .policy = ""};
    struct vhv_host *host = NULL;
    struct vhv_exit exit;

    kvm_host();
    assert_ok(vhv_host_new(&host, &without_policy));
    assert_ok(vhv_vm_new(&machine->vm, host, NULL));
    vhv_host_free(host);
    assert_ok(vhv_memory_add_ram(vhv_vm_memory(machine->vm), CODE_RAM, NULL));
    assert_ok(vhv_vcpu_new(&machine->vcpu, machine->vm, 0));
    machine_boot(machine, CODE(halt));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
}

static void two_vms_run_apart(void **state)
{
    struct machine *first = *state, *second;
    void *second_state;

    assert_int_equal(machine_setup(&second_state), 0);
    second = second_state;
    machine_start(first, CODE(count));
    machine_start(second, CODE(count));
    assert_int_equal(expect_out(first, PORT_4), 1);
    assert_int_equal(expect_out(first, PORT_4), 2);
    assert_int_equal(expect_out(second, PORT_4), 1);
    assert_int_equal(expect_out(first, PORT_4), 3);
    machine_teardown(&second_state);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vm_new_defaults_are_in_stage_configure),
    MACHINE_TEST(vm_new_without_host_probes_for_itself),
    MACHINE_TEST(vm_new_of_config_makes_vcpus_and_ram),
    MACHINE_TEST(vm_new_pit_without_irqchip_is_refused),
    MACHINE_TEST(vcpu_new_same_id_is_refused),
    MACHINE_TEST(vm_power_on_without_vcpu_is_refused),
    MACHINE_TEST(vm_power_on_freezes_the_layout),
    MACHINE_TEST(vcpu_run_before_power_on_is_refused),
    MACHINE_TEST(vm_stage_goes_from_ready_to_running_to_off),
    MACHINE_TEST(vm_free_leaves_no_file_open),
    MACHINE_TEST(vm_new_outlives_its_host),
    MACHINE_TEST(two_vms_run_apart),
};

const struct test_list vm_tests = TEST_LIST(tests);
