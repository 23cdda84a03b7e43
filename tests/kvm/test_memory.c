/* SPDX-License-Identifier: MIT */
/* Guest memory, seen by a guest. */
#include <sys/mman.h>
#include <unistd.h>

#include "tests.h"

enum { PAGE = 4096, PAGES = CODE_RAM / PAGE };

static uint8_t byte_at(struct machine *machine, uint64_t gpa)
{
    uint64_t value;

    assert_ok(vhv_memory_read_le(vhv_vm_memory(machine->vm), gpa, 1, &value));
    return (uint8_t)value;
}

/* RAM around a read-only page whose bytes are 11h. */
static void make_with_rom(struct machine *machine)
{
    const struct vhv_region_options rom = {.size = sizeof(rom), .read_only = true};
    struct vhv_memory *memory;

    machine_make(machine, ROM);
    memory = vhv_vm_memory(machine->vm);
    assert_ok(vhv_memory_add(memory, ROM, PAGE, &rom));
    assert_ok(vhv_memory_fill(memory, ROM, 0x11, PAGE));
}

static void memory_read_only_write_exits_and_changes_nothing(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    make_with_rom(machine);
    machine_boot(machine, CODE(write_rom));
    assert_ok(vhv_vcpu_run_once(machine->vcpu, &exit));
    assert_int_equal(exit.reason, VHV_EXIT_MMIO);
    assert_true(exit.mmio.is_write);
    assert_int_equal(exit.mmio.gpa, ROM);
    assert_int_equal(exit.mmio.bytes, 1);
    assert_int_equal(*(uint8_t *)exit.mmio.data, 0x77);
    assert_int_equal(expect_out(machine, PORT_1), 0x11);
    assert_int_equal(byte_at(machine, ROM), 0x11);
}

static int write_rom(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)offset, (void)bytes;
    *(uint64_t *)cookie = value;
    return 0;
}

static void memory_read_only_write_reaches_a_range(void **state)
{
    const struct vhv_bus_ops ops = {.write = write_rom};
    struct machine *machine = *state;
    struct vhv_exit exit;
    uint64_t written = 0;

    make_with_rom(machine);
    assert_ok(
        vhv_bus_add(vhv_vm_bus(machine->vm), VHV_SPACE_MMIO, ROM, PAGE, &ops, &written, "flash"));
    machine_boot(machine, CODE(write_rom));
    expect_exit(machine, &exit, VHV_EXIT_IO);
    assert_int_equal(written, 0x77);
    assert_int_equal(byte_at(machine, ROM), 0x11);
}

static void memory_dirty_tells_pages_the_guest_wrote_once(void **state)
{
    const struct vhv_region_options options = {.size = sizeof(options), .dirty_log = true};
    struct machine *machine = *state;
    struct vhv_memory *memory;
    uint64_t bitmap[1];
    struct vhv_exit exit;

    assert_ok(vhv_vm_new(&machine->vm, kvm_host(), NULL));
    memory = vhv_vm_memory(machine->vm);
    assert_int_equal(vhv_memory_add(memory, 0, CODE_RAM, &options), 0);
    assert_ok(vhv_vcpu_new(&machine->vcpu, machine->vm, 0));
    machine_boot(machine, CODE(touch));
    assert_ok(vhv_memory_dirty(memory, 0, bitmap, 1));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_true(vhv_memory_dirty(memory, 0, bitmap, 1) >= 2);
    /* KVM may count the page of the code, too, which was read for the first time. */
    assert_int_equal(bitmap[0] & ~(1ull << CODE_GPA / PAGE),
                     1ull << TOUCHED_1 / PAGE | 1ull << TOUCHED_2 / PAGE);
    assert_int_equal(vhv_memory_dirty(memory, 0, bitmap, 1), 0);
    assert_fails((int)vhv_memory_dirty(memory, 1, bitmap, 1), ENOENT, "");
    assert_fails((int)vhv_memory_dirty(memory, 0, bitmap, 0), EINVAL, "");
}

