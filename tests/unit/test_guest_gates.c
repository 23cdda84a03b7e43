/* SPDX-License-Identifier: MIT */
/* What refuses virtualized HV, by whichever way it was asked for. */
#include "guest.h"

#include "cpuid/guest.h"

static struct vhv_cpuid_number number(uint32_t value, unsigned line, const char *key)
{
    return (struct vhv_cpuid_number){.value = value, .origin = {"hypervisor.vmx", line, key}};
}

static void hardware_version_takes_away_what_it_does_not_have(void **state)
{
    static const struct {
        uint32_t version;
        bool pcid, ibrs;
    } cases[] = {{7, false, false}, {8, false, false}, {9, false, true}, {10, false, true},
                 {11, true, true},  {22, true, true},  {0, true, true}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scene *scene = on_intel();

        host_bits(scene, 1, VHV_ECX, 0, 1u << 17);
        host_bits(scene, 7, VHV_EDX, 0, 1u << 26);
        scene->options.hardware_version = number(cases[i].version, 2, "virtualHW.version");
        made(scene);
        assert_int_equal(bit_of(scene, 1, VHV_ECX, 17), cases[i].pcid);
        assert_int_equal(bit_of(scene, 7, VHV_EDX, 26), cases[i].ibrs);
        assert_int_equal(bit_of(scene, 7, VHV_EBX, 5), 1); /* AVX2: its version is not known */
        assert_int_equal(finding_count(scene), 0);
        scene_end(scene);
    }
}

static void hardware_version_is_a_reason_that_masks_override(void **state)
{
    struct scene *scene = on_intel();

    (void)state;
    host_bits(scene, 1, VHV_ECX, 0, 1u << 17);
    scene->options.hardware_version = number(8, 2, "virtualHW.version");
    made(scene);
    assert_chain(scene, 1, 0, VHV_ECX, 17, "kvm=1 setting=0");
    assert_contains(chain_of(scene, 1, 0, VHV_ECX, 17).words,
                    "hypervisor.vmx:2:virtualHW.version: the VM's hardware version does not have "
                    "it\n");
    assert_chain(scene, 1, 0, VHV_ECX, 0, "kvm=1");
    ask_bit(scene, 3, "cpuid.1.ecx", 17, 'h');
    made(scene);
    assert_chain(scene, 1, 0, VHV_ECX, 17, "kvm=1 setting=0 mask:h=1");
    scene_end(scene);
}

static void hardware_version_7_refuses_virtualized_hv_of_the_setting(void **state)
{
    static const char text[] = "hypervisor.vmx:2: virtualHW.version is 7, which has no virtualized "
                               "HV (asked for by hypervisor.vmx:5: vhv.enable): it needs 8 or "
                               "newer";
    struct scene *scene = on_intel();

    (void)state;
    scene->options.vhv_enable = setting(true, 5, "vhv.enable");
    scene->options.hardware_version = number(7, 2, "virtualHW.version");
    made(scene);
    assert_true(finding(scene, text)->is_error);
    assert_int_equal(finding(scene, text)->origin.line, 2);
    assert_fails(vhv_guest_cpuid_check(scene->guest), EOPNOTSUPP, text);
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_CANNOT_NEST);
    scene->options.hardware_version.value = 8;
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    scene_end(scene);
}

static void hardware_version_7_refuses_virtualized_hv_of_masks(void **state)
{
    static const char ops[] = "h1t";

    (void)state;
    for (const char *op = ops; *op; op++) {
        struct scene *scene = on_amd();

        scene->options.hardware_version = number(7, 2, "virtualHW.version");
        ask_bit(scene, 4, "cpuid.80000001.ecx.amd", 2, *op);
        made(scene);
        assert_fails(vhv_guest_cpuid_check(scene->guest), EOPNOTSUPP,
                     "virtualHW.version is 7, which has no virtualized HV (asked for by "
                     "hypervisor.vmx:4: cpuid.80000001.ecx.amd)");
        scene_end(scene);
    }
}

static void hardware_version_7_without_virtualized_hv_is_fine(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.hardware_version = number(7, 2, "virtualHW.version");
    scene->options.vhv_enable = setting(true, 5, "vhv.enable");
    ask_bit(scene, 6, "cpuid.80000001.ecx.amd", 2, '0');
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
    scene_end(scene);
}

static struct vhv_cpuid_setting policy(bool allow)
{
    return (struct vhv_cpuid_setting){.value = allow ? VHV_SETTING_TRUE : VHV_SETTING_FALSE,
                                      .origin = {"/etc/libvhv/host.vmx", 3, "vhv.allow"}};
}

