/* SPDX-License-Identifier: MIT */
/* Ports and memory-mapped registers: raw exits, and ranges with handlers. */
#include "tests.h"

/* A range that notes every access, and answers reads with a number that goes up. */
struct device {
    struct {
        uint64_t offset, value;
        unsigned bytes;
        bool is_write;
    } log[16];
    size_t count;
    uint64_t next_answer;
    int result; /* of each access */
};

static int device_read(void *cookie, uint64_t offset, unsigned bytes, uint64_t *value)
{
    struct device *device = cookie;

    *value = device->next_answer++;
    assert_in_range(device->count, 0, 15);
    device->log[device->count].offset = offset;
    device->log[device->count].bytes = bytes;
    device->log[device->count++].is_write = false;
    return device->result;
}

static int device_write(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct device *device = cookie;

    assert_in_range(device->count, 0, 15);
    device->log[device->count].offset = offset;
    device->log[device->count].bytes = bytes;
    device->log[device->count].value = value;
    device->log[device->count++].is_write = true;
    return device->result;
}

static const struct vhv_bus_ops device_ops = {.read = device_read, .write = device_write};

static void start_with_device(struct machine *machine, enum vhv_space space, uint64_t base,
                              uint64_t bytes, struct device *device, struct code code)
{
    machine_make(machine, CODE_RAM);
    assert_ok(
        vhv_bus_add(vhv_vm_bus(machine->vm), space, base, bytes, &device_ops, device, "device"));
    machine_boot(machine, code);
}

#define assert_access(access, offset_, bytes_, value_) \
    do {                                               \
        assert_true((access).is_write);                \
        assert_int_equal((access).offset, (offset_));  \
        assert_int_equal((access).bytes, (bytes_));    \
        assert_int_equal((access).value, (value_));    \
    } while (0)

static uint64_t result_of(struct machine *machine, unsigned offset, unsigned bytes)
{
    uint64_t value;

    assert_ok(vhv_memory_read_le(vhv_vm_memory(machine->vm), RESULT + offset, bytes, &value));
    return value;
}

static void vcpu_run_once_out_has_port_size_and_value(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_start(machine, CODE(out));
    assert_int_equal(expect_out(machine, PORT_1), 0x5a);
    assert_int_equal(expect_out(machine, PORT_2), 0x1234);
    assert_ok(vhv_vcpu_run_once(machine->vcpu, &exit));
    assert_int_equal(exit.reason, VHV_EXIT_IO);
    assert_int_equal(exit.kvm_reason, KVM_EXIT_IO);
    assert_int_equal(exit.io.port, PORT_4);
    assert_int_equal(exit.io.bytes, 4);
    assert_int_equal(exit.io.count, 1);
    assert_true(exit.io.is_write);
    assert_int_equal(*(uint32_t *)exit.io.data, 0x89abcdef);
}

static void vcpu_run_port_ranges_take_writes_of_each_size(void **state)
{
    struct machine *machine = *state;
    struct device device = {0};
    struct vhv_exit exit;

    start_with_device(machine, VHV_SPACE_PORT, PORT_1, 8, &device, CODE(out));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(device.count, 3);
    assert_access(device.log[0], 0, 1, 0x5a);
    assert_access(device.log[1], PORT_2 - PORT_1, 2, 0x1234);
    assert_access(device.log[2], PORT_4 - PORT_1, 4, 0x89abcdef);
}

static void vcpu_run_port_ranges_answer_reads_of_each_size(void **state)
{
    struct machine *machine = *state;
    struct device device = {.next_answer = 0x11223344};
    struct vhv_exit exit;

    start_with_device(machine, VHV_SPACE_PORT, PORT_1, 8, &device, CODE(in));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(result_of(machine, 0, 1), 0x44);
    assert_int_equal(result_of(machine, 2, 2), 0x3345);
    assert_int_equal(result_of(machine, 4, 4), 0x11223346);
}

static void vcpu_run_port_without_range_is_the_programs(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_start(machine, CODE(in));
    expect_exit(machine, &exit, VHV_EXIT_IO);
    assert_int_equal(exit.io.port, PORT_1);
    assert_false(exit.io.is_write);
    *(uint8_t *)exit.io.data = 0x5a;
    expect_exit(machine, &exit, VHV_EXIT_IO);
    assert_int_equal(result_of(machine, 0, 1), 0x5a);
}

