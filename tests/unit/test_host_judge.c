/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libvhv/host.h>
#include <string.h>

#include "../cmocka.h"

/* Hosts on which everything is as it should be. */
static const struct vhv_host_facts amd = {
    .device = VHV_YES,
    .permission = VHV_YES,
    .api_version = 12,
    .vendor = VHV_VENDOR_AMD,
    .cpu_has = VHV_YES,
    .firmware_off = VHV_NO,
    .kvm_offers = VHV_YES,
    .nested_state = VHV_YES,
    .feature_msrs = VHV_YES,
    .module_loaded = VHV_YES,
    .module_nested = VHV_YES,
    .slat = VHV_YES,
    .guest_slat = VHV_YES,
    .module = "kvm_amd",
    .kernel = "6.1.0-40-amd64",
};

static struct vhv_host_facts intel_facts(void)
{
    struct vhv_host_facts facts = amd;

    facts.vendor = VHV_VENDOR_INTEL;
    strcpy(facts.module, "kvm_intel");
    return facts;
}

static struct vhv_host_facts without_device(void)
{
    struct vhv_host_facts facts = amd;

    facts.device = VHV_NO;
    facts.permission = VHV_UNKNOWN;
    facts.open_errno = ENOENT;
    facts.api_version = 0;
    facts.kvm_offers = facts.nested_state = facts.feature_msrs = facts.guest_slat = VHV_UNKNOWN;
    return facts;
}

static struct vhv_host_facts without_nesting(void)
{
    struct vhv_host_facts facts = amd;

    facts.kvm_offers = VHV_NO;
    facts.guest_slat = VHV_UNKNOWN;
    return facts;
}

static struct vhv_verdict assert_verdict(const struct vhv_host_facts *facts,
                                         enum vhv_nesting nesting, const char *because,
                                         const char *remedy)
{
    struct vhv_verdict verdict;

    memset(&verdict, 0x55, sizeof(verdict));
    vhv_host_judge(facts, &verdict);
    assert_string_equal(vhv_nesting_name(verdict.nesting), vhv_nesting_name(nesting));
    if (!strstr(verdict.because, because))
        fail_msg("because is \"%s\", without \"%s\"", verdict.because, because);
    if (!strstr(verdict.remedy, remedy))
        fail_msg("remedy is \"%s\", without \"%s\"", verdict.remedy, remedy);
    return verdict;
}

static void judge_all_is_well_is_yes_without_words(void **state)
{
    struct vhv_host_facts facts = intel_facts();
    struct vhv_verdict verdict;

    (void)state;
    verdict = assert_verdict(&amd, VHV_NESTING_YES, "", "");
    assert_string_equal(verdict.because, "");
    assert_string_equal(verdict.remedy, "");
    assert_string_equal(verdict.notes, "");
    assert_verdict(&facts, VHV_NESTING_YES, "", "");
}

static void judge_no_device_names_container_and_module(void **state)
{
    struct vhv_host_facts facts = without_device();

    (void)state;
    assert_verdict(&facts, VHV_NESTING_NO_DEVICE, "no KVM device", "modprobe kvm_amd");
    facts.module_loaded = VHV_UNKNOWN;
    assert_verdict(&facts, VHV_NESTING_NO_DEVICE, "no KVM device", "container");
}

static void judge_no_module_says_how_to_load_it(void **state)
{
    struct vhv_host_facts facts = without_device();

    (void)state;
    facts.module_loaded = VHV_NO;
    assert_verdict(&facts, VHV_NESTING_NO_MODULE, "kvm_amd is not loaded", "modprobe kvm_amd");
}

static void judge_no_permission_names_errno_and_group(void **state)
{
    struct vhv_host_facts facts = without_device();
    struct vhv_verdict verdict;

    (void)state;
    facts.device = VHV_YES;
    facts.permission = VHV_NO;
    facts.open_errno = EACCES;
    verdict =
        assert_verdict(&facts, VHV_NESTING_NO_PERMISSION, "Permission denied", "usermod -aG kvm");
    assert_string_equal(verdict.notes, "");
    facts.module_nested = VHV_NO;
    verdict = assert_verdict(&facts, VHV_NESTING_NO_PERMISSION, "Permission denied", "");
    assert_non_null(strstr(verdict.notes, "nested=0"));
}

