/* SPDX-License-Identifier: MIT */
/* Measuring a guest's CPUID: what a guest reads otherwise than it was asked for, and guests that do
 * not come to their end. */
#include <errno.h>
#include <libvhv/vhv.h>
#include <signal.h>
#include <string.h>

#include "../cmocka.h"
#include "machine.h"

#define HIDE_AVX2 "cpuid.7.ebx = \"----:----:----:----:----:----:--0-:----\"\n"

enum { AVX2 = 1 << 5, BMI1 = 1 << 3 };

#define PLAY(...)                                                      \
    do {                                                               \
        static const fake_exit script_[] = {__VA_ARGS__};              \
        fake_kvm.script = script_;                                     \
        fake_kvm.script_next = 0;                                      \
        fake_kvm.script_length = sizeof(script_) / sizeof(script_[0]); \
    } while (0)

static int foreign_signal(struct kvm_run *run)
{
    (void)run;
    return EINTR;
}

static int triple_fault(struct kvm_run *run)
{
    run->exit_reason = KVM_EXIT_SHUTDOWN;
    return 0;
}

static int other_port(struct kvm_run *run)
{
    fake_measuring_guest(run);
    run->io.port++;
    return 0;
}

static struct vhv_config *config_of(const char *text)
{
    struct vhv_config *config;

    assert_int_equal(vhv_config_parse(&config, text, strlen(text), "test.vmx"), 0);
    return config;
}

/* A VM of a .vmx text that measures. */
static struct vhv_vm *new_vm(struct machine *machine, const char *text, bool report_only)
{
    struct vhv_vm_options options = {
        .size = sizeof(options), .measure = true, .report_only = report_only};
    struct vhv_config *config = config_of(text);
    struct vhv_host *host = machine_probe(machine);
    struct vhv_vm *vm = NULL;

    options.config = config;
    assert_int_equal(vhv_vm_new(&vm, host, &options), 0);
    vhv_config_free(config);
    vhv_host_free(host);
    return vm;
}

static const struct vhv_cpuid_finding *finding(struct vhv_vm *vm, size_t vcpu, size_t index)
{
    return vhv_guest_cpuid_finding(vhv_vcpu_guest_cpuid(vhv_vm_vcpu(vm, vcpu)), index);
}

static void power_on_measures_every_vcpu_and_leaves_the_vm_ready(void **state)
{
    struct vhv_vm *vm =
        new_vm(*state, "vhv.enable = TRUE\nnumvcpus = 2\nmemsize = 4\n" HIDE_AVX2, false);

    PLAY(fake_measuring_guest, fake_measuring_guest);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_int_equal(fake_kvm.script_next, 2);
    assert_int_equal(vhv_vm_stage(vm), VHV_STAGE_READY);
    assert_true(vhv_vm_has_vhv(vm));
    assert_null(finding(vm, 0, 0));
    assert_null(finding(vm, 1, 0));
    /* What is left is the VM's own: /dev/kvm was opened once, and one region is of its RAM. */
    assert_int_equal(fake_kvm_descriptors(), 4);
    assert_int_equal(fake_kvm_slots(), 1);
    assert_int_equal(fake_kvm_slot(0)->memory_size, 4 << 20);
    vhv_vm_free(vm);
}

static void power_on_unmeasured_runs_nothing(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    struct vhv_vcpu *vcpu;
    struct vhv_vm *vm;

    assert_int_equal(vhv_vm_new(&vm, host, NULL), 0);
    assert_int_equal(vhv_vcpu_new(&vcpu, vm, 0), 0);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_int_equal(fake_kvm_count("KVM_RUN"), 0);
    vhv_vm_free(vm);
    vhv_host_free(host);
}

static void power_on_measured_bit_that_was_hidden_is_refused(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\n" HIDE_AVX2, false);

    PLAY(fake_measuring_guest);
    fake_kvm.measured.leaf = 7;
    fake_kvm.measured.ebx = AVX2;
    assert_fails(vhv_vm_power_on(vm), EOPNOTSUPP,
                 "test.vmx:2: cpuid.7.ebx bit 5 (AVX2) is 0 by what KVM says, but a guest reads 1");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_CPUID_NOT_HONOURED);
    assert_int_equal(vhv_vm_stage(vm), VHV_STAGE_CONFIGURE);
    assert_int_equal(fake_kvm_descriptors(), 3);

    PLAY(fake_measuring_guest);
    fake_kvm.measured.ebx = 0;
    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);
}

static void power_on_measured_report_only_tells_and_goes_on(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\n" HIDE_AVX2, true);
    const struct vhv_guest_cpuid *guest;

    PLAY(fake_measuring_guest);
    fake_kvm.measured.leaf = 7;
    fake_kvm.measured.ebx = AVX2;
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_true(finding(vm, 0, 0)->is_error);
    assert_null(finding(vm, 0, 1));
    guest = vhv_vcpu_guest_cpuid(vhv_vm_vcpu(vm, 0));
    assert_true(vhv_cpuid_get(vhv_guest_cpuid_table(guest), 7, 0, VHV_EBX) & AVX2);
    vhv_vm_free(vm);
}

