/* SPDX-License-Identifier: MIT */
#include <libvhv/memory.h>
#include <string.h>

#include "../cmocka.h"
#include "fake_kvm.h"
#include "memory/memory.h"

struct fixture {
    struct vhv_memory *memory;
    int vm;
};

/* Four regions, of which number 1 is read-only and number 2 has a dirty log. */
static int setup(void **state)
{
    static struct fixture fixture;
    const struct vhv_region_options read_only = {.size = sizeof(read_only), .read_only = true};
    const struct vhv_region_options dirty_log = {.size = sizeof(dirty_log), .dirty_log = true};

    fake_kvm_install(VHV_VENDOR_AMD);
    fixture.vm = vhv_kvm_create_vm(vhv_kvm_open("/dev/kvm"), 0);
    if (vhv_memory_new(&fixture.memory) < 0 ||
        vhv_memory_add(fixture.memory, 0x100000, 0x10000, NULL) != 0 ||
        vhv_memory_add(fixture.memory, 0xf0000, 0x10000, &read_only) != 1 ||
        vhv_memory_add(fixture.memory, 0, 130 * 4096, &dirty_log) != 2 ||
        vhv_memory_add(fixture.memory, 0x200000, 0x1000, NULL) != 3)
        return -1;
    fake_kvm.calls = 0;
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    vhv_memory_free(fixture->memory);
    fake_kvm_remove();
    return 0;
}

static void attach_registers_each_region_as_its_number(void **state)
{
    const struct fixture *fixture = *state;
    const struct kvm_userspace_memory_region *slot;

    assert_int_equal(vhv_memory_attach(fixture->memory, fixture->vm), 0);
    assert_int_equal(fake_kvm_slots(), 4);
    slot = fake_kvm_slot(0);
    assert_int_equal(slot->guest_phys_addr, 0x100000);
    assert_int_equal(slot->memory_size, 0x10000);
    assert_int_equal(slot->flags, 0);
    assert_ptr_equal((void *)(uintptr_t)slot->userspace_addr,
                     vhv_memory_at(fixture->memory, 0x100000, 1));
    assert_int_equal(fake_kvm_slot(1)->flags, KVM_MEM_READONLY);
    assert_int_equal(fake_kvm_slot(1)->guest_phys_addr, 0xf0000);
    assert_int_equal(fake_kvm_slot(2)->flags, KVM_MEM_LOG_DIRTY_PAGES);
    assert_int_equal(fake_kvm_slot(3)->guest_phys_addr, 0x200000);
}

static void attach_nth_slot_fails_none_remains(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const named[] = {"region 0, 0x100000-0x10ffff", "region 1, 0xf0000-0xfffff",
                                        "region 2, 0-0x81fff", "region 3, 0x200000-0x200fff"};

    for (unsigned n = 0; n < 4; n++) {
        fake_kvm.calls = 0;
        fake_kvm.fail_call = n + 1;
        fake_kvm.fail_errno = EINVAL;
        assert_fails(vhv_memory_attach(fixture->memory, fixture->vm), EINVAL, named[n]);
        assert_non_null(strstr(vhv_error_message(), "KVM_SET_USER_MEMORY_REGION"));
        assert_int_equal(vhv_error_cause(), VHV_CAUSE_KVM);
        assert_int_equal(fake_kvm_slots(), 0);
    }
    fake_kvm.fail_call = 0;
    assert_int_equal(vhv_memory_add(fixture->memory, 0x300000, 0x1000, NULL), 4);
    assert_int_equal(vhv_memory_attach(fixture->memory, fixture->vm), 0);
    assert_int_equal(fake_kvm_slots(), 5);
}

static void attach_freezes_the_layout_until_detach(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vhv_memory_attach(fixture->memory, fixture->vm), 0);
    assert_fails(vhv_memory_add(fixture->memory, 0x300000, 0x1000, NULL), EBUSY, "powered on");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_WRONG_STAGE);
    assert_fails(vhv_memory_add_ram(fixture->memory, 0x1000, NULL), EBUSY, "powered on");
    assert_fails(vhv_memory_attach(fixture->memory, fixture->vm), EBUSY, "already");
    assert_int_equal(vhv_memory_count(fixture->memory), 4);
    vhv_memory_detach(fixture->memory);
    assert_int_equal(fake_kvm_slots(), 0);
    assert_int_equal(vhv_memory_add(fixture->memory, 0x300000, 0x1000, NULL), 4);
}

static void detach_that_kvm_refuses_leaves_the_error_alone(void **state)
{
    const struct fixture *fixture = *state;
    uint64_t value;

    assert_int_equal(vhv_memory_attach(fixture->memory, fixture->vm), 0);
    assert_fails(vhv_memory_read_le(fixture->memory, 0x1000, 3, &value), EINVAL, "3");
    fake_kvm.fail_call = fake_kvm.calls + 1;
    fake_kvm.fail_errno = EIO;
    vhv_memory_detach(fixture->memory);
    assert_non_null(strstr(vhv_error_message(), "3 bytes"));
    vhv_memory_detach(fixture->memory);
}

static void dirty_tells_the_pages_once(void **state)
{
    const struct fixture *fixture = *state;
    uint64_t bitmap[4] = {0, 0, 0, UINT64_MAX};

    assert_int_equal(vhv_memory_attach(fixture->memory, fixture->vm), 0);
    fake_kvm_write_page(2, 0);
    fake_kvm_write_page(2, 65);
    fake_kvm_write_page(2, 129);
    assert_int_equal(vhv_memory_dirty(fixture->memory, 2, bitmap, 4), 3);
    assert_true(bitmap[0] == 1 && bitmap[1] == 2 && bitmap[2] == 2 && bitmap[3] == UINT64_MAX);
    assert_int_equal(vhv_memory_dirty(fixture->memory, 2, bitmap, 3), 0);
    assert_true(bitmap[0] == 0 && bitmap[1] == 0 && bitmap[2] == 0);
}

static void dirty_ioctl_fails_names_region_and_ioctl(void **state)
{
    const struct fixture *fixture = *state;
    uint64_t bitmap[3];

    assert_int_equal(vhv_memory_attach(fixture->memory, fixture->vm), 0);
    fake_kvm.fail_call = fake_kvm.calls + 1;
    fake_kvm.fail_errno = ENOENT;
    assert_fails(vhv_memory_dirty(fixture->memory, 2, bitmap, 3), ENOENT,
                 "region 2: KVM_GET_DIRTY_LOG");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_KVM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(attach_registers_each_region_as_its_number),
        TEST(attach_nth_slot_fails_none_remains),
        TEST(attach_freezes_the_layout_until_detach),
        TEST(detach_that_kvm_refuses_leaves_the_error_alone),
        TEST(dirty_tells_the_pages_once),
        TEST(dirty_ioctl_fails_names_region_and_ioctl),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
