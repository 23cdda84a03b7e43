/* SPDX-License-Identifier: MIT */
/* The run loop on exits and errors that a script plays, and the order in which state is restored.
 */
#include <errno.h>
#include <libvhv/vhv.h>
#include <string.h>

#include "../cmocka.h"
#include "machine.h"

struct fixture {
    struct machine *machine;
    struct vhv_vm *vm;
    struct vhv_vcpu *vcpu;
    struct vhv_vm *other; /* whose vCPU the device runs */
    struct vhv_vcpu *seen, *seen_of_other;
    unsigned accesses; /* that the device at port 3F8h has seen */
    uint64_t last;     /* value that was written to it */
    int answer;        /* that it returns */
};

static int device_write(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct fixture *fixture = cookie;

    (void)offset;
    (void)bytes;
    fixture->accesses++;
    fixture->last = value;
    return fixture->answer;
}

static int device_read(void *cookie, uint64_t offset, unsigned bytes, uint64_t *value)
{
    struct fixture *fixture = cookie;

    (void)bytes;
    fixture->accesses++;
    *value = 0x1234 + offset;
    return fixture->answer;
}

static int setup(void **state)
{
    static const struct vhv_bus_ops ops = {.read = device_read, .write = device_write};
    static struct fixture fixture;
    struct vhv_host *host;

    fixture = (struct fixture){.machine = machine_new(VHV_VENDOR_AMD)};
    host = machine_probe(fixture.machine);
    if (vhv_vm_new(&fixture.vm, host, NULL) < 0 || vhv_vcpu_new(&fixture.vcpu, fixture.vm, 0) < 0 ||
        vhv_bus_add(vhv_vm_bus(fixture.vm), VHV_SPACE_PORT, 0x3f8, 8, &ops, &fixture, "serial") <
            0 ||
        vhv_bus_add(vhv_vm_bus(fixture.vm), VHV_SPACE_MMIO, 0xd0000000, 16, &ops, &fixture,
                    "device") < 0 ||
        vhv_vm_power_on(fixture.vm) < 0)
        return -1;
    vhv_host_free(host);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *machine = fixture->machine;

    vhv_vm_free(fixture->vm);
    return machine_teardown(&machine);
}

#define PLAY(...)                                                      \
    do {                                                               \
        static const fake_exit script_[] = {__VA_ARGS__};              \
        fake_kvm.script = script_;                                     \
        fake_kvm.script_next = 0;                                      \
        fake_kvm.script_length = sizeof(script_) / sizeof(script_[0]); \
    } while (0)

static int out(struct kvm_run *run, uint16_t port, uint32_t count, const char *data)
{
    run->exit_reason = KVM_EXIT_IO;
    run->io.direction = KVM_EXIT_IO_OUT;
    run->io.port = port;
    run->io.size = 1;
    run->io.count = count;
    run->io.data_offset = 4096;
    memcpy((char *)run + 4096, data, count);
    return 0;
}

static int out_a(struct kvm_run *run)
{
    return out(run, 0x3f8, 1, "a");
}

static int rep_outs_xyz(struct kvm_run *run)
{
    return out(run, 0x3f8, 3, "xyz");
}

static int out_nowhere(struct kvm_run *run)
{
    return out(run, 0x80, 1, "n");
}

static int read_mmio(struct kvm_run *run)
{
    run->exit_reason = KVM_EXIT_MMIO;
    run->mmio.phys_addr = 0xd0000004;
    run->mmio.len = 4;
    run->mmio.is_write = 0;
    memset(run->mmio.data, 0, sizeof(run->mmio.data));
    return 0;
}

static int foreign_signal(struct kvm_run *run)
{
    (void)run;
    return EINTR;
}

static int sipi_arrived(struct kvm_run *run)
{
    (void)run;
    return EAGAIN;
}

static int io_error(struct kvm_run *run)
{
    (void)run;
    return EIO;
}

static int odd_exit(struct kvm_run *run)
{
    run->exit_reason = 4711;
    return 0;
}

static void assert_exit(struct vhv_vcpu *vcpu, enum vhv_exit_reason reason)
{
    struct vhv_exit exit;

    assert_int_equal(vhv_vcpu_run(vcpu, &exit), 0);
    assert_string_equal(vhv_exit_reason_name(exit.reason), vhv_exit_reason_name(reason));
}

