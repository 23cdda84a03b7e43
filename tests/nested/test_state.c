/* SPDX-License-Identifier: MIT */
/*
 * Saving and restoring a vCPU that is in its inner guest, and what goes wrong when a part is left
 * out: each of those restores differs from one that works in that part alone.
 */
#include <stdlib.h>

#include "tests.h"

enum { POISON = 0xcc };

/* A VM with its recording, stopped at the inner guest's OUT. */
static void run_to_out(struct machine *machine, struct recording *recording, bool nested_paging)
{
    start_nested(machine, GUEST_NESTED, nested_paging);
    payload_run_until(machine, recording, EVENT_OUT, 0);
}

static void *ram_of(struct machine *machine)
{
    void *ram = vhv_memory_at(vhv_vm_memory(machine->vm), 0, GUEST_MEMORY_BYTES);

    assert_non_null(ram);
    return ram;
}

/* A new VM with the old one's configuration and RAM, whose vCPU has run nothing. */
static struct machine *make_successor(struct machine *old)
{
    struct machine *machine;
    void *state;

    assert_int_equal(machine_setup(&state), 0);
    machine = state;
    machine->options = old->options;
    assert_ok(vhv_config_set(machine->config, "vhv.enable", "TRUE"));
    machine_make(machine, GUEST_MEMORY_BYTES);
    assert_ok(vhv_vm_power_on(machine->vm));
    memcpy(ram_of(machine), ram_of(old), GUEST_MEMORY_BYTES);
    return machine;
}

static void free_machine(struct machine *machine)
{
    void *state = machine;

    machine_teardown(&state);
}

/* Nothing of it can be of use to anyone any more. */
static void end_old(struct machine *old)
{
    memset(ram_of(old), POISON, GUEST_MEMORY_BYTES);
    vhv_vm_free(old->vm);
    old->vm = NULL;
}

static void restore_into_same_vm(struct machine *machine, bool nested_paging)
{
    struct recording at_save = {0}, recording;
    struct vhv_vcpu_state *saved = NULL;
    void *ram = malloc(GUEST_MEMORY_BYTES);

    assert_non_null(ram);
    run_to_out(machine, &at_save, nested_paging);
    assert_ok(vhv_vcpu_save(&saved, machine->vcpu));
    assert_true(vhv_vcpu_state_is_nested(saved));
    memcpy(ram, ram_of(machine), GUEST_MEMORY_BYTES);

    recording = at_save;
    payload_run(machine, &recording);
    assert_all_steps(&recording, nested_paging);
    assert_int_equal(vhv_vcpu_is_nested(machine->vcpu), 0);

    memcpy(ram_of(machine), ram, GUEST_MEMORY_BYTES);
    assert_ok(vhv_vm_flush_memory(machine->vm));
    assert_ok(vhv_vcpu_restore(machine->vcpu, saved));
    assert_int_equal(vhv_vcpu_is_nested(machine->vcpu), 1);
    recording = at_save;
    payload_run(machine, &recording);
    assert_all_steps(&recording, nested_paging);
    vhv_vcpu_state_free(saved);
    free(ram);
}

static void restore_into_fresh_vm(struct machine *old, bool nested_paging)
{
    struct vhv_vcpu_state *saved = NULL;
    struct recording recording = {0};
    struct machine *machine;

    run_to_out(old, &recording, nested_paging);
    assert_ok(vhv_vcpu_save(&saved, old->vcpu));
    machine = make_successor(old);
    end_old(old);
    assert_ok(vhv_vcpu_restore(machine->vcpu, saved));
    vhv_vcpu_state_free(saved);
    assert_int_equal(vhv_vcpu_is_nested(machine->vcpu), 1);
    payload_run(machine, &recording);
    assert_all_steps(&recording, nested_paging);
    free_machine(machine);
}

static void vcpu_restore_into_same_vm_with_nested_paging(void **state)
{
    need_nested_paging();
    restore_into_same_vm(*state, true);
}