static void power_on_measured_bit_that_nobody_asked_for_is_a_warning(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\n" HIDE_AVX2, false);

    PLAY(fake_measuring_guest);
    fake_kvm.measured.leaf = 7;
    fake_kvm.measured.ebx = BMI1;
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_false(finding(vm, 0, 0)->is_error);
    assert_non_null(strstr(finding(vm, 0, 0)->text, "BMI1"));
    vhv_vm_free(vm);
}

static void power_on_measured_leaf_that_was_not_given_is_a_warning(void **state)
{
    struct vhv_vm *vm =
        new_vm(*state, "numvcpus = 1\nhypervisor.cpuid.v0 = FALSE\n" HIDE_AVX2, false);

    PLAY(fake_measuring_guest);
    fake_kvm.measured.leaf = 0xe;
    fake_kvm.measured.edx = 1;
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_non_null(strstr(finding(vm, 0, 0)->text, "cpuid.e.edx bit 0"));
    vhv_vm_free(vm);
}

/* It leaves KVM_RUN once for each signal of the program's own, and goes on. */
static void power_on_measuring_guest_interrupted_goes_on(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\n", false);

    PLAY(foreign_signal, foreign_signal, fake_measuring_guest);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);
}

static void power_on_measuring_guest_that_does_not_end_is_given_up(void **state)
{
    static fake_exit signals[5000];
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\n", false);

    for (size_t i = 0; i < 5000; i++)
        signals[i] = foreign_signal;
    fake_kvm.script = signals;
    fake_kvm.script_length = 5000;
    assert_fails(vhv_vm_power_on(vm), EINTR, "KVM_RUN of a guest that only executes CPUID");
    assert_true(fake_kvm.script_next < 5000);
    assert_int_equal(vhv_vm_stage(vm), VHV_STAGE_CONFIGURE);
    vhv_vm_free(vm);
}

static void power_on_measuring_guest_that_goes_astray_is_an_error(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\n", false);

    PLAY(triple_fault);
    assert_fails(vhv_vm_power_on(vm), EIO, "ended with KVM's exit 8");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_KVM);
    PLAY(other_port);
    assert_fails(vhv_vm_power_on(vm), EIO, "ended with KVM's exit 2");
    PLAY(fake_measuring_guest);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);
}

static void power_on_measured_leaves_the_threads_signals_alone(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\n", false);
    sigset_t before = {0}, after = {0};

    PLAY(fake_measuring_guest);
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    vhv_vm_free(vm);
}

static void cpuid_measure_is_the_table_of_such_a_vm(void **state)
{
    struct vhv_config *config = config_of("numvcpus = 3\nmemsize = 16777216\n" HIDE_AVX2);
    const struct vhv_vm_options options = {
        .size = sizeof(options), .config = config, .irqchip = VHV_IRQCHIP_SPLIT};
    struct vhv_host *host = machine_probe(*state);
    struct vhv_cpuid *measured = NULL;

    PLAY(fake_measuring_guest);
    assert_int_equal(vhv_cpuid_measure(&measured, host, &options, 2), 0);
    assert_int_equal(vhv_cpuid_get(measured, 7, 0, VHV_EBX) & AVX2, 0);
    assert_int_equal(vhv_cpuid_get(measured, 1, 0, VHV_EBX) >> 24, 2);
    assert_true(vhv_cpuid_get(measured, 1, 0, VHV_ECX) & 1 << 21);
    assert_int_equal(fake_kvm_descriptors(), 1);
    vhv_cpuid_free(measured);
    vhv_config_free(config);
    vhv_host_free(host);
}

static void cpuid_measure_of_no_such_vcpu_is_refused(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    struct vhv_cpuid *measured = NULL;

    assert_fails(vhv_cpuid_measure(&measured, host, NULL, 1), EINVAL, "no vCPU 1");
    assert_null(measured);
    vhv_host_free(host);
}

#define AMD(name)   cmocka_unit_test_setup_teardown(name, machine_setup_amd, machine_teardown)
#define INTEL(name) cmocka_unit_test_setup_teardown(name, machine_setup_intel, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AMD(power_on_measures_every_vcpu_and_leaves_the_vm_ready),
        INTEL(power_on_measures_every_vcpu_and_leaves_the_vm_ready),
        AMD(power_on_unmeasured_runs_nothing),
        AMD(power_on_measured_bit_that_was_hidden_is_refused),
        AMD(power_on_measured_report_only_tells_and_goes_on),
        AMD(power_on_measured_bit_that_nobody_asked_for_is_a_warning),
        AMD(power_on_measured_leaf_that_was_not_given_is_a_warning),
        AMD(power_on_measuring_guest_interrupted_goes_on),
        AMD(power_on_measuring_guest_that_does_not_end_is_given_up),
        AMD(power_on_measuring_guest_that_goes_astray_is_an_error),
        AMD(power_on_measured_leaves_the_threads_signals_alone),
        AMD(cpuid_measure_is_the_table_of_such_a_vm),
        AMD(cpuid_measure_of_no_such_vcpu_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