static void memory_memfd_shows_what_the_guest_wrote(void **state)
{
    const struct vhv_region_options options = {.size = sizeof(options),
                                               .backing = VHV_BACKING_MEMFD};
    struct machine *machine = *state;
    struct vhv_region region;
    struct vhv_exit exit;
    uint8_t byte = 0;

    assert_ok(vhv_vm_new(&machine->vm, kvm_host(), NULL));
    assert_ok(vhv_memory_add_ram(vhv_vm_memory(machine->vm), CODE_RAM, &options));
    assert_ok(vhv_vcpu_new(&machine->vcpu, machine->vm, 0));
    machine_boot(machine, CODE(touch));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_ok(vhv_memory_region(vhv_vm_memory(machine->vm), 0, &region));
    assert_int_equal(pread(region.fd, &byte, 1, TOUCHED_1), 1);
    assert_int_equal(byte, 1);
}

static void memory_private_file_keeps_what_the_guest_wrote_out(void **state)
{
    struct vhv_region_options options = {
        .size = sizeof(options), .backing = VHV_BACKING_FILE, .file_private = true};
    struct machine *machine = *state;
    struct vhv_exit exit;
    uint8_t byte = 0xff;

    assert_ok(vhv_vm_new(&machine->vm, kvm_host(), NULL));
    options.fd = memfd_create("ram", MFD_CLOEXEC);
    assert_int_equal(ftruncate(options.fd, CODE_RAM), 0);
    assert_ok(vhv_memory_add(vhv_vm_memory(machine->vm), 0, CODE_RAM, &options));
    assert_ok(vhv_vcpu_new(&machine->vcpu, machine->vm, 0));
    machine_boot(machine, CODE(touch));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(byte_at(machine, TOUCHED_1), 1);
    assert_int_equal(pread(options.fd, &byte, 1, TOUCHED_1), 1);
    assert_int_equal(byte, 0);
    close(options.fd);
}

static void memory_huge_pages_serve_a_guest(void **state)
{
    const struct vhv_region_options options = {.size = sizeof(options),
                                               .backing = VHV_BACKING_HUGE_2M};
    struct machine *machine = *state;
    struct vhv_exit exit;

    assert_ok(vhv_vm_new(&machine->vm, kvm_host(), NULL));
    if (vhv_memory_add_ram(vhv_vm_memory(machine->vm), 2 << 20, &options) < 0)
        skip_because("%s", vhv_error_message());
    assert_ok(vhv_vcpu_new(&machine->vcpu, machine->vm, 0));
    machine_boot(machine, CODE(touch));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(byte_at(machine, TOUCHED_1), 1);
}

static void vm_flush_memory_keeps_contents_and_layout(void **state)
{
    struct machine *machine = *state;
    struct vhv_exit exit;

    machine_make(machine, CODE_RAM);
    assert_fails(vhv_vm_flush_memory(machine->vm), EBUSY, "power");
    machine_boot(machine, CODE(touch));
    assert_ok(vhv_vm_flush_memory(machine->vm));
    expect_exit(machine, &exit, VHV_EXIT_HLT);
    assert_int_equal(byte_at(machine, TOUCHED_1), 1);
    assert_ok(vhv_vm_flush_memory(machine->vm));
    assert_int_equal(byte_at(machine, TOUCHED_1), 1);
    assert_fails(vhv_memory_add(vhv_vm_memory(machine->vm), 1 << 20, PAGE, NULL), EBUSY, "");
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(memory_read_only_write_exits_and_changes_nothing),
    MACHINE_TEST(memory_read_only_write_reaches_a_range),
    MACHINE_TEST(memory_dirty_tells_pages_the_guest_wrote_once),
    MACHINE_TEST(memory_memfd_shows_what_the_guest_wrote),
    MACHINE_TEST(memory_private_file_keeps_what_the_guest_wrote_out),
    MACHINE_TEST(vm_flush_memory_keeps_contents_and_layout),
    MACHINE_TEST(memory_huge_pages_serve_a_guest),
};

const struct test_list memory_tests = TEST_LIST(tests);