static void vcpu_run_string_out_reaches_the_range_in_order(void **state)
{
    struct machine *machine = *state;
    struct device device = {0};
    struct vhv_exit exit;

    start_with_device(machine, VHV_SPACE_PORT, PORT_1, 1, &device, CODE(string_out));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(device.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_access(device.log[i], 0, 1, (uint8_t) "abcde"[i]);
}

static void vcpu_run_string_in_is_answered_access_by_access(void **state)
{
    struct machine *machine = *state;
    struct device device = {.next_answer = 0x1001};
    struct vhv_exit exit;

    start_with_device(machine, VHV_SPACE_PORT, PORT_2, 2, &device, CODE(string_in));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(device.count, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(result_of(machine, 2 * i, 2), 0x1001 + i);
}

/* KVM may make one exit of several accesses, or one of each. */
static void vcpu_run_once_string_out_has_all_data(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;
    char text[6] = "";
    size_t length = 0;

    machine_start(machine, CODE(string_out));
    while (length < 5) {
        assert_ok(vhv_vcpu_run_once(machine->vcpu, &exit));
        assert_int_equal(exit.reason, VHV_EXIT_IO);
        assert_in_range(exit.io.count, 1, 5 - length);
        memcpy(text + length, exit.io.data, exit.io.count);
        length += exit.io.count;
    }
    assert_string_equal(text, "abcde");
}

static void vcpu_run_access_across_a_border_is_split(void **state)
{
    struct machine *machine = *state;
    struct device device = {.next_answer = 0x77};
    struct vhv_exit exit;

    start_with_device(machine, VHV_SPACE_PORT, PORT_1, 1, &device, CODE(straddle));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(device.count, 2);
    assert_access(device.log[0], 0, 1, 0x12);
    assert_int_equal(device.log[1].bytes, 1);
    assert_int_equal(result_of(machine, 0, 2), 0x77ff);
}

static void vcpu_run_mmio_ranges_take_writes_of_each_size(void **state)
{
    struct machine *machine = *state;
    struct device device = {0};
    struct vhv_exit exit;

    start_with_device(machine, VHV_SPACE_MMIO, MMIO_GPA, 8, &device, CODE(mmio_write));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(device.count, 3);
    assert_access(device.log[0], 0, 1, 0x5a);
    assert_access(device.log[1], 2, 2, 0x1234);
    assert_access(device.log[2], 4, 4, 0x89abcdef);
}

static void vcpu_run_mmio_ranges_answer_reads_of_each_size(void **state)
{
    struct machine *machine = *state;
    struct device device = {.next_answer = 0x11223344};
    struct vhv_exit exit;

    start_with_device(machine, VHV_SPACE_MMIO, MMIO_GPA, 8, &device, CODE(mmio_read));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(result_of(machine, 0, 1), 0x44);
    assert_int_equal(result_of(machine, 2, 2), 0x3345);
    assert_int_equal(result_of(machine, 4, 4), 0x11223346);
}

static void vcpu_run_once_mmio_read_takes_the_answer(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_start(machine, CODE(mmio_read));
    assert_ok(vhv_vcpu_run_once(machine->vcpu, &exit));
    assert_int_equal(exit.reason, VHV_EXIT_MMIO);
    assert_int_equal(exit.mmio.gpa, MMIO_GPA);
    assert_int_equal(exit.mmio.bytes, 1);
    assert_false(exit.mmio.is_write);
    *(uint8_t *)exit.mmio.data = 0x5a;
    assert_ok(vhv_vcpu_run_once(machine->vcpu, &exit));
    assert_int_equal(exit.mmio.gpa, MMIO_GPA + 2);
    assert_int_equal(result_of(machine, 0, 1), 0x5a);
}

static void vcpu_run_handler_returning_1_returns_to_the_program(void **state)
{
    struct machine *machine = *state;
    struct device device = {.result = 1};
    struct vhv_exit exit;

    start_with_device(machine, VHV_SPACE_PORT, PORT_1, 1, &device, CODE(out));
    expect_exit(machine, &exit, VHV_EXIT_HANDLED);
    assert_int_equal(device.count, 1);
    expect_exit(machine, &exit, VHV_EXIT_IO);
    assert_int_equal(exit.io.port, PORT_2);
}

static void vcpu_run_handler_failing_fails_the_run(void **state)
{
    struct machine *machine = *state;
    struct device device = {.result = -ENOSPC};
    struct vhv_exit exit;

    start_with_device(machine, VHV_SPACE_PORT, PORT_1, 1, &device, CODE(out));
    assert_int_equal(vhv_vcpu_run(machine->vcpu, &exit), -ENOSPC);
    device.result = 0;
    expect_exit(machine, &exit, VHV_EXIT_IO);
    assert_int_equal(exit.io.port, PORT_2);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vcpu_run_once_out_has_port_size_and_value),
    MACHINE_TEST(vcpu_run_port_ranges_take_writes_of_each_size),
    MACHINE_TEST(vcpu_run_port_ranges_answer_reads_of_each_size),
    MACHINE_TEST(vcpu_run_port_without_range_is_the_programs),
    MACHINE_TEST(vcpu_run_string_out_reaches_the_range_in_order),
    MACHINE_TEST(vcpu_run_string_in_is_answered_access_by_access),
    MACHINE_TEST(vcpu_run_once_string_out_has_all_data),
    MACHINE_TEST(vcpu_run_access_across_a_border_is_split),
    MACHINE_TEST(vcpu_run_mmio_ranges_take_writes_of_each_size),
    MACHINE_TEST(vcpu_run_mmio_ranges_answer_reads_of_each_size),
    MACHINE_TEST(vcpu_run_once_mmio_read_takes_the_answer),
    MACHINE_TEST(vcpu_run_handler_returning_1_returns_to_the_program),
    MACHINE_TEST(vcpu_run_handler_failing_fails_the_run),
};

const struct test_list io_tests = TEST_LIST(tests);
