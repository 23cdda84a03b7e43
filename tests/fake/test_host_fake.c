/* SPDX-License-Identifier: MIT */
/* Hosts as the fake KVM and made-up files show them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"
#include "base/error.h"
#include "machine.h"

/* Probes, compares the verdict and frees; hands the facts out. */
static struct vhv_host_facts assert_probe(struct machine *machine, enum vhv_nesting nesting)
{
    struct vhv_host *host = machine_probe(machine);
    struct vhv_host_facts facts = *vhv_host_facts(host);

    assert_string_equal(vhv_nesting_name(vhv_host_verdict(host)->nesting),
                        vhv_nesting_name(nesting));
    vhv_host_free(host);
    return facts;
}

static void flip_processor_bit(struct machine *machine, uint32_t leaf, unsigned bit)
{
    struct vhv_cpuid_entry entry = *vhv_cpuid_find(machine->processor, leaf, 0);

    entry.reg[VHV_ECX] ^= 1u << bit;
    assert_int_equal(vhv_cpuid_set(machine->processor, &entry), 0);
}

static void probe_good_amd_host_can_nest(void **state)
{
    struct vhv_host_facts facts = assert_probe(*state, VHV_NESTING_YES);

    assert_int_equal(facts.device, VHV_YES);
    assert_int_equal(facts.permission, VHV_YES);
    assert_int_equal(facts.api_version, 12);
    assert_int_equal(facts.vendor, VHV_VENDOR_AMD);
    assert_int_equal(facts.cpu_has, VHV_YES);
    assert_int_equal(facts.firmware_off, VHV_NO);
    assert_int_equal(facts.kvm_offers, VHV_YES);
    assert_int_equal(facts.nested_state, VHV_YES);
    assert_int_equal(facts.feature_msrs, VHV_YES);
    assert_int_equal(facts.module_loaded, VHV_YES);
    assert_int_equal(facts.module_nested, VHV_YES);
    assert_int_equal(facts.slat, VHV_YES);
    assert_int_equal(facts.guest_slat, VHV_YES);
    assert_string_equal(facts.module, "kvm_amd");
    assert_string_equal(facts.backend, "");
    assert_string_equal(facts.hypervisor, "");
    assert_string_equal(facts.failed_probe, "");
    assert_true(facts.kernel[0]);
}

static void probe_good_intel_host_can_nest(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    const struct vhv_host_facts *facts = vhv_host_facts(host);
    uint64_t value = 0;

    assert_int_equal(vhv_host_verdict(host)->nesting, VHV_NESTING_YES);
    assert_string_equal(facts->module, "kvm_intel");
    assert_int_equal(facts->feature_msrs, VHV_YES);
    assert_int_equal(facts->guest_slat, VHV_YES);
    assert_int_equal(vhv_host_feature_msr(host, 0x48b, &value), VHV_YES);
    assert_true(value == UINT64_C(0x007137fe00000000));
    assert_int_equal(vhv_host_feature_msr(host, 0x492, &value), VHV_NO);
    vhv_host_free(host);
}

static void capture_of_intel_host_has_table_and_vmx_msrs(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    struct vhv_capture *capture;
    const struct vhv_msr *msrs;
    uint64_t value = 0;
    size_t count;

    assert_int_equal(vhv_host_capture(&capture, host, "esx1"), 0);
    assert_string_equal(vhv_capture_name(capture), "esx1");
    assert_int_equal(
        vhv_cpuid_compare(vhv_capture_cpuid(capture), vhv_host_supported(host), NULL, NULL), 0);
    msrs = vhv_capture_msrs(capture, &count);
    assert_int_equal(count, VHV_VMX_MSR_LAST - VHV_VMX_MSR_FIRST + 1);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(vhv_host_feature_msr(host, msrs[i].index, &value), VHV_YES);
        assert_true(msrs[i].value == value);
    }
    vhv_capture_free(capture);
    vhv_host_free(host);
}