static void run_handled_accesses_go_on_until_hlt(void **state)
{
    struct fixture *fixture = *state;
    uint64_t counts[VHV_EXIT_REASONS];

    PLAY(out_a, rep_outs_xyz, read_mmio);
    assert_exit(fixture->vcpu, VHV_EXIT_HLT);
    assert_int_equal(fixture->accesses, 5);
    assert_int_equal(fixture->last, 'z');
    vhv_vcpu_exits(fixture->vcpu, counts);
    assert_int_equal(counts[VHV_EXIT_IO], 2);
    assert_int_equal(counts[VHV_EXIT_MMIO], 1);
    assert_int_equal(counts[VHV_EXIT_HLT], 1);
    assert_int_equal(vhv_vm_stage(fixture->vm), VHV_STAGE_RUNNING);
}

static void run_mmio_read_answers_where_kvm_looks(void **state)
{
    static const uint8_t answer[] = {0x38, 0x12, 0, 0};
    const struct fixture *fixture = *state;

    PLAY(read_mmio);
    assert_exit(fixture->vcpu, VHV_EXIT_HLT);
    assert_memory_equal(vhv_vcpu_kvm_run(fixture->vcpu)->mmio.data, answer, 4);
}

static void run_unclaimed_port_is_the_programs(void **state)
{
    const struct fixture *fixture = *state;
    struct vhv_exit exit;

    PLAY(out_nowhere);
    assert_int_equal(vhv_vcpu_run(fixture->vcpu, &exit), 0);
    assert_int_equal(exit.reason, VHV_EXIT_IO);
    assert_int_equal(exit.io.port, 0x80);
    assert_true(exit.io.is_write);
    assert_memory_equal(exit.io.data, "n", 1);
    assert_int_equal(fixture->accesses, 0);
}

static void run_once_leaves_the_device_out(void **state)
{
    const struct fixture *fixture = *state;
    struct vhv_exit exit;

    PLAY(out_a);
    assert_int_equal(vhv_vcpu_run_once(fixture->vcpu, &exit), 0);
    assert_int_equal(exit.reason, VHV_EXIT_IO);
    assert_int_equal(fixture->accesses, 0);
}

static void run_handler_ends_the_run_as_it_says(void **state)
{
    struct fixture *fixture = *state;
    struct vhv_exit exit;

    PLAY(out_a, out_a, out_a);
    fixture->answer = 1;
    assert_exit(fixture->vcpu, VHV_EXIT_HANDLED);
    fixture->answer = -EPROTO;
    assert_int_equal(vhv_vcpu_run(fixture->vcpu, &exit), -EPROTO);
    fixture->answer = 0;
    assert_exit(fixture->vcpu, VHV_EXIT_HLT);
    assert_int_equal(fixture->accesses, 3);
}

static void run_foreign_signal_returns_interrupted(void **state)
{
    const struct fixture *fixture = *state;

    PLAY(foreign_signal);
    assert_exit(fixture->vcpu, VHV_EXIT_INTERRUPTED);
    assert_exit(fixture->vcpu, VHV_EXIT_HLT);
}

static void run_eagain_goes_on(void **state)
{
    const struct fixture *fixture = *state;

    PLAY(sipi_arrived, out_a);
    assert_exit(fixture->vcpu, VHV_EXIT_HLT);
    assert_int_equal(fixture->accesses, 1);
}

static void run_unknown_exit_is_other_with_its_number(void **state)
{
    const struct fixture *fixture = *state;
    struct vhv_exit exit;

    PLAY(odd_exit);
    assert_int_equal(vhv_vcpu_run(fixture->vcpu, &exit), 0);
    assert_int_equal(exit.reason, VHV_EXIT_OTHER);
    assert_int_equal(exit.kvm_reason, 4711);
}

static void run_io_error_alone_is_kvms(void **state)
{
    const struct fixture *fixture = *state;
    struct vhv_exit exit;

    PLAY(io_error);
    assert_fails(vhv_vcpu_run(fixture->vcpu, &exit), EIO, "KVM_RUN");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_KVM);
    assert_exit(fixture->vcpu, VHV_EXIT_HLT);
}

