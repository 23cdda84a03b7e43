/* SPDX-License-Identifier: MIT */
/* The tests whose guest is a hypervisor. One program, so that one boot of a lab serves all. */
#include "tests.h"

void need_nesting(void)
{
    const struct vhv_verdict *verdict = vhv_host_verdict(kvm_host());

    if (verdict->nesting != VHV_NESTING_YES)
        skip_because("guests cannot nest here: %s", verdict->because);
}

bool host_is_amd(void)
{
    return vhv_cpuid_vendor(vhv_host_supported(kvm_host())) == VHV_VENDOR_AMD;
}

void need_nesting_of(enum vhv_vendor vendor)
{
    need_nesting();
    if (host_is_amd() != (vendor == VHV_VENDOR_AMD))
        skip_because("the processor has %s", host_is_amd() ? "SVM, not VMX" : "VMX, not SVM");
}

bool has_nested_paging(void)
{
    return vhv_host_facts(kvm_host())->guest_slat == VHV_YES;
}

void need_nested_paging(void)
{
    need_nesting();
    if (!has_nested_paging())
        skip_because("KVM does not offer nested paging to guests here");
}

void start_nested(struct machine *machine, enum guest_mode mode, bool nested_paging)
{
    const struct guest_parameters parameters = {
        .mode = mode,
        .flags = nested_paging ? GUEST_NESTED_PAGING : 0,
    };

    need_nesting();
    assert_ok(vhv_config_set(machine->config, "vhv.enable", "TRUE"));
    payload_start(machine, &parameters);
}

void expect_end(struct machine *machine, enum guest_status status)
{
    struct recording recording = {0};

    payload_run(machine, &recording);
    payload_expect_status(&recording, status);
}

int main(void)
{
    const struct test_list lists[] = {
        steps_tests, ways_tests,  products_tests, off_tests,
        live_tests,  state_tests, vmx_tests,      backdoor_tests,
    };

    return run_test_lists("nested", lists, sizeof(lists) / sizeof(lists[0]));
}
