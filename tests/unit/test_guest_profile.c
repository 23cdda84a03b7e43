/* SPDX-License-Identifier: MIT */
/* What guestOS brings with it. */
#include "cpuid/profiles.h"

#include "guest.h"

static struct scene *of_guest_os(struct scene *scene, const char *guest_os)
{
    scene->options.guest_os =
        (struct vhv_cpuid_text){.value = guest_os, .origin = {"hypervisor.vmx", 2, "guestOS"}};
    return scene;
}

/* A guest of hardware version 8. */
static struct scene *version_8(struct scene *scene, const char *guest_os)
{
    scene->options.hardware_version =
        (struct vhv_cpuid_number){.value = 8, .origin = {"hypervisor.vmx", 1, "virtualHW.version"}};
    return of_guest_os(scene, guest_os);
}

static void profile_vmkernel_of_hardware_version_8_has_virtualized_hv(void **state)
{
    static const char *const names[] = {"vmkernel",   "vmkernel5", "VMkernel5", "vmkernel6",
                                        "vmkernel65", "vmkernel7", "vmkernel8", "vmkernel9"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct scene *scene = version_8(on_amd(), names[i]);

        made(scene);
        assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
        assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EDX), 0x29);
        assert_false(vhv_guest_cpuid_hides_hypervisor(scene->guest));
        assert_int_equal(finding_count(scene), 0);
        scene_end(scene);
    }
}

static void profile_is_a_reason_that_names_itself(void **state)
{
    struct scene *scene = version_8(on_amd(), "vmkernel5");

    (void)state;
    made(scene);
    assert_chain(scene, 0x80000001, 0, VHV_ECX, 2, "kvm=1 default=0 profile=1");
    assert_chain(scene, 0x8000000a, 0, VHV_EDX, 0, "kvm=1 default=0 profile=1");
    assert_contains(chain_of(scene, 0x80000001, 0, VHV_ECX, 2).words,
                    "hypervisor.vmx:2:guestOS: the profile vmkernel5 (VMware ESXi 5) has "
                    "virtualized HV on\n");
    scene_end(scene);
}

static void profile_vmkernel_of_other_hardware_versions_is_as_any_guest(void **state)
{
    static const uint32_t versions[] = {0, 7, 9, 10, 22};

    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        struct scene *scene = version_8(on_intel(), "vmkernel6");

        scene->options.hardware_version.value = versions[i];
        made(scene);
        assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
        assert_int_equal(finding_count(scene), 0);
        scene_end(scene);
    }
}

static void profile_comes_before_vhv_enable_and_masks(void **state)
{
    struct scene *scene = version_8(on_amd(), "vmkernel5");

    (void)state;
    scene->options.vhv_enable = setting(false, 3, "vhv.enable");
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EDX), 0);
    assert_chain(scene, 0x80000001, 0, VHV_ECX, 2, "kvm=1 default=0 profile=1 setting=0");
    scene->options.vhv_enable.value = VHV_SETTING_UNSET;
    ask_bit(scene, 4, "cpuid.80000001.ecx", 2, '0');
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_chain(scene, 0x8000000a, 0, VHV_EDX, 0, "kvm=1 default=0 profile=1 mask:0=0");
    finding(scene,
            "hypervisor.vmx:4: cpuid.80000001.ecx bit 2 (SVM) is hidden, which turns off the "
            "virtualized HV that guestOS asks for");
    scene_end(scene);
}

static void profile_does_without_virtualized_hv_where_the_policy_forbids_it(void **state)
{
    struct scene *scene = version_8(on_amd(), "vmkernel5");

    (void)state;
    scene->options.vhv_allow = setting(false, 1, "vhv.allow");
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(finding_count(scene), 0);
    assert_chain(scene, 0x80000001, 0, VHV_ECX, 2, "kvm=1 default=0 !profile=0");
    assert_contains(chain_of(scene, 0x80000001, 0, VHV_ECX, 2).words,
                    "guestOS: the profile vmkernel5 (VMware ESXi 5) would have virtualized HV on, "
                    "but the host's policy does not allow it\n");
    scene->options.vhv_enable = setting(true, 3, "vhv.enable");
    made(scene);
    assert_fails(vhv_guest_cpuid_check(scene->guest), EPERM, "asked for by hypervisor.vmx:3");
    scene_end(scene);
}

static void profile_warns_where_kvm_cannot_nest(void **state)
{
    struct scene *scene = version_8(on_intel(), "vmkernel5");

    (void)state;
    host_bits(scene, 1, VHV_ECX, 1u << 5, 0);
    scene->options.why_not_nested = "kvm_intel was loaded with nested=0";
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_false(finding(scene, "hypervisor.vmx:2: guestOS asks for virtualized HV, but KVM offers "
                                "no VMX on this host: kvm_intel was loaded with nested=0")
                     ->is_error);
    assert_chain(scene, 1, 0, VHV_ECX, 5, "kvm=0 default=0 !profile=0");
    scene->options.vhv_enable = setting(false, 3, "vhv.enable");
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);
}