/* The first run binds the vCPU to the thread: KVM_SET_SIGNAL_MASK, KVM_RUN, KVM_CHECK_EXTENSION. */
static void run_io_error_on_a_dead_vm_says_so(void **state)
{
    const struct fixture *fixture = *state;
    struct vhv_exit exit;

    PLAY(io_error);
    fake_kvm.fail_call = fake_kvm.calls + 3;
    fake_kvm.fail_errno = EIO;
    assert_fails(vhv_vcpu_run(fixture->vcpu, &exit), EIO, "killed");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_VM_DEAD);
}

static void kick_before_the_run_is_not_lost_and_is_one(void **state)
{
    const struct fixture *fixture = *state;

    PLAY(out_a);
    vhv_vcpu_kick(fixture->vcpu);
    vhv_vcpu_kick(fixture->vcpu);
    assert_exit(fixture->vcpu, VHV_EXIT_KICKED);
    assert_int_equal(fixture->accesses, 0);
    assert_exit(fixture->vcpu, VHV_EXIT_HLT);
    assert_int_equal(fixture->accesses, 1);
}

static void stop_ends_every_run_for_good(void **state)
{
    const struct fixture *fixture = *state;

    vhv_vm_stop(fixture->vm);
    assert_exit(fixture->vcpu, VHV_EXIT_STOPPED);
    assert_exit(fixture->vcpu, VHV_EXIT_STOPPED);
    assert_int_equal(vhv_vm_stage(fixture->vm), VHV_STAGE_OFF);
    assert_fails(vhv_vm_pause(fixture->vm), EBUSY, "paused");
}

static void get_msrs_unknown_msr_is_named_and_counted(void **state)
{
    const struct fixture *fixture = *state;
    struct vhv_msr msrs[] = {{.index = 0x1a0}, {.index = 0xdead}, {.index = 0x10}};

    assert_int_equal(vhv_vcpu_get_msrs(fixture->vcpu, msrs, 3), 1);
    assert_non_null(strstr(vhv_error_message(), "0xdead"));
    assert_int_equal(msrs[0].value, 1);
}

/* Position of a call in the log; the last one of its name. */
static unsigned when(const char *name)
{
    unsigned call = fake_kvm.calls;

    while (call && strcmp(fake_kvm.log[call - 1].name, name) != 0)
        call--;
    if (!call)
        fail_msg("%s was not called", name);
    return call;
}

static void save_completes_the_pending_exit_first(void **state)
{
    const struct fixture *fixture = *state;
    struct vhv_vcpu_state *saved = NULL;

    PLAY(out_nowhere);
    assert_exit(fixture->vcpu, VHV_EXIT_IO);
    assert_int_equal(vhv_vcpu_save(&saved, fixture->vcpu), 0);
    assert_int_equal(fake_kvm_count("KVM_RUN"), 2);
    assert_true(when("KVM_RUN") < when("KVM_GET_REGS"));
    vhv_vcpu_state_free(saved);
    assert_exit(fixture->vcpu, VHV_EXIT_HLT);
}

static void restore_keeps_to_the_order_that_nesting_needs(void **state)
{
    static const char *const order[] = {
        "KVM_SET_SREGS", "KVM_SET_NESTED_STATE", "KVM_SET_REGS",        "KVM_SET_XSAVE",
        "KVM_SET_XCRS",  "KVM_SET_MSRS",         "KVM_SET_VCPU_EVENTS", "KVM_SET_MP_STATE",
    };
    const struct fixture *fixture = *state;
    struct vhv_vcpu_state *saved = NULL;
    struct kvm_regs regs = {.rip = 0x1000, .rax = 7};

    assert_int_equal(vhv_vcpu_set_regs(fixture->vcpu, &regs), 0);
    assert_int_equal(vhv_vcpu_save(&saved, fixture->vcpu), 0);
    regs.rip = regs.rax = 0;
    assert_int_equal(vhv_vcpu_set_regs(fixture->vcpu, &regs), 0);
    assert_int_equal(vhv_vcpu_restore(fixture->vcpu, saved), 0);
    for (size_t i = 1; i < sizeof(order) / sizeof(order[0]); i++)
        assert_true(when(order[i - 1]) < when(order[i]));
    assert_int_equal(vhv_vcpu_get_regs(fixture->vcpu, &regs), 0);
    assert_int_equal(regs.rip, 0x1000);
    assert_int_equal(regs.rax, 7);
    vhv_vcpu_state_free(saved);
}

