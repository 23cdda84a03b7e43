/* SPDX-License-Identifier: MIT */
/* A handler that changes registers while the instruction that it answers is pending. */
#include "tests.h"

enum { MAGIC = 0x564d5868, VERSION = 6 };

static void start_with_backdoor(struct machine *machine, struct code code)
{
    machine_make(machine, CODE_RAM);
    assert_ok(vhv_backdoor_add(machine->vm, NULL));
    machine_boot(machine, code);
}

static uint64_t result_of(struct machine *machine, unsigned offset)
{
    uint64_t value;

    assert_ok(vhv_memory_read_le(vhv_vm_memory(machine->vm), RESULT + offset, 4, &value));
    return value;
}

static void backdoor_answer_is_in_the_guests_registers(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;
    struct kvm_regs regs;

    start_with_backdoor(machine, CODE(backdoor));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(result_of(machine, 0), MAGIC);
    assert_int_equal(result_of(machine, 4), VERSION);
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &regs));
    assert_int_equal(regs.rcx, 2);
    assert_int_equal(regs.rax, VERSION);
}

static void backdoor_answer_moves_rip_once(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;
    struct kvm_regs regs;
    uint64_t counts[VHV_EXIT_REASONS];
    struct code code = CODE(backdoor);

    start_with_backdoor(machine, code);
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &regs));
    assert_int_equal(regs.rbp & 0xffff, 2);
    assert_int_equal(regs.rip, (uint64_t)(CODE_GPA + (code.end - code.start)));
    vhv_vcpu_exits(machine->vcpu, counts);
    assert_int_equal(counts[VHV_EXIT_IO], 1);
}

/* The registers of a string instruction are the guest's own to lose; the run goes on. */
static void backdoor_string_instruction_comes_to_its_end(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    start_with_backdoor(machine, CODE(backdoor_string));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(result_of(machine, 0), VERSION);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(backdoor_answer_is_in_the_guests_registers),
    MACHINE_TEST(backdoor_answer_moves_rip_once),
    MACHINE_TEST(backdoor_string_instruction_comes_to_its_end),
};

const struct test_list backdoor_tests = TEST_LIST(tests);
