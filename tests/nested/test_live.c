/* SPDX-License-Identifier: MIT */
/* Holding and leaving a vCPU whose inner guest runs for ever. */
#include <pthread.h>
#include <unistd.h>

#include "tests.h"

enum { LONG_ENOUGH_US = 20000 }; /* for a guest that runs to be seen running */

static uint64_t count_of(struct machine *machine)
{
    uint64_t value = 0;

    vhv_memory_read_le(vhv_vm_memory(machine->vm), GUEST_SPIN_GPA, 8, &value);
    return value;
}

static uint64_t wait_for_count(struct machine *machine, uint64_t beyond)
{
    uint64_t count;

    while ((count = count_of(machine)) <= beyond)
        usleep(1000);
    return count;
}

/* Reports are left alone: they all come before the inner guest counts. */
static int pass_reports(struct vhv_vcpu *vcpu, struct vhv_exit *exit, void *cookie)
{
    (void)vcpu, (void)cookie;
    return exit->reason == VHV_EXIT_IO && exit->io.port != GUEST_PORT_END ? 0 : -EPROTO;
}

static void vm_pause_holds_the_inner_guest(void **state)
{
    struct machine *machine = *state;
    uint64_t count;

    start_nested(machine, GUEST_INNER_SPIN, false);
    assert_ok(vhv_vcpu_start(machine->vcpu, pass_reports, NULL));
    wait_for_count(machine, 0);
    assert_ok(vhv_vm_pause(machine->vm));
    assert_int_equal(vhv_vcpu_is_nested(machine->vcpu), 1);
    count = count_of(machine);
    usleep(LONG_ENOUGH_US);
    assert_int_equal(count_of(machine), count);
    assert_ok(vhv_vm_resume(machine->vm));
    wait_for_count(machine, count);
    vhv_vm_stop(machine->vm);
    assert_ok(vhv_vcpu_join(machine->vcpu));
}

static void *kick_when_counting(void *cookie)
{
    struct machine *machine = cookie;

    wait_for_count(machine, 0);
    vhv_vcpu_kick(machine->vcpu);
    return NULL;
}

/* Runs until a kick that comes while the inner guest counts. */
static void run_until_kicked(struct machine *machine)
{
    struct vhv_exit exit;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, kick_when_counting, machine), 0);
    do
        assert_ok(vhv_vcpu_run(machine->vcpu, &exit));
    while (exit.reason == VHV_EXIT_IO && exit.io.port != GUEST_PORT_END);
    assert_int_equal(exit.reason, VHV_EXIT_KICKED);
    pthread_join(thread, NULL);
}

static void vcpu_kick_leaves_the_inner_guest(void **state)
{
    struct machine *machine = *state;
    struct kvm_regs regs;

    start_nested(machine, GUEST_INNER_SPIN, false);
    run_until_kicked(machine);
    assert_int_equal(vhv_vcpu_is_nested(machine->vcpu), 1);
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &regs));
    assert_true(regs.rflags & 0x200); /* IF: the inner guest's, not the guest hypervisor's */
    run_until_kicked(machine);
    assert_int_equal(vhv_vcpu_is_nested(machine->vcpu), 1);
}

static void vcpu_restore_goes_on_where_the_inner_guest_was_kicked(void **state)
{
    struct vhv_vcpu_state *saved = NULL;
    struct machine *machine = *state;
    uint64_t count;

    start_nested(machine, GUEST_INNER_SPIN, false);
    run_until_kicked(machine);
    assert_ok(vhv_vcpu_save(&saved, machine->vcpu));
    assert_true(vhv_vcpu_state_is_nested(saved));
    count = count_of(machine);
    assert_ok(vhv_vcpu_restore(machine->vcpu, saved));
    vhv_vcpu_state_free(saved);
    assert_ok(vhv_vcpu_start(machine->vcpu, pass_reports, NULL));
    wait_for_count(machine, count);
    vhv_vm_stop(machine->vm);
    assert_ok(vhv_vcpu_join(machine->vcpu));
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vm_pause_holds_the_inner_guest),
    MACHINE_TEST(vcpu_kick_leaves_the_inner_guest),
    MACHINE_TEST(vcpu_restore_goes_on_where_the_inner_guest_was_kicked),
};

const struct test_list live_tests = TEST_LIST(tests);
