/* SPDX-License-Identifier: MIT */
/* vCPUs on threads of their own, pause and resume. */
#include <stdatomic.h>
#include <unistd.h>

#include "tests.h"

enum { LONG_ENOUGH_US = 20000 }; /* for a guest that runs to be seen running */

static int unexpected_exit(struct vhv_vcpu *vcpu, struct vhv_exit *exit, void *cookie)
{
    (void)vcpu, (void)exit, (void)cookie;
    return -EPROTO;
}

static int end_at_100(struct vhv_vcpu *vcpu, struct vhv_exit *exit, void *cookie)
{
    atomic_uint *exits = cookie;

    (void)vcpu;
    if (exit->reason != VHV_EXIT_IO)
        return -EPROTO;
    return atomic_fetch_add(exits, 1) + 1 == 100;
}

static void vcpu_start_runs_until_the_callback_ends_it(void **state)
{
    struct machine *machine = *state;
    atomic_uint exits = 0;

    machine_start(machine, CODE(count));
    assert_ok(vhv_vcpu_start(machine->vcpu, end_at_100, &exits));
    assert_ok(vhv_vcpu_join(machine->vcpu));
    assert_int_equal(exits, 100);
    assert_int_equal(expect_out(machine, PORT_4), 101);
}

static void vcpu_start_callback_failing_is_joins_failure(void **state)
{
    struct machine *machine = *state;

    machine_start(machine, CODE(halt));
    assert_ok(vhv_vcpu_start(machine->vcpu, unexpected_exit, NULL));
    assert_int_equal(vhv_vcpu_join(machine->vcpu), -EPROTO);
}

static void vcpu_start_twice_is_refused(void **state)
{
    struct machine *machine = *state;

    machine_start(machine, CODE(spin));
    assert_fails(vhv_vcpu_join(machine->vcpu), ESRCH, "vCPU 0");
    assert_ok(vhv_vcpu_start(machine->vcpu, unexpected_exit, NULL));
    assert_fails(vhv_vcpu_start(machine->vcpu, unexpected_exit, NULL), EBUSY, "vCPU 0");
    vhv_vm_stop(machine->vm);
    assert_ok(vhv_vcpu_join(machine->vcpu));
}

static void vcpu_start_before_power_on_is_refused(void **state)
{
    struct machine *machine = *state;

    machine_make(machine, CODE_RAM);
    assert_fails(vhv_vcpu_start(machine->vcpu, unexpected_exit, NULL), EBUSY, "power");
}

static void vm_free_ends_threads_that_run(void **state)
{
    struct machine *machine = *state;

    machine_start(machine, CODE(spin));
    assert_ok(vhv_vcpu_start(machine->vcpu, unexpected_exit, NULL));
    wait_for_count(machine, 0);
    vhv_vm_free(machine->vm);
    machine->vm = NULL;
}

static void two_vcpus_run_at_once(void **state)
{
    struct machine *machine = *state;
    atomic_uint exits[2] = {0};
    struct vhv_vcpu *second;

    assert_ok(vhv_config_set(machine->config, "numvcpus", "2"));
    machine_start(machine, CODE(count));
    second = vhv_vm_vcpu(machine->vm, 1);
    assert_ok(vhv_vcpu_set_entry(second, VHV_CPU_REAL, CODE_GPA, 0));
    assert_ok(vhv_vcpu_start(machine->vcpu, end_at_100, &exits[0]));
    assert_ok(vhv_vcpu_start(second, end_at_100, &exits[1]));
    assert_ok(vhv_vcpu_join(machine->vcpu));
    assert_ok(vhv_vcpu_join(second));
    assert_int_equal(exits[0], 100);
    assert_int_equal(exits[1], 100);
}

static void vm_pause_holds_a_running_guest(void **state)
{
    struct machine *machine = *state;
    struct kvm_regs regs;
    uint32_t count;

    machine_start(machine, CODE(spin));
    assert_ok(vhv_vcpu_start(machine->vcpu, unexpected_exit, NULL));
    wait_for_count(machine, 0);
    assert_fails(vhv_vcpu_get_regs(machine->vcpu, &regs), EBUSY, "");
    assert_fails(vhv_vm_flush_memory(machine->vm), EBUSY, "running");
    assert_ok(vhv_vm_pause(machine->vm));
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_PAUSED);
    assert_ok(vhv_vm_pause(machine->vm));
    count = count_of(machine);
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &regs));
    assert_ok(vhv_vm_flush_memory(machine->vm));
    usleep(LONG_ENOUGH_US);
    assert_int_equal(count_of(machine), count);
    assert_ok(vhv_vm_resume(machine->vm));
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_RUNNING);
    wait_for_count(machine, count);
    vhv_vm_stop(machine->vm);
    assert_ok(vhv_vcpu_join(machine->vcpu));
}

static void vm_pause_before_run_holds_the_start(void **state)
{
    struct machine *machine = *state;

    machine_start(machine, CODE(spin));
    assert_fails(vhv_vm_resume(machine->vm), EBUSY, "");
    assert_ok(vhv_vm_pause(machine->vm));
    assert_ok(vhv_vcpu_start(machine->vcpu, unexpected_exit, NULL));
    usleep(LONG_ENOUGH_US);
    assert_int_equal(count_of(machine), 0);
    assert_ok(vhv_vm_resume(machine->vm));
    wait_for_count(machine, 0);
    vhv_vm_stop(machine->vm);
    assert_ok(vhv_vcpu_join(machine->vcpu));
}

static void vm_stop_while_paused_ends_the_thread(void **state)
{
    struct machine *machine = *state;

    machine_start(machine, CODE(spin));
    assert_ok(vhv_vcpu_start(machine->vcpu, unexpected_exit, NULL));
    wait_for_count(machine, 0);
    assert_ok(vhv_vm_pause(machine->vm));
    vhv_vm_stop(machine->vm);
    assert_ok(vhv_vcpu_join(machine->vcpu));
    assert_fails(vhv_vm_pause(machine->vm), EBUSY, "");
}

static int pause_in_handler(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)offset, (void)bytes, (void)value;
    return vhv_vm_pause(cookie);
}

static void vm_pause_by_a_handler_is_refused(void **state)
{
    const struct vhv_bus_ops ops = {.write = pause_in_handler};
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_make(machine, CODE_RAM);
    assert_ok(vhv_bus_add(vhv_vm_bus(machine->vm), VHV_SPACE_PORT, PORT_4, 4, &ops, machine->vm,
                          "pause"));
    machine_boot(machine, CODE(count));
    assert_fails(vhv_vcpu_run(machine->vcpu, &exit), EDEADLK, "");
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vcpu_start_runs_until_the_callback_ends_it),
    MACHINE_TEST(vcpu_start_callback_failing_is_joins_failure),
    MACHINE_TEST(vcpu_start_twice_is_refused),
    MACHINE_TEST(vcpu_start_before_power_on_is_refused),
    MACHINE_TEST(vm_free_ends_threads_that_run),
    MACHINE_TEST(two_vcpus_run_at_once),
    MACHINE_TEST(vm_pause_holds_a_running_guest),
    MACHINE_TEST(vm_pause_before_run_holds_the_start),
    MACHINE_TEST(vm_stop_while_paused_ends_the_thread),
    MACHINE_TEST(vm_pause_by_a_handler_is_refused),
};

const struct test_list thread_tests = TEST_LIST(tests);