static void policy_false_refuses_virtualized_hv_of_the_setting(void **state)
{
    static const char text[] = "/etc/libvhv/host.vmx:3: vhv.allow is FALSE: this host's policy "
                               "refuses virtualized HV (asked for by hypervisor.vmx:5: "
                               "vhv.enable)";
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_enable = setting(true, 5, "vhv.enable");
    scene->options.vhv_allow = policy(false);
    made(scene);
    assert_true(finding(scene, text)->is_error);
    assert_fails(vhv_guest_cpuid_check(scene->guest), EPERM, text);
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_POLICY);
    assert_fails(vhv_guest_check_policy(scene->guest), EPERM, text);
    scene_end(scene);
}

static void policy_false_refuses_the_five_masks(void **state)
{
    struct scene *scenes[] = {on_amd(), on_intel()};
    static const char *const askers[] = {"hypervisor.vmx:2: cpuid.80000001.ecx.amd",
                                         "hypervisor.vmx:1: cpuid.1.ecx"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        ask_as_esxi_5(scenes[i]);
        scenes[i]->options.vhv_allow = policy(false);
        made(scenes[i]);
        assert_fails(vhv_guest_cpuid_check(scenes[i]->guest), EPERM, askers[i]);
        scene_end(scenes[i]);
    }
}

static void policy_false_lets_other_guests_be(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_allow = policy(false);
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    scene->options.vhv_enable = setting(true, 5, "vhv.enable");
    ask_bit(scene, 6, "cpuid.80000001.ecx", 2, '0');
    made(scene);
    assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
    assert_int_equal(vhv_guest_check_policy(scene->guest), 0);
    scene_end(scene);
}

static void policy_true_or_unset_refuses_nothing(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_enable = setting(true, 5, "vhv.enable");
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    scene->options.vhv_allow = policy(true);
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    scene_end(scene);
}

static void policy_false_refuses_what_kvm_shows_unasked(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_allow = policy(false);
    made(scene);
    assert_true(vhv_guest_cpuid_read_back(scene->guest, scene->host) > 0);
    assert_fails(vhv_guest_check_policy(scene->guest), EPERM,
                 "refuses virtualized HV (KVM shows it to the guest unasked)");
    scene_end(scene);
}

static void policy_is_no_excuse_for_other_findings(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.1.ecx", 0, 'f');
    scene->options.vhv_allow = policy(false);
    made(scene);
    assert_fails(vhv_guest_cpuid_check(scene->guest), EOPNOTSUPP, "must be 0");
    assert_int_equal(vhv_guest_check_policy(scene->guest), 0);
    scene_end(scene);
}

#define SLOW                                                                                \
    " asks for virtualized HV, but KVM offers guests no nested paging on this host: inner " \
    "guests are slow, and some guest hypervisors refuse to start"

static void nested_paging_that_kvm_lacks_is_a_warning(void **state)
{
    struct scene *scene = on_intel();

    (void)state;
    scene->options.nested_paging_offered = VHV_NO;
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    scene->options.vhv_enable = setting(true, 5, "vhv.enable");
    made(scene);
    assert_false(finding(scene, "hypervisor.vmx:5: vhv.enable" SLOW)->is_error);
    scene->options.nested_paging_offered = VHV_YES;
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);

    scene = on_amd();
    host_bits(scene, 0x8000000a, VHV_EDX, 1, 0);
    ask_as_esxi_5(scene);
    made(scene);
    assert_false(finding(scene, "hypervisor.vmx:2: cpuid.80000001.ecx.amd" SLOW)->is_error);
    scene->options.nested_paging = setting(false, 6, "vhv.nestedPaging");
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hardware_version_takes_away_what_it_does_not_have),
        cmocka_unit_test(hardware_version_is_a_reason_that_masks_override),
        cmocka_unit_test(hardware_version_7_refuses_virtualized_hv_of_the_setting),
        cmocka_unit_test(hardware_version_7_refuses_virtualized_hv_of_masks),
        cmocka_unit_test(hardware_version_7_without_virtualized_hv_is_fine),
        cmocka_unit_test(policy_false_refuses_virtualized_hv_of_the_setting),
        cmocka_unit_test(policy_false_refuses_the_five_masks),
        cmocka_unit_test(policy_false_lets_other_guests_be),
        cmocka_unit_test(policy_true_or_unset_refuses_nothing),
        cmocka_unit_test(policy_false_refuses_what_kvm_shows_unasked),
        cmocka_unit_test(policy_is_no_excuse_for_other_findings),
        cmocka_unit_test(nested_paging_that_kvm_lacks_is_a_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
