/* SPDX-License-Identifier: MIT */
/* Counters of exits, ours and KVM's. */
#include "tests.h"

static void vcpu_exits_are_counted_by_reason(void **state)
{
    uint64_t counts[VHV_EXIT_REASONS];
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_start(machine, CODE(out));
    vhv_vcpu_exits(machine->vcpu, counts);
    for (int i = 0; i < VHV_EXIT_REASONS; i++)
        assert_int_equal(counts[i], 0);
    expect_out(machine, PORT_1);
    vhv_vcpu_kick(machine->vcpu);
    expect_exit(machine, &exit, VHV_EXIT_KICKED);
    expect_out(machine, PORT_2);
    expect_out(machine, PORT_4);
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    vhv_vcpu_exits(machine->vcpu, counts);
    for (int i = 0; i < VHV_EXIT_REASONS; i++) {
        uint64_t expected = i == VHV_EXIT_IO ? 3 : i == VHV_EXIT_HLT || i == VHV_EXIT_KICKED;

        assert_int_equal(counts[i], expected);
    }
}

static int ignore_write(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)cookie, (void)offset, (void)bytes, (void)value;
    return 0;
}

static void vcpu_exits_that_handlers_take_are_counted(void **state)
{
    const struct vhv_bus_ops ops = {.write = ignore_write};
    uint64_t counts[VHV_EXIT_REASONS];
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_make(machine, CODE_RAM);
    assert_ok(vhv_bus_add(vhv_vm_bus(machine->vm), VHV_SPACE_PORT, PORT_1, 8, &ops, NULL, "ports"));
    machine_boot(machine, CODE(out));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    vhv_vcpu_exits(machine->vcpu, counts);
    assert_int_equal(counts[VHV_EXIT_IO], 3);
}

struct wanted {
    const char *name;
    uint64_t value;
    unsigned seen;
};

static int find_stat(const struct vhv_kvm_stat *stat, void *cookie)
{
    struct wanted *wanted = cookie;

    if (strcmp(stat->name, wanted->name) == 0) {
        wanted->value = stat->values[0];
        wanted->seen++;
    }
    return 0;
}

static int stop_at_once(const struct vhv_kvm_stat *stat, void *cookie)
{
    (void)stat, (void)cookie;
    return 42;
}

static void vcpu_kvm_stats_have_the_exits(void **state)
{
    struct wanted wanted = {.name = "io_exits"};
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_start(machine, CODE(out));
    if (vhv_host_capability(kvm_host(), KVM_CAP_BINARY_STATS_FD, NULL) != VHV_YES) {
        assert_fails(vhv_vcpu_kvm_stats(machine->vcpu, find_stat, &wanted), EOPNOTSUPP, "");
        skip_because("this KVM has no file of statistics");
    }
    need_vendor_module("counter of exits");
    for (int i = 0; i < 3; i++)
        assert_ok(vhv_vcpu_run_once(machine->vcpu, &exit));
    assert_true(vhv_vcpu_kvm_stats(machine->vcpu, find_stat, &wanted) > 0);
    assert_int_equal(wanted.seen, 1);
    assert_int_equal(wanted.value, 3);
    assert_int_equal(vhv_vcpu_kvm_stats(machine->vcpu, stop_at_once, NULL), 42);
    assert_true(vhv_vm_kvm_stats(machine->vm, find_stat, &wanted) > 0);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vcpu_exits_are_counted_by_reason),
    MACHINE_TEST(vcpu_exits_that_handlers_take_are_counted),
    MACHINE_TEST(vcpu_kvm_stats_have_the_exits),
};

const struct test_list stats_tests = TEST_LIST(tests);