static void vcpu_restore_into_same_vm_without_nested_paging(void **state)
{
    restore_into_same_vm(*state, false);
}

static void vcpu_restore_into_fresh_vm_with_nested_paging(void **state)
{
    need_nested_paging();
    restore_into_fresh_vm(*state, true);
}

static void vcpu_restore_into_fresh_vm_without_nested_paging(void **state)
{
    restore_into_fresh_vm(*state, false);
}

static void vcpu_restore_into_fresh_vm_with_lapic_in_kernel(void **state)
{
    struct machine *machine = *state;

    machine->options.irqchip = VHV_IRQCHIP_KERNEL;
    restore_into_fresh_vm(machine, has_nested_paging());
}

#define MSR_VM_HSAVE_PA 0xc0010117

/* By hand: what this guest cannot do without. */
struct parts {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    union {
        struct kvm_nested_state nested;
        uint8_t room[16384];
    };
    struct vhv_msr hsave;
};

enum fault { NOTHING_WRONG, WITHOUT_NESTED, WITHOUT_HSAVE };

static void take_parts(struct machine *machine, struct parts *parts)
{
    *parts = (struct parts){.hsave.index = MSR_VM_HSAVE_PA};
    parts->nested.size = sizeof(parts->room);
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &parts->regs));
    assert_ok(vhv_vcpu_get_sregs(machine->vcpu, &parts->sregs));
    assert_ok(vhv_vcpu_get_nested_state(machine->vcpu, &parts->nested));
    if (host_is_amd())
        assert_int_equal(vhv_vcpu_get_msrs(machine->vcpu, &parts->hsave, 1), 1);
}

static void put_parts(struct machine *machine, const struct parts *parts, enum fault fault)
{
    assert_ok(vhv_vcpu_set_sregs(machine->vcpu, &parts->sregs));
    if (fault != WITHOUT_NESTED)
        assert_ok(vhv_vcpu_set_nested_state(machine->vcpu, &parts->nested));
    assert_ok(vhv_vcpu_set_regs(machine->vcpu, &parts->regs));
    if (host_is_amd() && fault != WITHOUT_HSAVE)
        assert_int_equal(vhv_vcpu_set_msrs(machine->vcpu, &parts->hsave, 1), 1);
}

/* A successor of a VM that is stopped at the inner guest's OUT, and what belongs into its vCPU. */
static struct machine *prepare_by_parts(struct machine *old, struct recording *recording,
                                        struct parts *parts)
{
    run_to_out(old, recording, has_nested_paging());
    assert_ok(vhv_vcpu_complete(old->vcpu));
    take_parts(old, parts);
    return make_successor(old);
}

/* The same, with the old one gone and the new one ready to go on, but for what is wrong. */
static struct machine *move_by_parts(struct machine *old, struct recording *recording,
                                     enum fault fault)
{
    struct machine *machine;
    struct parts parts;

    machine = prepare_by_parts(old, recording, &parts);
    end_old(old);
    put_parts(machine, &parts, fault);
    return machine;
}

static void parts_complete_go_on(void **state)
{
    struct recording recording = {0};
    struct machine *machine;

    need_nesting();
    machine = move_by_parts(*state, &recording, NOTHING_WRONG);
    payload_run(machine, &recording);
    assert_all_steps(&recording, has_nested_paging());
    free_machine(machine);
}

/* The inner guest's code goes on, as the guest hypervisor's: its IN comes from the wrong level. */
static void parts_without_nested_state_leave_the_inner_guest(void **state)
{
    struct recording recording = {0};
    struct machine *machine;

    need_nesting();
    machine = move_by_parts(*state, &recording, WITHOUT_NESTED);
    assert_int_equal(vhv_vcpu_is_nested(machine->vcpu), 0);
    payload_run_until(machine, &recording, EVENT_IN, 0);
    assert_false(recording.events[recording.count - 1].is_inner);
    free_machine(machine);
}

