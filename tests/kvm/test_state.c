/* SPDX-License-Identifier: MIT */
/* A vCPU's state, part by part and whole, without an inner guest. */
#include "tests.h"

static void vcpu_regs_round_trip(void **state)
{
    struct kvm_regs written = {
        .rax = 1,
        .rbx = 2,
        .rcx = 3,
        .rdx = 4,
        .rsi = 5,
        .rdi = 6,
        .rsp = 7,
        .rbp = 8,
        .r8 = 9,
        .r9 = 10,
        .r10 = 11,
        .r11 = 12,
        .r12 = 13,
        .r13 = 14,
        .r14 = 15,
        .r15 = UINT64_MAX,
        .rip = 0x1234,
        .rflags = 0x202,
    };
    struct machine *machine = *state;
    struct kvm_regs read;

    machine_start(machine, CODE(halt));
    assert_ok(vhv_vcpu_set_regs(machine->vcpu, &written));
    assert_ok(vhv_vcpu_get_regs(machine->vcpu, &read));
    assert_memory_equal(&read, &written, sizeof(read));
}

static void vcpu_sregs_round_trip(void **state)
{
    struct machine *machine = *state;
    struct kvm_sregs written, read;

    machine_start(machine, CODE(halt));
    assert_ok(vhv_vcpu_get_sregs(machine->vcpu, &written));
    written.ds.base = 0x12340;
    written.ds.selector = 0x1234;
    written.gdt.base = 0x5000;
    written.gdt.limit = 0x77;
    written.cr2 = 0x6000;
    assert_ok(vhv_vcpu_set_sregs(machine->vcpu, &written));
    assert_ok(vhv_vcpu_get_sregs(machine->vcpu, &read));
    assert_memory_equal(&read, &written, sizeof(read));
}

static const uint8_t pattern[16] = "sixteen letters";

static void vcpu_fpu_round_trip(void **state)
{
    struct machine *machine = *state;
    struct kvm_fpu written, read;

    machine_start(machine, CODE(halt));
    assert_ok(vhv_vcpu_get_fpu(machine->vcpu, &written));
    memcpy(written.xmm[0], pattern, sizeof(pattern));
    written.fcw = 0x27f;
    assert_ok(vhv_vcpu_set_fpu(machine->vcpu, &written));
    assert_ok(vhv_vcpu_get_fpu(machine->vcpu, &read));
    assert_memory_equal(read.xmm[0], pattern, sizeof(pattern));
    assert_int_equal(read.fcw, 0x27f);
}

static void vcpu_set_xsave_sets_the_fpu(void **state)
{
    /* In words of the area. [SDM "XSAVE Area"] */
    enum { XMM0 = 160 / 4, XSTATE_BV = 512 / 4, SSE = 1 << 1 };
    struct machine *machine = *state;
    struct kvm_xsave xsave;
    struct kvm_fpu fpu;

    machine_start(machine, CODE(halt));
    assert_ok(vhv_vcpu_get_xsave(machine->vcpu, &xsave));
    memcpy(&xsave.region[XMM0], pattern, sizeof(pattern));
    xsave.region[XSTATE_BV] |= SSE;
    assert_ok(vhv_vcpu_set_xsave(machine->vcpu, &xsave));
    assert_ok(vhv_vcpu_get_fpu(machine->vcpu, &fpu));
    assert_memory_equal(fpu.xmm[0], pattern, sizeof(pattern));
}

static void vcpu_xcrs_round_trip(void **state)
{
    enum { X87_AND_SSE = 3 };
    const struct vhv_feature *xsave = vhv_feature_find("XSAVE");
    struct machine *machine = *state;
    struct kvm_xcrs xcrs;

    machine_start(machine, CODE(halt));
    if (!vhv_cpuid_has(vhv_host_supported(kvm_host()), xsave))
        skip_because("this KVM offers no XSAVE");
    assert_ok(vhv_vcpu_get_xcrs(machine->vcpu, &xcrs));
    assert_int_equal(xcrs.nr_xcrs, 1);
    xcrs.xcrs[0].value = X87_AND_SSE;
    assert_ok(vhv_vcpu_set_xcrs(machine->vcpu, &xcrs));
    memset(&xcrs, 0, sizeof(xcrs));
    assert_ok(vhv_vcpu_get_xcrs(machine->vcpu, &xcrs));
    assert_int_equal(xcrs.xcrs[0].value, X87_AND_SSE);
}

static void vcpu_debugregs_round_trip(void **state)
{
    struct machine *machine = *state;
    struct kvm_debugregs written, read;

    machine_start(machine, CODE(halt));
    assert_ok(vhv_vcpu_get_debugregs(machine->vcpu, &written));
    written.db[0] = 0x1234;
    written.db[3] = 0x5678;
    assert_ok(vhv_vcpu_set_debugregs(machine->vcpu, &written));
    assert_ok(vhv_vcpu_get_debugregs(machine->vcpu, &read));
    assert_memory_equal(&read, &written, sizeof(read));
}

static void vcpu_events_round_trip(void **state)
{
    struct machine *machine = *state;
    struct kvm_vcpu_events events;

    machine_start(machine, CODE(halt));
    assert_ok(vhv_vcpu_get_events(machine->vcpu, &events));
    assert_int_equal(events.nmi.pending, 0);
    events.nmi.pending = 1;
    events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
    assert_ok(vhv_vcpu_set_events(machine->vcpu, &events));
    assert_ok(vhv_vcpu_get_events(machine->vcpu, &events));
    assert_int_equal(events.nmi.pending, 1);
}

