/* SPDX-License-Identifier: MIT */
/* Rules on a guest's MSRs: which are taken, what KVM's filter is made of them, and what becomes of
 * an exit. */
#include <errno.h>
#include <libvhv/vhv.h>
#include <string.h>

#include "../cmocka.h"
#include "machine.h"

enum { MSR = 0x12345678, RANGE_MSRS = 0x3000 };

#define PLAY(...)                                                      \
    do {                                                               \
        static const fake_exit script_[] = {__VA_ARGS__};              \
        fake_kvm.script = script_;                                     \
        fake_kvm.script_next = 0;                                      \
        fake_kvm.script_length = sizeof(script_) / sizeof(script_[0]); \
    } while (0)

static struct vhv_vm *new_vm(struct machine *machine, const char *text, bool hide_msrs)
{
    struct vhv_vm_options options = {.size = sizeof(options), .hide_msrs = hide_msrs};
    struct vhv_host *host = machine_probe(machine);
    struct vhv_config *config;
    struct vhv_vm *vm = NULL;

    assert_int_equal(vhv_config_parse(&config, text, strlen(text), "test.vmx"), 0);
    options.config = config;
    assert_int_equal(vhv_vm_new(&vm, host, &options), 0);
    vhv_config_free(config);
    vhv_host_free(host);
    return vm;
}

#define ONE_VCPU "numvcpus = 1\n"

static int add(struct vhv_vm *vm, uint32_t first, uint32_t last, enum vhv_msr_access access,
               enum vhv_msr_action action)
{
    return vhv_vm_msr_rule_add(
        vm,
        &(struct vhv_msr_rule){.first = first, .last = last, .access = access, .action = action});
}

static int deny(struct vhv_vm *vm, uint32_t first, uint32_t last)
{
    return add(vm, first, last, VHV_MSR_READ_WRITE, VHV_MSR_FAULT);
}

static size_t rule_count(const struct vhv_vm *vm)
{
    size_t count = 0;

    while (vhv_vm_msr_rule(vm, count, NULL))
        count++;
    return count;
}

static void rule_add_malformed_is_refused(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU, false);

    assert_fails(add(vm, 1, 1, 3, VHV_MSR_FAULT), EINVAL, "access 3");
    assert_fails(add(vm, 1, 1, VHV_MSR_READ, 4), EINVAL, "action 4");
    assert_fails(deny(vm, 0x175, 0x174), EINVAL, "0x175 to 0x174 is for none");
    assert_int_equal(rule_count(vm), 0);
    vhv_vm_free(vm);
}

static void rule_add_of_x2apic_msrs_is_refused(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU, false);

    assert_fails(deny(vm, 0x800, 0x800), EINVAL, "KVM does not filter those of the x2APIC");
    assert_fails(deny(vm, 0x8ff, 0x900), EINVAL, "0x800 to 0x8ff");
    assert_fails(deny(vm, 0x100, 0x1000), EINVAL, "x2APIC");
    assert_int_equal(deny(vm, 0x7ff, 0x7ff), 0);
    assert_int_equal(deny(vm, 0x900, 0x900), 1);
    assert_int_equal(add(vm, 0x800, 0x8ff, VHV_MSR_READ_WRITE, VHV_MSR_ALLOW), 2);
    vhv_vm_free(vm);
}

static void rule_add_beyond_kvms_ranges_is_refused(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU, false);

    assert_fails(deny(vm, 0x1000, 0x1000 + 16 * RANGE_MSRS), ENOSPC, "needs 17 of KVM's 16 ranges");
    assert_int_equal(deny(vm, 0x1000, 0x1000 + 14 * RANGE_MSRS - 1), 0);
    assert_fails(deny(vm, 0x1000000, 0x1000000 + 2 * RANGE_MSRS), ENOSPC, "and 2 are left");
    assert_int_equal(deny(vm, 0x1000000, 0x1000000 + 2 * RANGE_MSRS - 1), 1);
    assert_fails(deny(vm, 1, 1), ENOSPC, "and 0 are left");
    assert_int_equal(deny(vm, 0, UINT32_MAX), 2);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);
}

