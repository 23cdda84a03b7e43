/* SPDX-License-Identifier: MIT */
/* Exits that are no access, and completing one. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests.h"

static void vcpu_run_hlt_exits(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_start(machine, CODE(halt));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(exit.kvm_reason, KVM_EXIT_HLT);
}

static void vcpu_run_triple_fault_shuts_down(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_start(machine, CODE(triple_fault));
    assert_ok(vhv_vcpu_set_entry(machine->vcpu, VHV_CPU_FLAT32, CODE_GPA, 0));
    expect_exit(machine, &exit, VHV_EXIT_SHUTDOWN);
}

static void vcpu_set_entry_address_beyond_mode_is_refused(void **state)
{
    struct machine *machine = *state;

    machine_start(machine, CODE(halt));
    assert_fails(vhv_vcpu_set_entry(machine->vcpu, VHV_CPU_REAL, 1 << 20, 0), EINVAL, "0x100000");
    assert_fails(vhv_vcpu_set_entry(machine->vcpu, VHV_CPU_FLAT32, VHV_MEMORY_4G, 0), EINVAL, "");
    assert_fails(vhv_vcpu_set_entry(machine->vcpu, VHV_CPU_LONG, CODE_GPA, 0), EINVAL, "cr3");
}

static void vcpu_set_entry_real_segment_comes_from_the_address(void **state)
{
    struct machine *machine = *state;
    struct kvm_sregs sregs;
    struct kvm_regs regs;

    machine_start(machine, CODE(halt));
    assert_ok(vhv_vcpu_set_entry(machine->vcpu, VHV_CPU_REAL, 0xf1234, 0));
    assert_ok(vhv_vcpu_get_sregs(machine->vcpu, &sregs));
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &regs));
    assert_int_equal(sregs.cs.base, 0xf0000);
    assert_int_equal(sregs.cs.selector, 0xf000);
    assert_int_equal(regs.rip, 0x1234);
}

static void vcpu_complete_out_moves_past_it(void **state)
{
    struct machine *machine = *state;
    struct kvm_regs regs;

    machine_start(machine, CODE(count));
    assert_int_equal(expect_out(machine, PORT_4), 1);
    assert_ok(vhv_vcpu_complete(machine->vcpu));
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &regs));
    assert_int_equal(regs.rax, 1);
    assert_int_equal(regs.rip, CODE_GPA + 8); /* XOR, INC and OUT of 3, 2 and 3 bytes */
    assert_int_equal(expect_out(machine, PORT_4), 2);
}

static void vcpu_complete_in_takes_the_answer(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;
    struct kvm_regs regs;

    machine_start(machine, CODE(in));
    assert_ok(vhv_vcpu_run_once(machine->vcpu, &exit));
    *(uint8_t *)exit.io.data = 0x5a;
    assert_ok(vhv_vcpu_complete(machine->vcpu));
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &regs));
    assert_int_equal(regs.rax & 0xff, 0x5a);
}

static void vcpu_complete_without_exit_does_nothing(void **state)
{
    struct machine *machine = *state;
    struct kvm_regs regs;

    machine_start(machine, CODE(count));
    assert_ok(vhv_vcpu_complete(machine->vcpu));
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &regs));
    assert_int_equal(regs.rip, CODE_GPA);
    assert_int_equal(expect_out(machine, PORT_4), 1);
}

static void ignore(int number)
{
    (void)number;
}

struct interrupter {
    struct machine *machine;
    pthread_t target;
};

/* Sends a signal that is not the library's once the guest is running. */
static void *interrupt_when_counting(void *cookie)
{
    const struct interrupter *interrupter = cookie;

    wait_for_count(interrupter->machine, 0);
    pthread_kill(interrupter->target, SIGUSR1);
    return NULL;
}

static void vcpu_run_foreign_signal_interrupts(void **state)
{
    const struct sigaction action = {.sa_handler = ignore};
    struct machine *machine = *state;
    struct interrupter interrupter = {machine, pthread_self()};
    struct vhv_exit exit;
    pthread_t thread;

    sigaction(SIGUSR1, &action, NULL);
    machine_start(machine, CODE(spin));
    assert_int_equal(pthread_create(&thread, NULL, interrupt_when_counting, &interrupter), 0);
    expect_exit(machine, &exit, VHV_EXIT_INTERRUPTED);
    pthread_join(thread, NULL);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vcpu_run_hlt_exits),
    MACHINE_TEST(vcpu_run_triple_fault_shuts_down),
    MACHINE_TEST(vcpu_set_entry_address_beyond_mode_is_refused),
    MACHINE_TEST(vcpu_set_entry_real_segment_comes_from_the_address),
    MACHINE_TEST(vcpu_complete_out_moves_past_it),
    MACHINE_TEST(vcpu_complete_in_takes_the_answer),
    MACHINE_TEST(vcpu_complete_without_exit_does_nothing),
    MACHINE_TEST(vcpu_run_foreign_signal_interrupts),
};

const struct test_list run_tests = TEST_LIST(tests);
