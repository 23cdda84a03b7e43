/* SPDX-License-Identifier: MIT */
/* Kicking and stopping, from before a run and from other threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests.h"

static void vcpu_kick_before_run_returns_before_the_guest_runs(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;
    struct kvm_regs regs;

    machine_start(machine, CODE(count));
    vhv_vcpu_kick(machine->vcpu);
    vhv_vcpu_kick(machine->vcpu);
    expect_exit(machine, &exit, VHV_EXIT_KICKED);
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &regs));
    assert_int_equal(regs.rip, CODE_GPA);
    assert_int_equal(expect_out(machine, PORT_4), 1);
}

static void vcpu_kick_after_exit_completes_it_once(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_start(machine, CODE(count));
    assert_int_equal(expect_out(machine, PORT_4), 1);
    vhv_vcpu_kick(machine->vcpu);
    expect_exit(machine, &exit, VHV_EXIT_KICKED);
    assert_int_equal(expect_out(machine, PORT_4), 2);
}

static void *kick_when_counting(void *cookie)
{
    struct machine *machine = cookie;

    wait_for_count(machine, 0);
    vhv_vcpu_kick(machine->vcpu);
    return NULL;
}

static void expect_kick_during_run(struct machine *machine)
{
    struct vhv_exit exit;
    pthread_t thread;

    machine_boot(machine, CODE(spin));
    assert_int_equal(pthread_create(&thread, NULL, kick_when_counting, machine), 0);
    expect_exit(machine, &exit, VHV_EXIT_KICKED);
    pthread_join(thread, NULL);
    assert_true(count_of(machine) > 0);
}

static void vcpu_kick_during_run_returns(void **state)
{
    struct machine *machine = *state;

    machine_make(machine, CODE_RAM);
    expect_kick_during_run(machine);
}

static void vcpu_kick_with_handler_returns(void **state)
{
    struct machine *machine = *state;

    machine->options.kick_handler = true;
    machine_make(machine, CODE_RAM);
    expect_kick_during_run(machine);
}

enum { KICKS = 200 };

struct kicker {
    struct machine *machine;
    atomic_uint seen; /* kicks that came out of a run */
};

/* The next kick comes some time after the last one came out: around the next run's start, at a
 * moment that moves. A kick that gets lost leaves the run, and the test, without an end. */
static void *kick_again_and_again(void *cookie)
{
    struct kicker *kicker = cookie;

    for (unsigned i = 0; i < KICKS; i++) {
        while (atomic_load(&kicker->seen) < i)
            sched_yield();
        for (volatile unsigned wait = i * 7 % 64 * 16; wait; wait--)
            ;
        vhv_vcpu_kick(kicker->machine->vcpu);
    }
    return NULL;
}

static void vcpu_kick_around_the_start_of_a_run_is_never_lost(void **state)
{
    struct machine *machine = *state;
    struct kicker kicker = {.machine = machine};
    struct vhv_exit exit;
    pthread_t thread;

    machine_start(machine, CODE(spin));
    assert_int_equal(pthread_create(&thread, NULL, kick_again_and_again, &kicker), 0);
    for (unsigned i = 0; i < KICKS; i++) {
        assert_ok(vhv_vcpu_run(machine->vcpu, &exit));
        if (exit.reason != VHV_EXIT_KICKED)
            break;
        atomic_fetch_add(&kicker.seen, 1);
    }
    assert_int_equal(exit.reason, VHV_EXIT_KICKED);
    pthread_join(thread, NULL);
}

static void *stop_when_counting(void *cookie)
{
    struct machine *machine = cookie;

    wait_for_count(machine, 0);
    vhv_vm_stop(machine->vm);
    return NULL;
}

static void vm_stop_during_run_ends_it_for_good(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;
    pthread_t thread;

    machine_start(machine, CODE(spin));
    assert_int_equal(pthread_create(&thread, NULL, stop_when_counting, machine), 0);
    expect_exit(machine, &exit, VHV_EXIT_STOPPED);
    pthread_join(thread, NULL);
    expect_exit(machine, &exit, VHV_EXIT_STOPPED);
    assert_int_equal(vhv_vm_stage(machine->vm), VHV_STAGE_OFF);
}

static void vm_stop_before_run_keeps_the_guest_from_running(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_start(machine, CODE(count));
    vhv_vm_stop(machine->vm);
    expect_exit(machine, &exit, VHV_EXIT_STOPPED);
    vhv_vcpu_kick(machine->vcpu);
    expect_exit(machine, &exit, VHV_EXIT_STOPPED);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vcpu_kick_before_run_returns_before_the_guest_runs),
    MACHINE_TEST(vcpu_kick_after_exit_completes_it_once),
    MACHINE_TEST(vcpu_kick_during_run_returns),
    MACHINE_TEST(vcpu_kick_with_handler_returns),
    MACHINE_TEST(vcpu_kick_around_the_start_of_a_run_is_never_lost),
    MACHINE_TEST(vm_stop_during_run_ends_it_for_good),
    MACHINE_TEST(vm_stop_before_run_keeps_the_guest_from_running),
};

const struct test_list kick_tests = TEST_LIST(tests);