static void judge_wrong_api_version_is_told(void **state)
{
    struct vhv_host_facts facts = amd;

    (void)state;
    facts.api_version = 11;
    facts.kvm_offers = VHV_UNKNOWN;
    assert_verdict(&facts, VHV_NESTING_WRONG_API, "than 12", "Linux");
}

static void judge_no_virtualization_on_bare_metal_blames_the_processor(void **state)
{
    struct vhv_host_facts facts = without_device();

    (void)state;
    facts.cpu_has = VHV_NO;
    facts.module_loaded = VHV_NO;
    assert_verdict(&facts, VHV_NESTING_NO_VIRTUALIZATION, "the processor has no SVM", "AMD-V");
    facts.vendor = VHV_VENDOR_ANY;
    facts.module[0] = 0;
    assert_verdict(&facts, VHV_NESTING_NO_VIRTUALIZATION, "no VMX or SVM", "VT-x");
}

static void judge_firmware_off_names_the_switch(void **state)
{
    struct vhv_host_facts facts = without_device();

    (void)state;
    facts.firmware_off = VHV_YES;
    facts.module_loaded = VHV_NO;
    assert_verdict(&facts, VHV_NESTING_FIRMWARE_OFF, "switched SVM off", "SVM Mode");
    facts.vendor = VHV_VENDOR_INTEL;
    assert_verdict(&facts, VHV_NESTING_FIRMWARE_OFF, "switched VMX off", "VT-x");
}

static void judge_masked_below_tells_what_to_set_in_that_hypervisor(void **state)
{
    static const struct {
        const char *signature;
        const char *remedy;
    } below[] = {
        {"KVMKVMKVM", "nested=1"},
        {"VMwareVMware", "vhv.enable = \"TRUE\""},
        {"VMwareVMware", "EVC mode does not hide VMX"},
        {"Microsoft Hv", "-ExposeVirtualizationExtensions $true"},
        {"XenVMMXenVMM", "nestedhvm = 1"},
        {"VBoxVBoxVBox", "--nested-hw-virt on"},
        {"TCGTCGTCGTCG", "-cpu max"},
        {"{extension}", "have {extension} show VMX to this machine"},
    };
    struct vhv_host_facts facts = without_device();

    (void)state;
    facts.vendor = VHV_VENDOR_INTEL;
    facts.cpu_has = VHV_NO;
    facts.module_loaded = VHV_NO;
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        strcpy(facts.hypervisor, below[i].signature);
        assert_verdict(&facts, VHV_NESTING_MASKED_BELOW, below[i].signature, below[i].remedy);
    }
}

static void judge_module_off_says_how_to_reload_it(void **state)
{
    struct vhv_host_facts facts = without_nesting();

    (void)state;
    facts.module_nested = VHV_NO;
    assert_verdict(&facts, VHV_NESTING_MODULE_OFF, "kvm_amd was loaded with nested=0",
                   "echo 'options kvm_amd nested=1' > /etc/modprobe.d/kvm_amd.conf");
    facts.vendor = VHV_VENDOR_INTEL;
    strcpy(facts.module, "kvm_intel");
    assert_verdict(&facts, VHV_NESTING_MODULE_OFF, "kvm_intel was loaded with nested=0",
                   "modprobe kvm_intel");
}

static void judge_other_backend_is_named(void **state)
{
    struct vhv_host_facts facts = without_nesting();

    (void)state;
    facts.module_loaded = VHV_NO;
    facts.module_nested = VHV_UNKNOWN;
    assert_verdict(&facts, VHV_NESTING_BACKEND, "unknown backend", "load kvm_amd");
    strcpy(facts.backend, "kvm_pvm");
    assert_verdict(&facts, VHV_NESTING_BACKEND, "served by kvm_pvm, not by kvm_amd", "kvm_amd");
    facts.cpu_has = VHV_NO;
    strcpy(facts.hypervisor, "KVMKVMKVM");
    assert_verdict(&facts, VHV_NESTING_BACKEND, "(KVMKVMKVM) does not show SVM", "-cpu host");
    assert_verdict(&facts, VHV_NESTING_BACKEND, "kvm_pvm", "then load kvm_amd in place of kvm_pvm");
}