static void vcpu_mp_state_round_trip(void **state)
{
    struct kvm_mp_state mp_state = {.mp_state = KVM_MP_STATE_HALTED};
    struct machine *machine = *state;

    machine->options.irqchip = VHV_IRQCHIP_KERNEL;
    machine_make(machine, CODE_RAM);
    machine_boot(machine, CODE(halt));
    assert_ok(vhv_vcpu_set_mp_state(machine->vcpu, &mp_state));
    mp_state.mp_state = KVM_MP_STATE_RUNNABLE;
    assert_ok(vhv_vcpu_get_mp_state(machine->vcpu, &mp_state));
    assert_int_equal(mp_state.mp_state, KVM_MP_STATE_HALTED);
}

static void vcpu_get_nested_state_too_small_tells_the_size(void **state)
{
    struct kvm_nested_state nested = {.size = sizeof(nested.flags)};
    struct machine *machine = *state;

    machine_start(machine, CODE(halt));
    if (vhv_host_capability(kvm_host(), KVM_CAP_NESTED_STATE, NULL) != VHV_YES)
        skip_because("this KVM has no KVM_CAP_NESTED_STATE");
    assert_fails(vhv_vcpu_get_nested_state(machine->vcpu, &nested), E2BIG, "");
    assert_true(nested.size > sizeof(nested.flags));
}

static void vcpu_restore_goes_back_to_the_save(void **state)
{
    struct vhv_vcpu_state *saved = NULL;
    struct machine *machine = *state;

    machine_start(machine, CODE(count));
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(expect_out(machine, PORT_4), i);
    assert_ok(vhv_vcpu_save(&saved, machine->vcpu));
    assert_false(vhv_vcpu_state_is_nested(saved));
    assert_int_equal(expect_out(machine, PORT_4), 4);
    assert_int_equal(expect_out(machine, PORT_4), 5);
    assert_ok(vhv_vcpu_restore(machine->vcpu, saved));
    assert_int_equal(expect_out(machine, PORT_4), 4);
    vhv_vcpu_state_free(saved);
}

static void vcpu_restore_into_another_vm_goes_on_there(void **state)
{
    struct machine *first = *state, *second;
    struct vhv_vcpu_state *saved = NULL;
    void *second_state;

    assert_int_equal(machine_setup(&second_state), 0);
    second = second_state;
    machine_start(first, CODE(count));
    machine_start(second, CODE(count));
    assert_int_equal(expect_out(first, PORT_4), 1);
    assert_int_equal(expect_out(first, PORT_4), 2);
    assert_ok(vhv_vcpu_save(&saved, first->vcpu));
    assert_ok(vhv_vcpu_restore(second->vcpu, saved));
    assert_int_equal(expect_out(second, PORT_4), 3);
    vhv_vcpu_state_free(saved);
    machine_teardown(&second_state);
}

static void vcpu_restore_with_lapic_goes_on(void **state)
{
    struct vhv_vcpu_state *saved = NULL;
    struct machine *machine = *state;

    machine->options.irqchip = VHV_IRQCHIP_KERNEL;
    machine_start(machine, CODE(count));
    assert_int_equal(expect_out(machine, PORT_4), 1);
    assert_ok(vhv_vcpu_save(&saved, machine->vcpu));
    assert_int_equal(expect_out(machine, PORT_4), 2);
    assert_ok(vhv_vcpu_restore(machine->vcpu, saved));
    assert_int_equal(expect_out(machine, PORT_4), 2);
    vhv_vcpu_state_free(saved);
}

static void vcpu_restore_into_vcpu_without_lapic_is_refused(void **state)
{
    struct machine *first = *state, *second;
    struct vhv_vcpu_state *saved = NULL;
    void *second_state;

    assert_int_equal(machine_setup(&second_state), 0);
    second = second_state;
    first->options.irqchip = VHV_IRQCHIP_KERNEL;
    machine_start(first, CODE(count));
    machine_start(second, CODE(count));
    assert_ok(vhv_vcpu_save(&saved, first->vcpu));
    assert_fails(vhv_vcpu_restore(second->vcpu, saved), EINVAL, "local APIC");
    assert_int_equal(expect_out(second, PORT_4), 1);
    vhv_vcpu_state_free(saved);
    machine_teardown(&second_state);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(vcpu_regs_round_trip),
    MACHINE_TEST(vcpu_sregs_round_trip),
    MACHINE_TEST(vcpu_fpu_round_trip),
    MACHINE_TEST(vcpu_set_xsave_sets_the_fpu),
    MACHINE_TEST(vcpu_xcrs_round_trip),
    MACHINE_TEST(vcpu_debugregs_round_trip),
    MACHINE_TEST(vcpu_events_round_trip),
    MACHINE_TEST(vcpu_mp_state_round_trip),
    MACHINE_TEST(vcpu_get_nested_state_too_small_tells_the_size),
    MACHINE_TEST(vcpu_restore_goes_back_to_the_save),
    MACHINE_TEST(vcpu_restore_into_another_vm_goes_on_there),
    MACHINE_TEST(vcpu_restore_with_lapic_goes_on),
    MACHINE_TEST(vcpu_restore_into_vcpu_without_lapic_is_refused),
};

const struct test_list state_tests = TEST_LIST(tests);