/* KVM wants EFER.SVME, which SREGS carry, before it takes nested state. */
static void parts_nested_state_before_sregs_on_svm_is_refused(void **state)
{
    struct recording recording = {0};
    struct machine *machine;
    struct parts parts;

    need_nesting_of(VHV_VENDOR_AMD);
    machine = prepare_by_parts(*state, &recording, &parts);
    assert_fails(vhv_vcpu_set_nested_state(machine->vcpu, &parts.nested), EINVAL,
                 "KVM_SET_NESTED_STATE");
    free_machine(machine);
}

/* KVM does not ask for CR4.VMXE: either order does. */
static void parts_nested_state_before_sregs_on_vmx_go_on(void **state)
{
    struct recording recording = {0};
    struct machine *machine;
    struct parts parts;

    need_nesting_of(VHV_VENDOR_INTEL);
    machine = prepare_by_parts(*state, &recording, &parts);
    assert_ok(vhv_vcpu_set_nested_state(machine->vcpu, &parts.nested));
    assert_ok(vhv_vcpu_set_sregs(machine->vcpu, &parts.sregs));
    assert_ok(vhv_vcpu_set_regs(machine->vcpu, &parts.regs));
    payload_run(machine, &recording);
    assert_all_steps(&recording, has_nested_paging());
    free_machine(machine);
}

/* The exit that is going on works; the next VMRUN raises #GP in the guest hypervisor. */
static void parts_without_hsave_fail_the_next_vmrun(void **state)
{
    enum { GENERAL_PROTECTION = 13 };
    struct recording recording = {0};
    struct machine *machine;

    need_nesting_of(VHV_VENDOR_AMD);
    machine = move_by_parts(*state, &recording, WITHOUT_HSAVE);
    assert_int_equal(vhv_vcpu_is_nested(machine->vcpu), 1);
    payload_run(machine, &recording);
    payload_expect_status(&recording, GUEST_EXCEPTION);
    assert_int_equal(payload_report(&recording, GUEST_TAG_VECTOR)->value, GENERAL_PROTECTION);
    assert_false(payload_report(&recording, GUEST_TAG_VECTOR)->is_inner);
    assert_true(payload_has_report(&recording, GUEST_TAG_INNER_ANSWER));
    free_machine(machine);
}

/* Without vhv_vcpu_complete() the OUT is done again. */
static void parts_of_a_pending_exit_repeat_it(void **state)
{
    struct machine *old = *state, *machine;
    struct recording recording = {0};
    struct parts parts;

    need_nesting();
    run_to_out(old, &recording, has_nested_paging());
    take_parts(old, &parts);
    machine = make_successor(old);
    end_old(old);
    put_parts(machine, &parts, NOTHING_WRONG);
    payload_step(machine, &recording);
    assert_int_equal(recording.events[recording.count - 1].kind, EVENT_OUT);
    free_machine(machine);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vcpu_restore_into_same_vm_with_nested_paging),
    MACHINE_TEST(vcpu_restore_into_same_vm_without_nested_paging),
    MACHINE_TEST(vcpu_restore_into_fresh_vm_with_nested_paging),
    MACHINE_TEST(vcpu_restore_into_fresh_vm_without_nested_paging),
    MACHINE_TEST(vcpu_restore_into_fresh_vm_with_lapic_in_kernel),
    MACHINE_TEST(parts_complete_go_on),
    MACHINE_TEST(parts_without_nested_state_leave_the_inner_guest),
    MACHINE_TEST(parts_nested_state_before_sregs_on_svm_is_refused),
    MACHINE_TEST(parts_nested_state_before_sregs_on_vmx_go_on),
    MACHINE_TEST(parts_without_hsave_fail_the_next_vmrun),
    MACHINE_TEST(parts_of_a_pending_exit_repeat_it),
};

const struct test_list state_tests = TEST_LIST(tests);