static void capture_of_amd_host_has_no_vmx_msrs(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    struct vhv_capture *capture;
    size_t count;

    assert_int_equal(vhv_host_capture(&capture, host, "esx1"), 0);
    vhv_capture_msrs(capture, &count);
    assert_int_equal(count, 0);
    vhv_capture_free(capture);
    vhv_host_free(host);
}

static void capture_of_host_without_kvm_says_why(void **state)
{
    struct vhv_capture *capture = NULL;
    struct vhv_host *host;

    fake_kvm.fail_call = 1;
    fake_kvm.fail_errno = ENOENT;
    host = machine_probe(*state);
    assert_fails(vhv_host_capture(&capture, host, "esx1"), ENODEV, "KVM cannot be used: ");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_NO_KVM);
    assert_non_null(strstr(vhv_error_message(), vhv_host_verdict(host)->because));
    assert_null(capture);
    vhv_host_free(host);
}

static void probe_nested_0_blames_the_module(void **state)
{
    struct machine *machine = *state;

    fake_kvm.nested = false;
    machine_write_text(machine, "sys/module/kvm_intel/parameters/nested", "N\n");
    assert_probe(machine, VHV_NESTING_MODULE_OFF);
}

static void host_cpuid_good_host_has_nothing_to_say_of_nesting(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    struct vhv_guest_cpuid_options options = {
        .size = sizeof(options), .why_not_nested = "to be replaced", .vcpu_id = 7};

    vhv_host_cpuid(host, &options);
    assert_ptr_equal(options.processor, vhv_host_processor(host));
    assert_true(options.tsc_deadline);
    assert_null(options.why_not_nested);
    assert_int_equal(options.nested_paging_offered, VHV_YES);
    assert_int_equal(options.vcpu_id, 7);
    vhv_host_free(host);
}

static void host_cpuid_nested_0_says_why_and_what_to_do(void **state)
{
    struct machine *machine = *state;
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    struct vhv_host *host;

    fake_kvm.nested = false;
    fake_kvm.missing_capability = KVM_CAP_TSC_DEADLINE_TIMER;
    machine_write_text(machine, "sys/module/kvm_intel/parameters/nested", "N\n");
    host = machine_probe(machine);
    vhv_host_cpuid(host, &options);
    assert_false(options.tsc_deadline);
    assert_true(strstr(options.why_not_nested, "kvm_intel was loaded with nested=0; run ") ==
                options.why_not_nested);
    assert_non_null(strstr(options.why_not_nested, vhv_host_verdict(host)->remedy));
    vhv_host_free(host);
}

static void probe_sysfs_unreadable_is_unknown(void **state)
{
    struct machine *machine = *state;
    struct vhv_host_facts facts;

    fake_kvm.nested = false;
    machine->paths.sysfs = "/nowhere";
    facts = assert_probe(machine, VHV_NESTING_UNKNOWN);
    assert_int_equal(facts.module_loaded, VHV_UNKNOWN);
    assert_int_equal(facts.module_nested, VHV_UNKNOWN);
    assert_int_equal(facts.slat, VHV_UNKNOWN);
}

static void probe_other_backend_is_named(void **state)
{
    struct machine *machine = *state;
    struct vhv_host_facts facts;

    fake_kvm.nested = false;
    machine_remove(machine, "sys/module/kvm_amd/parameters/nested");
    machine_remove(machine, "sys/module/kvm_amd/parameters/npt");
    machine_remove(machine, "sys/module/kvm_amd/parameters");
    machine_remove(machine, "sys/module/kvm_amd");
    machine_write_text(machine, "sys/module/kvm_pvm/parameters/stats", "0\n");
    facts = assert_probe(machine, VHV_NESTING_BACKEND);
    assert_string_equal(facts.backend, "kvm_pvm");
    assert_int_equal(facts.module_loaded, VHV_NO);
}

static void probe_missing_capability_is_an_old_kernel(void **state)
{
    fake_kvm.missing_capability = KVM_CAP_NESTED_STATE;
    assert_probe(*state, VHV_NESTING_OLD_KERNEL);
}