static void profile_of_hyper_v_hides_the_hypervisor(void **state)
{
    static const char *const names[] = {"winhyperv", "winHyperV", "windowsHyperV"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct scene *scene = of_guest_os(on_amd(), names[i]);

        made(scene);
        assert_int_equal(bit_of(scene, 1, VHV_ECX, 31), 0);
        assert_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), 0x40000000, 0));
        assert_true(vhv_guest_cpuid_hides_hypervisor(scene->guest));
        assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
        assert_chain(scene, 1, 0, VHV_ECX, 31, "kvm=0 default=1 profile=0");
        assert_chain(scene, 0x40000000, 0, VHV_EBX, 0, "kvm=1 profile=0");
        assert_contains(chain_of(scene, 1, 0, VHV_ECX, 31).words, "(Microsoft Hyper-V) hides the");
        scene_end(scene);
    }
}

static void profile_of_hyper_v_heeds_hypervisor_v0(void **state)
{
    struct scene *scene = of_guest_os(on_amd(), "winhyperv");

    (void)state;
    scene->options.hypervisor_v0 = setting(true, 3, "hypervisor.cpuid.v0");
    made(scene);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 31), 1);
    assert_non_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), 0x40000000, 0));
    assert_false(vhv_guest_cpuid_hides_hypervisor(scene->guest));
    scene->options.hypervisor_v0.value = VHV_SETTING_FALSE;
    made(scene);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 31), 0);
    assert_chain(scene, 1, 0, VHV_ECX, 31, "kvm=0 default=1 setting=0");
    scene_end(scene);
}

static void profile_without_a_say_changes_nothing(void **state)
{
    static const char *const names[] = {"windows9srv-64",
                                        "windows2019srv-64",
                                        "otherlinux-64",
                                        "other-64",
                                        "kvm",
                                        "xen",
                                        "ubuntu-64",
                                        "templeos",
                                        ""};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct scene *scene = version_8(on_amd(), names[i]);

        made(scene);
        assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
        assert_false(vhv_guest_cpuid_hides_hypervisor(scene->guest));
        assert_int_equal(bit_of(scene, 1, VHV_ECX, 31), 1);
        scene_end(scene);
    }
}

static void profile_read_back_otherwise_is_an_error(void **state)
{
    struct scene *scene = of_guest_os(on_amd(), "winhyperv");
    struct vhv_cpuid_entry entry;
    struct vhv_cpuid *effective;

    (void)state;
    made(scene);
    assert_int_equal(vhv_cpuid_copy(&effective, vhv_guest_cpuid_table(scene->guest)), 0);
    entry = *vhv_cpuid_find(effective, 1, 0);
    entry.reg[VHV_ECX] |= 1u << 31;
    assert_int_equal(vhv_cpuid_set(effective, &entry), 0);
    assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, effective), 1);
    assert_fails(vhv_guest_cpuid_check(scene->guest), EOPNOTSUPP,
                 "hypervisor.vmx:2: guestOS bit 31");
    vhv_cpuid_free(effective);
    scene_end(scene);
}

static void profile_find_takes_whole_names_and_families(void **state)
{
    (void)state;
    assert_non_null(vhv_profile_find("windows2022srvNext-64"));
    assert_non_null(vhv_profile_find("debian12-64"));
    assert_non_null(vhv_profile_find("other"));
    assert_non_null(vhv_profile_find("otherlinux-64"));
    assert_non_null(vhv_profile_find("XEN"));
    assert_null(vhv_profile_find("xenial"));
    assert_null(vhv_profile_find("vmkernel10"));
    assert_null(vhv_profile_find("vmkerne"));
    assert_null(vhv_profile_find("kvm-64"));
    assert_null(vhv_profile_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_vmkernel_of_hardware_version_8_has_virtualized_hv),
        cmocka_unit_test(profile_is_a_reason_that_names_itself),
        cmocka_unit_test(profile_vmkernel_of_other_hardware_versions_is_as_any_guest),
        cmocka_unit_test(profile_comes_before_vhv_enable_and_masks),
        cmocka_unit_test(profile_does_without_virtualized_hv_where_the_policy_forbids_it),
        cmocka_unit_test(profile_warns_where_kvm_cannot_nest),
        cmocka_unit_test(profile_of_hyper_v_hides_the_hypervisor),
        cmocka_unit_test(profile_of_hyper_v_heeds_hypervisor_v0),
        cmocka_unit_test(profile_without_a_say_changes_nothing),
        cmocka_unit_test(profile_read_back_otherwise_is_an_error),
        cmocka_unit_test(profile_find_takes_whole_names_and_families),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