static void rule_add_of_one_access_to_all_needs_too_many_ranges(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU, false);

    assert_fails(add(vm, 0, UINT32_MAX, VHV_MSR_WRITE, VHV_MSR_ALLOW), ENOSPC, "349526");
    vhv_vm_free(vm);
}

static void rule_add_behind_one_for_all_is_refused(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU, false);

    assert_int_equal(deny(vm, 0, UINT32_MAX), 0);
    assert_fails(deny(vm, MSR, MSR), EEXIST, "decides nothing");
    assert_int_equal(rule_count(vm), 1);
    vhv_vm_free(vm);
}

static void rule_add_after_power_on_is_refused(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU, false);

    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_int_equal(fake_kvm_count("KVM_X86_SET_MSR_FILTER"), 0);
    assert_fails(deny(vm, MSR, MSR), EBUSY, "powered on");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_WRONG_STAGE);
    vhv_vm_free(vm);
}

/* By KVM's account of reads and writes of an MSR. */
static void assert_allowed(uint32_t index, bool reads, bool writes)
{
    if (fake_kvm_msr_is_allowed(index, false) != reads ||
        fake_kvm_msr_is_allowed(index, true) != writes)
        fail_msg("MSR %#x: reads are %d and writes are %d", index,
                 fake_kvm_msr_is_allowed(index, false), fake_kvm_msr_is_allowed(index, true));
}

static void power_on_filters_as_the_rules_say(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU, false);

    add(vm, 0x175, 0x175, VHV_MSR_READ_WRITE, VHV_MSR_ALLOW);
    add(vm, 0x174, 0x174, VHV_MSR_READ, VHV_MSR_EXIT);
    add(vm, 0x176, 0x176, VHV_MSR_WRITE, VHV_MSR_IGNORE);
    add(vm, 0x170, 0x175, VHV_MSR_WRITE, VHV_MSR_FAULT);
    add(vm, 0x10000000, 0x10000000 + RANGE_MSRS, VHV_MSR_READ_WRITE, VHV_MSR_IGNORE);
    add(vm, UINT32_MAX, UINT32_MAX, VHV_MSR_READ_WRITE, VHV_MSR_FAULT);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_int_equal(fake_kvm_msr_exits(), KVM_MSR_EXIT_REASON_FILTER);
    assert_allowed(0x16f, true, true);
    assert_allowed(0x170, true, false);
    assert_allowed(0x174, false, false);
    assert_allowed(0x175, true, true);
    assert_allowed(0x176, true, false);
    assert_allowed(0x177, true, true);
    assert_allowed(0x0fffffff, true, true);
    assert_allowed(0x10000000, false, false);
    assert_allowed(0x10000000 + RANGE_MSRS - 1, false, false);
    assert_allowed(0x10000000 + RANGE_MSRS, false, false);
    assert_allowed(0x10000000 + RANGE_MSRS + 1, true, true);
    assert_allowed(UINT32_MAX, false, false);
    assert_allowed(UINT32_MAX - 1, true, true);
    vhv_vm_free(vm);
}

static void power_on_for_all_denies_by_default(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU, false);

    deny(vm, 0, UINT32_MAX);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_allowed(0, false, false);
    assert_allowed(0x7ff, false, false);
    assert_allowed(0x800, true, true);
    assert_allowed(UINT32_MAX, false, false);
    vhv_vm_free(vm);

    vm = new_vm(*state, ONE_VCPU, false);
    add(vm, MSR, MSR, VHV_MSR_READ_WRITE, VHV_MSR_ALLOW);
    deny(vm, 0, UINT32_MAX);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_allowed(MSR, true, true);
    assert_allowed(MSR + 1, false, false);
    vhv_vm_free(vm);

    vm = new_vm(*state, ONE_VCPU, false);
    deny(vm, MSR, MSR);
    add(vm, 0, UINT32_MAX, VHV_MSR_READ_WRITE, VHV_MSR_ALLOW);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_allowed(MSR, false, false);
    assert_allowed(MSR + 1, true, true);
    vhv_vm_free(vm);
}