static void probe_no_feature_msrs_capability_is_told(void **state)
{
    struct machine *machine = *state;
    struct vhv_host *host;
    uint64_t value;

    fake_kvm.missing_capability = KVM_CAP_GET_MSR_FEATURES;
    host = machine_probe(machine);
    assert_int_equal(vhv_host_verdict(host)->nesting, VHV_NESTING_NO_FEATURE_MSRS);
    assert_int_equal(vhv_host_feature_msr(host, 0x480, &value), VHV_UNKNOWN);
    assert_int_equal(fake_kvm_count("KVM_GET_MSR_FEATURE_INDEX_LIST"), 0);
    vhv_host_free(host);
}

static void probe_wrong_api_version_gives_no_descriptor(void **state)
{
    struct machine *machine = *state;
    struct vhv_host *host;

    fake_kvm.api_version = 13;
    host = machine_probe(machine);
    assert_int_equal(vhv_host_verdict(host)->nesting, VHV_NESTING_WRONG_API);
    assert_int_equal(vhv_host_kvm_fd(host), -1);
    assert_null(vhv_host_supported(host));
    assert_int_equal(vhv_host_capability(host, KVM_CAP_IRQCHIP, NULL), VHV_UNKNOWN);
    vhv_host_free(host);
}

static void probe_open_fails_is_told_apart_by_errno(void **state)
{
    static const struct {
        int code;
        enum vhv_answer device, permission;
        enum vhv_nesting nesting;
    } errors[] = {
        {ENOENT, VHV_NO, VHV_UNKNOWN, VHV_NESTING_NO_DEVICE},
        {ENODEV, VHV_NO, VHV_UNKNOWN, VHV_NESTING_NO_DEVICE},
        {EACCES, VHV_YES, VHV_NO, VHV_NESTING_NO_PERMISSION},
        {EPERM, VHV_YES, VHV_NO, VHV_NESTING_NO_PERMISSION},
        {EMFILE, VHV_UNKNOWN, VHV_UNKNOWN, VHV_NESTING_UNKNOWN},
    };
    struct machine *machine = *state;

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct vhv_host_facts facts;

        fake_kvm.calls = 0;
        fake_kvm.fail_call = 1;
        fake_kvm.fail_errno = errors[i].code;
        facts = assert_probe(machine, errors[i].nesting);
        assert_int_equal(facts.open_errno, errors[i].code);
        assert_int_equal(facts.device, errors[i].device);
        assert_int_equal(facts.permission, errors[i].permission);
    }
}

static void probe_firmware_off_is_read_from_the_msr(void **state)
{
    static const struct {
        uint64_t feature_control;
        enum vhv_answer off;
    } values[] = {{0x0, VHV_NO}, {0x1, VHV_YES}, {0x3, VHV_YES}, {0x5, VHV_NO}};
    struct machine *machine = *state;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct vhv_host_facts facts;

        fake_kvm.calls = 0;
        fake_kvm.fail_call = 1;
        fake_kvm.fail_errno = ENOENT;
        machine_write(machine, "msr", &values[i].feature_control, 8, 0x3a);
        facts = assert_probe(machine, values[i].off == VHV_YES ? VHV_NESTING_FIRMWARE_OFF
                                                               : VHV_NESTING_NO_DEVICE);
        assert_int_equal(facts.firmware_off, values[i].off);
    }
}

static void probe_svm_disabled_is_read_from_the_msr(void **state)
{
    const uint64_t svmdis = 1 << 4;
    struct machine *machine = *state;

    fake_kvm.fail_call = 1;
    fake_kvm.fail_errno = ENOENT;
    machine_write(machine, "msr", &svmdis, 8, 0xc0010114);
    assert_probe(machine, VHV_NESTING_FIRMWARE_OFF);
}

static void probe_flag_missing_in_cpuinfo_hints_at_the_firmware(void **state)
{
    struct machine *machine = *state;
    struct vhv_host_facts facts;

    fake_kvm.fail_call = 1;
    fake_kvm.fail_errno = ENOENT;
    machine_remove(machine, "cpuinfo");
    machine_write_text(machine, "cpuinfo", "flags\t\t: fpu vmxnot svmnot nx\n");
    facts = assert_probe(machine, VHV_NESTING_FIRMWARE_OFF);
    assert_int_equal(facts.firmware_off, VHV_YES);
}

