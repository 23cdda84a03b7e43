/* SPDX-License-Identifier: MIT */
/* Making a VM and powering it on, on hosts that lack something. */
#include <errno.h>
#include <libvhv/vhv.h>
#include <string.h>

#include "../cmocka.h"
#include "machine.h"

/* A VM of a .vmx text, on a host that is probed now. */
static struct vhv_vm *new_vm(struct machine *machine, const char *text, bool report_only)
{
    struct vhv_vm_options options = {.size = sizeof(options), .report_only = report_only};
    struct vhv_host *host = machine_probe(machine);
    struct vhv_config *config = NULL;
    struct vhv_vm *vm = NULL;

    assert_int_equal(vhv_config_parse(&config, text, strlen(text), "test.vmx"), 0);
    options.config = config;
    assert_int_equal(vhv_vm_new(&vm, host, &options), 0);
    vhv_config_free(config);
    vhv_host_free(host);
    return vm;
}

static uint32_t guest_register(struct vhv_vm *vm, uint32_t leaf, enum vhv_cpuid_reg reg)
{
    const struct vhv_guest_cpuid *cpuid = vhv_vcpu_guest_cpuid(vhv_vm_vcpu(vm, 0));

    return vhv_cpuid_get(vhv_guest_cpuid_table(cpuid), leaf, 0, reg);
}

static uint64_t guest_msr(struct vhv_vm *vm, uint32_t index)
{
    struct vhv_msr msr = {.index = index};

    assert_int_equal(vhv_vcpu_get_msrs(vhv_vm_vcpu(vm, 0), &msr, 1), 1);
    return msr.value;
}

static void new_without_device_says_why_and_what_to_do(void **state)
{
    struct machine *machine = *state;
    struct vhv_vm *vm = NULL;
    struct vhv_host *host;

    fake_kvm.fail_call = 1;
    fake_kvm.fail_errno = EACCES;
    host = machine_probe(machine);
    assert_fails(vhv_vm_new(&vm, host, NULL), ENODEV, "Permission denied");
    assert_non_null(strstr(vhv_error_message(), "usermod -aG kvm"));
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_NO_KVM);
    assert_null(vm);
    vhv_host_free(host);
}

static void new_of_another_api_version_is_refused(void **state)
{
    struct machine *machine = *state;
    struct vhv_vm *vm = NULL;
    struct vhv_host *host;

    fake_kvm.api_version = 11;
    host = machine_probe(machine);
    assert_fails(vhv_vm_new(&vm, host, NULL), ENODEV, "than 12");
    vhv_host_free(host);
}

static void new_missing_capability_is_named(void **state)
{
    static const struct {
        long capability;
        enum vhv_irqchip irqchip;
        bool pit;
        const char *name;
    } needs[] = {
        {KVM_CAP_IMMEDIATE_EXIT, VHV_IRQCHIP_NONE, false, "KVM_CAP_IMMEDIATE_EXIT"},
        {KVM_CAP_IRQCHIP, VHV_IRQCHIP_KERNEL, false, "KVM_CAP_IRQCHIP"},
        {KVM_CAP_SPLIT_IRQCHIP, VHV_IRQCHIP_SPLIT, false, "KVM_CAP_SPLIT_IRQCHIP"},
        {KVM_CAP_PIT2, VHV_IRQCHIP_KERNEL, true, "KVM_CAP_PIT2"},
    };
    struct vhv_host *host = machine_probe(*state);

    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        const struct vhv_vm_options options = {
            .size = sizeof(options), .irqchip = needs[i].irqchip, .pit = needs[i].pit};
        struct vhv_vm *vm = NULL;

        fake_kvm.missing_capability = needs[i].capability;
        assert_fails(vhv_vm_new(&vm, host, &options), EOPNOTSUPP, needs[i].name);
        assert_int_equal(vhv_error_cause(), VHV_CAUSE_CAPABILITY_MISSING);
        assert_int_equal(fake_kvm_descriptors(), 1);
    }
    vhv_host_free(host);
}

static void new_contradicting_options_are_refused_before_kvm(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    struct vhv_vm_options options = {.size = sizeof(options), .pit = true};
    struct vhv_vm *vm = NULL;

    fake_kvm.calls = 0;
    assert_fails(vhv_vm_new(&vm, host, &options), EINVAL, "VHV_IRQCHIP_KERNEL");
    options = (struct vhv_vm_options){.size = sizeof(options), .irqchip = 9};
    assert_fails(vhv_vm_new(&vm, host, &options), EINVAL, "irqchip is 9");
    options = (struct vhv_vm_options){.size = sizeof(options), .kick_signal = 9};
    assert_fails(vhv_vm_new(&vm, host, &options), EINVAL, "kick_signal is 9");
    assert_int_equal(fake_kvm.calls, 0);
    vhv_host_free(host);
}