static void power_on_rules_on_kvm_without_filter_name_the_capability(void **state)
{
    static const struct {
        long number;
        const char *name;
    } needed[] = {{KVM_CAP_X86_MSR_FILTER, "KVM_CAP_X86_MSR_FILTER"},
                  {KVM_CAP_X86_USER_SPACE_MSR, "KVM_CAP_X86_USER_SPACE_MSR"}};

    for (int i = 0; i < 2; i++) {
        struct vhv_vm *vm = new_vm(*state, ONE_VCPU, true);

        fake_kvm.missing_capability = needed[i].number;
        assert_fails(vhv_vm_power_on(vm), EOPNOTSUPP, needed[i].name);
        assert_int_equal(vhv_error_cause(), VHV_CAUSE_CAPABILITY_MISSING);
        assert_int_equal(vhv_vm_stage(vm), VHV_STAGE_CONFIGURE);
        assert_int_equal(rule_count(vm), 0);
        fake_kvm.missing_capability = -1;
        assert_int_equal(vhv_vm_power_on(vm), 0);
        assert_int_equal(rule_count(vm), 2);
        vhv_vm_free(vm);
    }
}

static void hide_msrs_by_default_hides_those_of_both_vendors(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU, true);

    deny(vm, MSR, MSR);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_int_equal(rule_count(vm), 3);
    assert_int_equal(vhv_vm_msr_rule(vm, 0, NULL)->first, MSR);
    assert_int_equal(vhv_vm_msr_rule(vm, 1, NULL)->action, VHV_MSR_FAULT);
    assert_allowed(0xc0010113, true, true);
    assert_allowed(0xc0010114, false, false);
    assert_allowed(0xc0010117, false, false);
    assert_allowed(0xc0010119, true, true);
    assert_allowed(0x47f, true, true);
    assert_allowed(0x480, false, false);
    assert_allowed(0x491, false, false);
    assert_allowed(0x492, true, true);
    assert_allowed(0x4b564d00, true, true);
    assert_allowed(0x11, true, true);
    vhv_vm_free(vm);
}

static void hide_msrs_with_svm_leaves_its_msrs(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU "vhv.enable = TRUE\n", true);

    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_allowed(0xc0010114, true, true);
    assert_allowed(0xc0010117, true, true);
    assert_allowed(0x480, false, false);
    vhv_vm_free(vm);
}

static void hide_msrs_with_vmx_leaves_its_msrs(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU "vhv.enable = TRUE\n", true);

    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_allowed(0xc0010117, false, false);
    assert_allowed(0x480, true, true);
    vhv_vm_free(vm);
}

static void hide_msrs_without_hypervisor_hides_kvms_own(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU "hypervisor.cpuid.v0 = FALSE\n", true);

    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_int_equal(rule_count(vm), 4);
    assert_allowed(0x10, true, true);
    assert_allowed(0x11, false, false);
    assert_allowed(0x12, false, false);
    assert_allowed(0x13, true, true);
    assert_allowed(0x4b564d00, false, false);
    assert_allowed(0x4b564dff, false, false);
    assert_allowed(0x4b564e00, true, true);
    vhv_vm_free(vm);
}

static void hide_msrs_without_place_is_refused(void **state)
{
    struct vhv_vm *vm = new_vm(*state, ONE_VCPU, true);

    deny(vm, 0, UINT32_MAX);
    assert_fails(vhv_vm_power_on(vm), EEXIST, "hide_msrs: ");
    assert_int_equal(vhv_vm_stage(vm), VHV_STAGE_CONFIGURE);
    assert_int_equal(rule_count(vm), 1);
    vhv_vm_free(vm);

    vm = new_vm(*state, ONE_VCPU, true);
    deny(vm, 0x1000, 0x1000 + 15 * RANGE_MSRS - 1);
    assert_fails(vhv_vm_power_on(vm), ENOSPC, "hide_msrs: ");
    assert_int_equal(rule_count(vm), 1);
    vhv_vm_free(vm);
}