static void probe_nothing_readable_leaves_firmware_unknown(void **state)
{
    struct machine *machine = *state;
    struct vhv_host_facts facts;

    fake_kvm.fail_call = 1;
    fake_kvm.fail_errno = ENOENT;
    machine_remove(machine, "cpuinfo");
    facts = assert_probe(machine, VHV_NESTING_NO_DEVICE);
    assert_int_equal(facts.firmware_off, VHV_UNKNOWN);
}

static void probe_hypervisor_that_hides_svm_is_named(void **state)
{
    struct machine *machine = *state;
    const struct vhv_cpuid_entry name = {
        .leaf = 0x40000000,
        .reg = {0x40000010, 0x61774d56, 0x4d566572, 0x65726177}, /* VMwareVMware */
    };
    struct vhv_host_facts facts;

    fake_kvm.fail_call = 1;
    fake_kvm.fail_errno = ENOENT;
    flip_processor_bit(machine, 0x1, 31);
    flip_processor_bit(machine, 0x80000001, 2);
    assert_int_equal(vhv_cpuid_set(machine->processor, &name), 0);
    facts = assert_probe(machine, VHV_NESTING_MASKED_BELOW);
    assert_string_equal(facts.hypervisor, "VMwareVMware");
    assert_int_equal(facts.cpu_has, VHV_NO);
}

static void probe_hypervisor_with_odd_name_is_printable(void **state)
{
    struct machine *machine = *state;
    struct vhv_cpuid_entry name = {.leaf = 0x40000000, .reg = {0, 0x0a41ff1b, 0, 0}};
    struct vhv_host_facts facts;

    flip_processor_bit(machine, 0x1, 31);
    assert_int_equal(vhv_cpuid_set(machine->processor, &name), 0);
    facts = assert_probe(machine, VHV_NESTING_YES);
    assert_string_equal(facts.hypervisor, "??A?");

    flip_processor_bit(machine, 0x1, 31);
    facts = assert_probe(machine, VHV_NESTING_YES);
    assert_string_equal(facts.hypervisor, "unnamed");
}

static void probe_supported_table_is_kvms(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    const struct vhv_cpuid *supported = vhv_host_supported(host);

    assert_int_equal(vhv_cpuid_get(supported, 0x4, 1, VHV_EAX), 0x122);
    assert_true(vhv_cpuid_find(supported, 0x4, 1)->has_subleaf);
    assert_false(vhv_cpuid_find(supported, 0x1, 0)->has_subleaf);
    assert_int_equal(vhv_cpuid_get(supported, 0x40000000, 0, VHV_EBX), 0x4b4d564b);
    assert_int_equal(vhv_cpuid_get(vhv_host_processor(host), 0x40000000, 0, VHV_EBX), 0);
    vhv_host_free(host);
}

static void probe_table_goes_to_kvm_and_back_unchanged(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    struct vhv_cpuid *back = NULL;
    struct kvm_cpuid2 *kvm = NULL;

    assert_int_equal(vhv_cpuid_to_kvm(&kvm, vhv_host_supported(host)), 0);
    assert_int_equal(kvm->nent, vhv_cpuid_count(vhv_host_supported(host)));
    assert_int_equal(vhv_cpuid_from_kvm(&back, kvm), 0);
    assert_int_equal(vhv_cpuid_compare(vhv_host_supported(host), back, NULL, NULL), 0);
    for (uint32_t i = 0; i < kvm->nent; i++)
        assert_int_equal(vhv_cpuid_at(back, i)->has_subleaf,
                         vhv_cpuid_at(vhv_host_supported(host), i)->has_subleaf);
    vhv_cpuid_free(back);
    free(kvm);
    vhv_host_free(host);
}