static void free_of_host_before_vm_leaves_the_vm_usable(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\n", false);

    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);
    assert_int_equal(fake_kvm_descriptors(), 0);
}

static void power_on_without_vcpu_is_refused(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "", false);

    assert_fails(vhv_vm_power_on(vm), EINVAL, "vhv_vcpu_new");
    assert_int_equal(vhv_vm_stage(vm), VHV_STAGE_CONFIGURE);
    vhv_vm_free(vm);
}

static void power_on_freezes_vcpus_memory_and_bus(void **state)
{
    static const struct vhv_bus_ops ops;
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\nmemsize = 4\n", false);
    struct vhv_vcpu *vcpu = NULL;

    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_fails(vhv_vm_power_on(vm), EBUSY, "before");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_WRONG_STAGE);
    assert_fails(vhv_vcpu_new(&vcpu, vm, 1), EBUSY, "powered on");
    assert_fails(vhv_memory_add(vhv_vm_memory(vm), 1 << 30, 4096, NULL), EBUSY, "powered on");
    assert_fails(vhv_bus_add(vhv_vm_bus(vm), VHV_SPACE_PORT, 1, 1, &ops, NULL, NULL), EBUSY, "");
    assert_null(vcpu);
    vhv_vm_free(vm);
}

static void power_on_by_default_hides_svm_whole(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\n", false);

    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_false(vhv_vm_has_vhv(vm));
    assert_int_equal(guest_register(vm, 0x80000001, VHV_ECX) & 1 << 2, 0);
    for (int reg = VHV_EAX; reg <= VHV_EDX; reg++)
        assert_int_equal(guest_register(vm, 0x8000000a, (enum vhv_cpuid_reg)reg), 0);
    vhv_vm_free(vm);
}

static void power_on_by_default_leaves_vmx_off(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "numvcpus = 1\n", false);

    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_false(vhv_vm_has_vhv(vm));
    assert_int_equal(guest_register(vm, 0x1, VHV_ECX) & 1 << 5, 0);
    assert_int_equal(fake_kvm_count("KVM_SET_MSRS"), 0);
    vhv_vm_free(vm);
}

static void power_on_vhv_locks_feature_control_on_every_vcpu(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "vhv.enable = TRUE\nnumvcpus = 2\n", false);
    struct vhv_msr msr = {.index = 0x3a};

    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_true(vhv_vm_has_vhv(vm));
    assert_int_not_equal(guest_register(vm, 0x1, VHV_ECX) & 1 << 5, 0);
    assert_int_equal(guest_msr(vm, 0x3a), 5);
    assert_int_equal(vhv_vcpu_get_msrs(vhv_vm_vcpu(vm, 1), &msr, 1), 1);
    assert_int_equal(msr.value, 5);
    vhv_vm_free(vm);
}

/* INVPCID is bit 10 of 7.ebx, and bit 12 of the secondary controls. */
static void power_on_hidden_feature_takes_its_vmx_control_along(void **state)
{
    static const char text[] = "vhv.enable = TRUE\nnumvcpus = 1\n"
                               "cpuid.7.ebx = \"----:----:----:----:----:-0--:----:----\"\n";
    const uint64_t invpcid = UINT64_C(1) << (32 + 12);
    struct vhv_vm *vm = new_vm(*state, "vhv.enable = TRUE\nnumvcpus = 1\n", false);

    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_true(guest_msr(vm, 0x48b) & invpcid);
    vhv_vm_free(vm);

    vm = new_vm(*state, text, false);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_false(guest_msr(vm, 0x48b) & invpcid);
    vhv_vm_free(vm);
}

static void power_on_vhv_on_host_with_nested_0_names_the_module(void **state)
{
    struct machine *machine = *state;
    struct vhv_vm *vm;

    fake_kvm.nested = false;
    machine_write_text(machine, "sys/module/kvm_amd/parameters/nested", "0\n");
    vm = new_vm(machine, "vhv.enable = TRUE\nnumvcpus = 1\n", false);
    assert_fails(vhv_vm_power_on(vm), ENOTSUP, "kvm_amd was loaded with nested=0");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_CANNOT_NEST);
    assert_int_equal(vhv_vm_stage(vm), VHV_STAGE_CONFIGURE);
    assert_int_equal(fake_kvm_count("KVM_SET_CPUID2"), 0);
    vhv_vm_free(vm);
}