static int msr_exit(struct kvm_run *run, uint32_t reason, uint32_t index, uint32_t why)
{
    run->exit_reason = reason;
    run->msr.reason = why;
    run->msr.index = index;
    run->msr.error = 0;
    run->msr.data = reason == KVM_EXIT_X86_WRMSR ? 0x55 : 0;
    return 0;
}

static int read_msr(struct kvm_run *run)
{
    return msr_exit(run, KVM_EXIT_X86_RDMSR, MSR, KVM_MSR_EXIT_REASON_FILTER);
}

static int write_msr(struct kvm_run *run)
{
    return msr_exit(run, KVM_EXIT_X86_WRMSR, MSR, KVM_MSR_EXIT_REASON_FILTER);
}

/* The program has asked KVM itself for exits of this kind. */
static int read_unknown_msr(struct kvm_run *run)
{
    return msr_exit(run, KVM_EXIT_X86_RDMSR, MSR, KVM_MSR_EXIT_REASON_UNKNOWN);
}

/* The answer that KVM is given is told by the next exit. */
static struct {
    uint64_t data;
    uint8_t error;
} answered;

static int note_answer(struct kvm_run *run)
{
    answered.data = run->msr.data;
    answered.error = run->msr.error;
    run->exit_reason = KVM_EXIT_HLT;
    return 0;
}

/* A VM of one vCPU with a rule of its own for reads and for writes. */
static struct vhv_vm *ready_vm(struct machine *machine, enum vhv_msr_action reads,
                               enum vhv_msr_action writes)
{
    struct vhv_vm *vm = new_vm(machine, ONE_VCPU, false);

    assert_int_equal(add(vm, MSR, MSR, VHV_MSR_READ, reads), 0);
    assert_int_equal(add(vm, MSR, MSR, VHV_MSR_WRITE, writes), 1);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    return vm;
}

static enum vhv_exit_reason run(struct vhv_vm *vm, struct vhv_exit *exit)
{
    assert_int_equal(vhv_vcpu_run(vhv_vm_vcpu(vm, 0), exit), 0);
    return exit->reason;
}

static void run_of_fault_and_ignore_goes_on_and_counts(void **state)
{
    struct vhv_vm *vm = ready_vm(*state, VHV_MSR_FAULT, VHV_MSR_IGNORE);
    uint64_t exits[VHV_EXIT_REASONS];
    struct vhv_msr_tries tries;
    struct vhv_exit exit;

    PLAY(write_msr, read_msr, note_answer);
    assert_int_equal(run(vm, &exit), VHV_EXIT_HLT);
    assert_int_equal(answered.error, 1);
    PLAY(read_msr, write_msr, note_answer);
    assert_int_equal(run(vm, &exit), VHV_EXIT_HLT);
    assert_int_equal(answered.error, 0);
    vhv_vm_msr_rule(vm, 0, &tries);
    assert_int_equal(tries.reads, 2);
    assert_int_equal(tries.writes, 0);
    vhv_vm_msr_rule(vm, 1, &tries);
    assert_int_equal(tries.reads, 0);
    assert_int_equal(tries.writes, 2);
    vhv_vcpu_exits(vhv_vm_vcpu(vm, 0), exits);
    assert_int_equal(exits[VHV_EXIT_MSR], 4);
    vhv_vm_free(vm);
}

static void run_of_ignored_read_answers_zero(void **state)
{
    struct vhv_vm *vm = ready_vm(*state, VHV_MSR_IGNORE, VHV_MSR_FAULT);
    struct vhv_exit exit;

    answered.data = 1;
    PLAY(read_msr, note_answer);
    assert_int_equal(run(vm, &exit), VHV_EXIT_HLT);
    assert_int_equal(answered.data, 0);
    assert_int_equal(answered.error, 0);
    vhv_vm_free(vm);
}