static void probe_msr_indexes_are_kvms_list(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    bool has_hsave = false;
    size_t count = 0;
    const uint32_t *indexes = vhv_host_msr_indexes(host, &count);

    assert_int_equal(count, 15);
    for (size_t i = 0; i < count; i++)
        has_hsave |= indexes[i] == 0xc0010117;
    assert_true(has_hsave);
    vhv_host_free(host);
}

static void unref_last_closes_the_device(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    const struct vhv_host *kept = vhv_host_ref(host);

    vhv_host_free(host);
    assert_int_equal(fake_kvm_descriptors(), 1);
    assert_int_equal(vhv_host_capability(kept, KVM_CAP_IRQCHIP, NULL), VHV_YES);
    vhv_host_unref(kept);
    assert_int_equal(fake_kvm_descriptors(), 0);
}

static void capability_gives_value_or_no(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    int value = 0;

    assert_int_equal(vhv_host_capability(host, KVM_CAP_MAX_VCPUS, &value), VHV_YES);
    assert_int_equal(value, 64);
    fake_kvm.missing_capability = KVM_CAP_MAX_VCPUS;
    assert_int_equal(vhv_host_capability(host, KVM_CAP_MAX_VCPUS, &value), VHV_NO);
    vhv_host_free(host);
}

static void new_options_choose_device_and_sysfs(void **state)
{
    struct machine *machine = *state;
    const struct vhv_host_options options = {
        .size = sizeof(options), .device = "/dev/null", .sysfs = machine->sysfs, .policy = ""};
    struct vhv_host_options malformed = options;
    struct vhv_host *host = NULL;

    malformed.size = 1;
    fake_kvm_remove();
    vhv_fail(EINVAL, VHV_CAUSE_NONE, "before");
    assert_int_equal(vhv_host_new(&host, &options), 0);
    assert_string_equal(vhv_error_message(), "before");
    assert_int_equal(vhv_host_verdict(host)->nesting, VHV_NESTING_UNKNOWN);
    assert_non_null(strstr(vhv_host_facts(host)->failed_probe, "KVM_GET_API_VERSION"));
    assert_int_equal(vhv_host_kvm_fd(host), -1);
    vhv_host_free(host);
    assert_fails(vhv_host_new(&host, &malformed), EINVAL, "vhv_host_options");
    fake_kvm_install(VHV_VENDOR_AMD);
}

#define AMD(name)   cmocka_unit_test_setup_teardown(name, machine_setup_amd, machine_teardown)
#define INTEL(name) cmocka_unit_test_setup_teardown(name, machine_setup_intel, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AMD(probe_good_amd_host_can_nest),
        INTEL(probe_good_intel_host_can_nest),
        INTEL(capture_of_intel_host_has_table_and_vmx_msrs),
        AMD(capture_of_amd_host_has_no_vmx_msrs),
        AMD(capture_of_host_without_kvm_says_why),
        INTEL(probe_nested_0_blames_the_module),
        INTEL(host_cpuid_good_host_has_nothing_to_say_of_nesting),
        INTEL(host_cpuid_nested_0_says_why_and_what_to_do),
        AMD(probe_sysfs_unreadable_is_unknown),
        AMD(probe_other_backend_is_named),
        AMD(probe_missing_capability_is_an_old_kernel),
        INTEL(probe_no_feature_msrs_capability_is_told),
        AMD(probe_wrong_api_version_gives_no_descriptor),
        AMD(probe_open_fails_is_told_apart_by_errno),
        INTEL(probe_firmware_off_is_read_from_the_msr),
        AMD(probe_svm_disabled_is_read_from_the_msr),
        INTEL(probe_flag_missing_in_cpuinfo_hints_at_the_firmware),
        AMD(probe_nothing_readable_leaves_firmware_unknown),
        AMD(probe_hypervisor_that_hides_svm_is_named),
        AMD(probe_hypervisor_with_odd_name_is_printable),
        INTEL(probe_supported_table_is_kvms),
        INTEL(probe_table_goes_to_kvm_and_back_unchanged),
        AMD(probe_msr_indexes_are_kvms_list),
        AMD(unref_last_closes_the_device),
        AMD(capability_gives_value_or_no),
        AMD(new_options_choose_device_and_sysfs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