static void judge_vendor_module_that_offers_nothing_is_told(void **state)
{
    struct vhv_host_facts facts = without_nesting();

    (void)state;
    assert_verdict(&facts, VHV_NESTING_BACKEND, "kvm_amd has nested=1", "kernel's log");
}

static void judge_firmware_off_under_other_backend_is_told(void **state)
{
    struct vhv_host_facts facts = without_nesting();

    (void)state;
    facts.firmware_off = VHV_YES;
    facts.module_loaded = VHV_NO;
    assert_verdict(&facts, VHV_NESTING_FIRMWARE_OFF, "SVM", "firmware's setup");
}

static void judge_unreadable_parameter_is_unknown_not_off(void **state)
{
    struct vhv_host_facts facts = without_nesting();

    (void)state;
    facts.module_nested = VHV_UNKNOWN;
    assert_verdict(&facts, VHV_NESTING_UNKNOWN, "cannot be read",
                   "/sys/module/kvm_amd/parameters/nested");
    facts.module_loaded = VHV_UNKNOWN;
    assert_verdict(&facts, VHV_NESTING_UNKNOWN, "cannot be read", "");
}

static void judge_old_kernel_names_capability_and_release(void **state)
{
    struct vhv_host_facts facts = amd;

    (void)state;
    facts.nested_state = VHV_NO;
    strcpy(facts.kernel, "4.14.0");
    assert_verdict(&facts, VHV_NESTING_OLD_KERNEL, "4.14.0 has no KVM_CAP_NESTED_STATE", "5.8");
}

static void judge_no_feature_msrs_is_told(void **state)
{
    struct vhv_host_facts facts = intel_facts();

    (void)state;
    facts.feature_msrs = VHV_NO;
    assert_verdict(&facts, VHV_NESTING_NO_FEATURE_MSRS, "VMX capability MSRs", "Linux");
}

static void judge_failed_probe_is_unknown_not_no(void **state)
{
    struct vhv_host_facts facts = amd;
    struct vhv_verdict verdict;

    (void)state;
    strcpy(facts.failed_probe, "KVM_GET_SUPPORTED_CPUID: Input/output error");
    verdict = assert_verdict(&facts, VHV_NESTING_YES, "", "");
    assert_non_null(strstr(verdict.notes, "KVM_GET_SUPPORTED_CPUID: Input/output error"));
    facts.kvm_offers = VHV_UNKNOWN;
    assert_verdict(&facts, VHV_NESTING_UNKNOWN, "KVM_GET_SUPPORTED_CPUID", "");
    facts.kvm_offers = VHV_YES;
    facts.nested_state = VHV_UNKNOWN;
    assert_verdict(&facts, VHV_NESTING_UNKNOWN, "did not answer", "");
    facts.nested_state = VHV_YES;
    facts.feature_msrs = VHV_UNKNOWN;
    assert_verdict(&facts, VHV_NESTING_UNKNOWN, "did not answer", "");
    facts = without_device();
    facts.device = VHV_UNKNOWN;
    facts.open_errno = EMFILE;
    assert_verdict(&facts, VHV_NESTING_UNKNOWN, "Too many open files", "");
}

static void judge_missing_nested_paging_is_a_note(void **state)
{
    struct vhv_host_facts facts = intel_facts();
    struct vhv_verdict verdict;

    (void)state;
    facts.guest_slat = VHV_NO;
    verdict = assert_verdict(&facts, VHV_NESTING_YES, "", "");
    assert_non_null(strstr(verdict.notes, "no nested paging"));
    facts.slat = VHV_NO;
    strcpy(facts.hypervisor, "VMwareVMware");
    verdict = assert_verdict(&facts, VHV_NESTING_YES, "", "");
    assert_string_equal(verdict.notes, "kvm_intel does not use ept: every guest is slow; this "
                                       "machine is itself a guest of VMwareVMware");
}

/* The facts numbered @n of all that differ in the answers; false beyond the last one. */
static bool choose(struct vhv_host_facts *facts, unsigned n)
{
    enum vhv_answer *answers[] = {
        &facts->device,       &facts->permission,    &facts->cpu_has,
        &facts->firmware_off, &facts->kvm_offers,    &facts->nested_state,
        &facts->feature_msrs, &facts->module_loaded, &facts->module_nested};

    memset(facts, 0, sizeof(*facts));
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++, n /= 3)
        *answers[i] = (enum vhv_answer)(n % 3);
    facts->vendor = (enum vhv_vendor)(n % 3);
    n /= 3;
    strcpy(facts->hypervisor, n % 2 ? "Microsoft Hv" : "");
    return n / 2 == 0;
}