static void run_of_exit_is_told_and_answered(void **state)
{
    struct vhv_vm *vm = ready_vm(*state, VHV_MSR_EXIT, VHV_MSR_EXIT);
    struct vhv_exit exit;

    PLAY(write_msr, read_msr, note_answer);
    assert_int_equal(run(vm, &exit), VHV_EXIT_MSR);
    assert_true(exit.msr.is_write);
    assert_int_equal(exit.msr.index, MSR);
    assert_int_equal(*exit.msr.value, 0x55);
    assert_int_equal(run(vm, &exit), VHV_EXIT_MSR);
    *exit.msr.value = 77;
    assert_int_equal(run(vm, &exit), VHV_EXIT_HLT);
    assert_int_equal(answered.data, 77);
    vhv_vm_free(vm);
}

static void run_once_tells_the_exit_with_its_answer(void **state)
{
    struct vhv_vm *vm = ready_vm(*state, VHV_MSR_FAULT, VHV_MSR_IGNORE);
    struct vhv_vcpu *vcpu = vhv_vm_vcpu(vm, 0);
    struct vhv_exit exit;

    PLAY(read_msr, write_msr);
    assert_int_equal(vhv_vcpu_run_once(vcpu, &exit), 0);
    assert_int_equal(exit.reason, VHV_EXIT_MSR);
    assert_int_equal(*exit.msr.error, 1);
    assert_int_equal(vhv_vcpu_run_once(vcpu, &exit), 0);
    assert_int_equal(exit.reason, VHV_EXIT_MSR);
    assert_int_equal(*exit.msr.error, 0);
    vhv_vm_free(vm);
}

static void run_of_exit_that_no_rule_caused_is_the_programs(void **state)
{
    struct vhv_vm *vm = ready_vm(*state, VHV_MSR_FAULT, VHV_MSR_FAULT);
    struct vhv_msr_tries tries;
    struct vhv_exit exit;

    PLAY(read_unknown_msr);
    assert_int_equal(run(vm, &exit), VHV_EXIT_MSR);
    assert_int_equal(*exit.msr.error, 0);
    vhv_vm_msr_rule(vm, 0, &tries);
    assert_int_equal(tries.reads, 0);
    vhv_vm_free(vm);
}

#define AMD(name)   cmocka_unit_test_setup_teardown(name, machine_setup_amd, machine_teardown)
#define INTEL(name) cmocka_unit_test_setup_teardown(name, machine_setup_intel, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AMD(rule_add_malformed_is_refused),
        AMD(rule_add_of_x2apic_msrs_is_refused),
        AMD(rule_add_beyond_kvms_ranges_is_refused),
        AMD(rule_add_of_one_access_to_all_needs_too_many_ranges),
        AMD(rule_add_behind_one_for_all_is_refused),
        AMD(rule_add_after_power_on_is_refused),
        AMD(power_on_filters_as_the_rules_say),
        AMD(power_on_for_all_denies_by_default),
        AMD(power_on_rules_on_kvm_without_filter_name_the_capability),
        AMD(hide_msrs_by_default_hides_those_of_both_vendors),
        INTEL(hide_msrs_by_default_hides_those_of_both_vendors),
        AMD(hide_msrs_with_svm_leaves_its_msrs),
        INTEL(hide_msrs_with_vmx_leaves_its_msrs),
        AMD(hide_msrs_without_hypervisor_hides_kvms_own),
        AMD(hide_msrs_without_place_is_refused),
        AMD(run_of_fault_and_ignore_goes_on_and_counts),
        AMD(run_of_ignored_read_answers_zero),
        AMD(run_of_exit_is_told_and_answered),
        AMD(run_once_tells_the_exit_with_its_answer),
        AMD(run_of_exit_that_no_rule_caused_is_the_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
