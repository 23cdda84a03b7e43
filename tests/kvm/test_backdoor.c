/* SPDX-License-Identifier: MIT */
/* A handler that changes registers while the instruction that it answers is pending. */
#include <sys/ioctl.h>

#include "../support/payload.h"
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

/* The guest stands in for Linux: its calls, in their order. */
static void look_for_vmware(struct machine *machine, struct recording *recording)
{
    const struct guest_parameters parameters = {.mode = GUEST_VMWARE};

    machine->options.irqchip = VHV_IRQCHIP_KERNEL;
    machine_make(machine, GUEST_MEMORY_BYTES);
    assert_ok(vhv_backdoor_add(machine->vm, NULL));
    assert_ok(vhv_vm_power_on(machine->vm));
    payload_load(machine, &parameters);
    payload_run(machine, recording);
    payload_expect_status(recording, GUEST_DONE);
}

static uint64_t reported(const struct recording *recording, uint32_t tag)
{
    return payload_report(recording, tag)->value;
}

/* As KVM itself has it. */
static uint64_t tsc_khz_of(struct machine *machine)
{
    int khz = ioctl(vhv_vcpu_kvm_fd(machine->vcpu), KVM_GET_TSC_KHZ, 0);

    return khz > 0 ? (uint64_t)khz : 0;
}

static void hypervisor_vendor_vmware_is_recognized(void **state)
{
    struct recording recording = {0};
    struct machine *machine = *state;
    uint64_t khz;

    assert_ok(vhv_config_set(machine->config, "hypervisor.cpuid.vendor", "VMware"));
    look_for_vmware(machine, &recording);
    khz = tsc_khz_of(machine);
    assert_true(reported(&recording, GUEST_TAG_VMWARE_SIGNATURE) == 0x4d56657261774d56);
    assert_true(reported(&recording, GUEST_TAG_VMWARE_LEAF) == (khz | UINT64_C(1000000) << 32));
    assert_true(reported(&recording, GUEST_TAG_VMWARE_VERSION) == (6 | (uint64_t)MAGIC << 32));
    assert_true(reported(&recording, GUEST_TAG_VMWARE_HZ) == (khz ? khz * 1000 : UINT64_MAX));
    assert_int_equal(reported(&recording, GUEST_TAG_VMWARE_VCPU), 1 << 3);
    assert_int_equal(reported(&recording, GUEST_TAG_VMWARE_CLOCK), UINT32_MAX);
    if (khz)
        assert_int_equal(reported(&recording, GUEST_TAG_VMWARE_BUS_HZ), 1000000000);
}

static void hypervisor_vendor_unset_is_not_vmwares(void **state)
{
    struct recording recording = {0};

    look_for_vmware(*state, &recording);
    assert_true(reported(&recording, GUEST_TAG_VMWARE_SIGNATURE) != 0x4d56657261774d56);
    assert_false(payload_has_report(&recording, GUEST_TAG_VMWARE_VERSION));
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(backdoor_answer_is_in_the_guests_registers),
    MACHINE_TEST(backdoor_answer_moves_rip_once),
    MACHINE_TEST(backdoor_string_instruction_comes_to_its_end),
    MACHINE_TEST(hypervisor_vendor_vmware_is_recognized),
    MACHINE_TEST(hypervisor_vendor_unset_is_not_vmwares),
};

const struct test_list backdoor_tests = TEST_LIST(tests);