static void judge_any_facts_say_why_unless_yes(void **state)
{
    struct vhv_host_facts facts;
    struct vhv_verdict verdict;

    (void)state;
    for (unsigned n = 0; choose(&facts, n); n++) {
        vhv_host_judge(&facts, &verdict);
        assert_int_equal(verdict.nesting == VHV_NESTING_YES, verdict.because[0] == 0);
        if (strpbrk(verdict.because, "{}") || strpbrk(verdict.remedy, "{}") ||
            strpbrk(verdict.notes, "{}"))
            fail_msg("a name is not filled in: %s / %s / %s", verdict.because, verdict.remedy,
                     verdict.notes);
        if (verdict.nesting == VHV_NESTING_YES)
            assert_true(facts.permission == VHV_YES && facts.kvm_offers == VHV_YES &&
                        facts.nested_state == VHV_YES && facts.feature_msrs == VHV_YES);
    }
}

static void judge_longest_facts_stay_within_their_room(void **state)
{
    struct vhv_host_facts facts = amd;
    struct {
        struct vhv_verdict verdict;
        char guard[16];
    } room;

    (void)state;
    memset(facts.failed_probe, 'p', sizeof(facts.failed_probe) - 1);
    memset(facts.hypervisor, 'h', sizeof(facts.hypervisor) - 1);
    memset(facts.kernel, 'k', sizeof(facts.kernel) - 1);
    memset(facts.module, 'm', sizeof(facts.module) - 1);
    memset(facts.backend, 'b', sizeof(facts.backend) - 1);
    facts.slat = VHV_NO;
    memset(&room, 'g', sizeof(room));
    for (int offers = VHV_UNKNOWN; offers <= VHV_YES; offers++) {
        facts.kvm_offers = (enum vhv_answer)offers;
        vhv_host_judge(&facts, &room.verdict);
        for (size_t i = 0; i < sizeof(room.guard); i++)
            assert_int_equal(room.guard[i], 'g');
    }
}

static void nesting_name_every_verdict_has_its_own(void **state)
{
    (void)state;
    for (int a = VHV_NESTING_YES; a <= VHV_NESTING_UNKNOWN; a++) {
        for (int b = VHV_NESTING_YES; b < a; b++)
            assert_string_not_equal(vhv_nesting_name(a), vhv_nesting_name(b));
    }
    assert_string_equal(vhv_nesting_name(VHV_NESTING_MODULE_OFF), "module-off");
    assert_string_equal(vhv_nesting_name(VHV_NESTING_UNKNOWN + 1), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judge_all_is_well_is_yes_without_words),
        cmocka_unit_test(judge_no_device_names_container_and_module),
        cmocka_unit_test(judge_no_module_says_how_to_load_it),
        cmocka_unit_test(judge_no_permission_names_errno_and_group),
        cmocka_unit_test(judge_wrong_api_version_is_told),
        cmocka_unit_test(judge_no_virtualization_on_bare_metal_blames_the_processor),
        cmocka_unit_test(judge_firmware_off_names_the_switch),
        cmocka_unit_test(judge_masked_below_tells_what_to_set_in_that_hypervisor),
        cmocka_unit_test(judge_module_off_says_how_to_reload_it),
        cmocka_unit_test(judge_other_backend_is_named),
        cmocka_unit_test(judge_vendor_module_that_offers_nothing_is_told),
        cmocka_unit_test(judge_firmware_off_under_other_backend_is_told),
        cmocka_unit_test(judge_unreadable_parameter_is_unknown_not_off),
        cmocka_unit_test(judge_old_kernel_names_capability_and_release),
        cmocka_unit_test(judge_no_feature_msrs_is_told),
        cmocka_unit_test(judge_failed_probe_is_unknown_not_no),
        cmocka_unit_test(judge_missing_nested_paging_is_a_note),
        cmocka_unit_test(judge_any_facts_say_why_unless_yes),
        cmocka_unit_test(judge_longest_facts_stay_within_their_room),
        cmocka_unit_test(nesting_name_every_verdict_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