/* A device that is a program with a VM of its own. */
static int run_other(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct fixture *fixture = cookie;
    struct vhv_exit exit;

    (void)offset, (void)bytes, (void)value;
    if (fixture->other)
        assert_int_equal(vhv_vcpu_run(vhv_vm_vcpu(fixture->other, 0), &exit), 0);
    fixture->seen = vhv_vm_current_vcpu(fixture->vm);
    fixture->seen_of_other = vhv_vm_current_vcpu(fixture->other);
    return 0;
}

static int look_from_other(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct fixture *fixture = cookie;

    (void)offset, (void)bytes;
    fixture->last = value;
    assert_ptr_equal(vhv_vm_current_vcpu(fixture->other), vhv_vm_vcpu(fixture->other, 0));
    assert_ptr_equal(vhv_vm_current_vcpu(fixture->vm), vhv_vm_vcpu(fixture->vm, 1));
    return 0;
}

static int out_to_other(struct kvm_run *run)
{
    return out(run, 0x70, 1, "o");
}

static void make_other(struct fixture *fixture)
{
    static const struct vhv_bus_ops ops = {.write = look_from_other};
    struct vhv_host *host = machine_probe(fixture->machine);
    struct vhv_vcpu *vcpu;

    assert_int_equal(vhv_vm_new(&fixture->other, host, NULL), 0);
    assert_int_equal(vhv_vcpu_new(&vcpu, fixture->other, 0), 0);
    assert_int_equal(
        vhv_bus_add(vhv_vm_bus(fixture->other), VHV_SPACE_PORT, 0x70, 1, &ops, fixture, "inner"),
        0);
    assert_int_equal(vhv_vm_power_on(fixture->other), 0);
    vhv_host_free(host);
}

static void current_vcpu_is_the_one_whose_handler_runs(void **state)
{
    static const struct vhv_bus_ops ops = {.write = run_other};
    struct fixture fixture = {.machine = ((struct fixture *)*state)->machine};
    struct vhv_host *host = machine_probe(fixture.machine);
    struct vhv_exit exit;

    assert_int_equal(vhv_vm_new(&fixture.vm, host, NULL), 0);
    assert_int_equal(vhv_vcpu_new(&fixture.vcpu, fixture.vm, 0), 0);
    assert_int_equal(vhv_vcpu_new(&fixture.vcpu, fixture.vm, 1), 0);
    assert_int_equal(
        vhv_bus_add(vhv_vm_bus(fixture.vm), VHV_SPACE_PORT, 0x80, 1, &ops, &fixture, "outer"), 0);
    assert_int_equal(vhv_vm_power_on(fixture.vm), 0);
    make_other(&fixture);
    assert_null(vhv_vm_current_vcpu(fixture.vm));
    PLAY(out_nowhere, out_to_other);
    assert_int_equal(vhv_vcpu_run(fixture.vcpu, &exit), 0);
    assert_int_equal(fixture.last, 'o');
    assert_ptr_equal(fixture.seen, vhv_vm_vcpu(fixture.vm, 1));
    assert_null(fixture.seen_of_other);
    assert_null(vhv_vm_current_vcpu(fixture.vm));
    vhv_vm_free(fixture.other);
    vhv_vm_free(fixture.vm);
    vhv_host_free(host);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(run_handled_accesses_go_on_until_hlt),
        TEST(run_mmio_read_answers_where_kvm_looks),
        TEST(run_unclaimed_port_is_the_programs),
        TEST(run_once_leaves_the_device_out),
        TEST(run_handler_ends_the_run_as_it_says),
        TEST(run_foreign_signal_returns_interrupted),
        TEST(run_eagain_goes_on),
        TEST(run_unknown_exit_is_other_with_its_number),
        TEST(run_io_error_alone_is_kvms),
        TEST(run_io_error_on_a_dead_vm_says_so),
        TEST(kick_before_the_run_is_not_lost_and_is_one),
        TEST(stop_ends_every_run_for_good),
        TEST(get_msrs_unknown_msr_is_named_and_counted),
        TEST(current_vcpu_is_the_one_whose_handler_runs),
        TEST(save_completes_the_pending_exit_first),
        TEST(restore_keeps_to_the_order_that_nesting_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