/* As the mask says; that it is in vain is a finding. */
static void power_on_vmx_forced_on_host_with_nested_0_is_shown(void **state)
{
    static const char text[] = "numvcpus = 1\n"
                               "cpuid.1.ecx = \"----:----:----:----:----:----:--1-:----\"\n";
    const struct vhv_cpuid_finding *found;
    struct vhv_vm *vm;

    fake_kvm.nested = false;
    vm = new_vm(*state, text, false);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_int_not_equal(guest_register(vm, 0x1, VHV_ECX) & 1 << 5, 0);
    assert_int_equal(fake_kvm_count("KVM_SET_MSRS"), 0);
    found = vhv_guest_cpuid_finding(vhv_vcpu_guest_cpuid(vhv_vm_vcpu(vm, 0)), 0);
    assert_non_null(found);
    assert_non_null(strstr(found->text, "bit 5 (VMX) is shown, but KVM cannot run it"));
    vhv_vm_free(vm);
}

static void power_on_readback_without_svm_is_an_error_when_asked_for(void **state)
{
    struct vhv_vm *vm;

    fake_kvm.readback.leaf = 0x80000001;
    fake_kvm.readback.ecx = 1 << 2;
    vm = new_vm(*state, "vhv.enable = TRUE\nnumvcpus = 1\n", false);
    assert_fails(vhv_vm_power_on(vm), EOPNOTSUPP, "SVM");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_CPUID_NOT_HONOURED);
    assert_int_equal(vhv_vm_stage(vm), VHV_STAGE_CONFIGURE);
    assert_non_null(vhv_vcpu_guest_cpuid(vhv_vm_vcpu(vm, 0)));

    /* KVM changes its mind, and the VM can still be powered on. */
    fake_kvm.readback.ecx = 0;
    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);
}

static void power_on_report_only_goes_on_after_a_finding(void **state)
{
    struct vhv_vm *vm;

    fake_kvm.readback.leaf = 0x80000001;
    fake_kvm.readback.ecx = 1 << 2;
    vm = new_vm(*state, "vhv.enable = TRUE\nnumvcpus = 1\n", true);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_false(vhv_vm_has_vhv(vm));
    assert_non_null(vhv_guest_cpuid_finding(vhv_vcpu_guest_cpuid(vhv_vm_vcpu(vm, 0)), 0));
    vhv_vm_free(vm);
}

static void power_on_readback_of_unasked_bit_is_no_error(void **state)
{
    struct vhv_vm *vm;

    fake_kvm.readback.leaf = 0x80000008;
    fake_kvm.readback.ebx = 1 << 9;
    vm = new_vm(*state, "numvcpus = 1\n", false);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_int_equal(guest_register(vm, 0x80000008, VHV_EBX), 0x0111f000 ^ 1 << 9);
    vhv_vm_free(vm);
}

static void power_on_without_supported_cpuid_tells_the_failed_probe(void **state)
{
    struct machine *machine = *state;
    struct vhv_vm *vm;
    unsigned call = 0;

    vhv_host_free(machine_probe(machine));
    while (strcmp(fake_kvm.log[call].name, "KVM_GET_SUPPORTED_CPUID") != 0)
        call++;
    fake_kvm.calls = 0;
    fake_kvm.fail_call = call + 1;
    fake_kvm.fail_errno = EIO;
    vm = new_vm(machine, "numvcpus = 1\n", false);
    assert_fails(vhv_vm_power_on(vm), EIO, "KVM_GET_SUPPORTED_CPUID: Input/output error");
    vhv_vm_free(vm);
}

#define AMD(name)   cmocka_unit_test_setup_teardown(name, machine_setup_amd, machine_teardown)
#define INTEL(name) cmocka_unit_test_setup_teardown(name, machine_setup_intel, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AMD(new_without_device_says_why_and_what_to_do),
        AMD(new_of_another_api_version_is_refused),
        AMD(new_missing_capability_is_named),
        AMD(new_contradicting_options_are_refused_before_kvm),
        AMD(free_of_host_before_vm_leaves_the_vm_usable),
        AMD(power_on_without_vcpu_is_refused),
        AMD(power_on_freezes_vcpus_memory_and_bus),
        AMD(power_on_by_default_hides_svm_whole),
        INTEL(power_on_by_default_leaves_vmx_off),
        INTEL(power_on_vhv_locks_feature_control_on_every_vcpu),
        INTEL(power_on_hidden_feature_takes_its_vmx_control_along),
        AMD(power_on_vhv_on_host_with_nested_0_names_the_module),
        INTEL(power_on_vmx_forced_on_host_with_nested_0_is_shown),
        AMD(power_on_readback_without_svm_is_an_error_when_asked_for),
        AMD(power_on_report_only_goes_on_after_a_finding),
        AMD(power_on_readback_of_unasked_bit_is_no_error),
        AMD(power_on_without_supported_cpuid_tells_the_failed_probe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
