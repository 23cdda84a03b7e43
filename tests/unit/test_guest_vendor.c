/* SPDX-License-Identifier: MIT */
/* hypervisor.cpuid.vendor: whose leaves the guest finds. */
#include "guest.h"

static void choose(struct scene *scene, const char *name)
{
    scene->options.hypervisor_vendor = (struct vhv_cpuid_text){
        .value = name, .origin = {"hypervisor.vmx", 6, "hypervisor.cpuid.vendor"}};
    scene->options.tsc_khz = 2400000;
    scene->options.apic_bus_khz = 1000000;
    made(scene);
}

/* EBX, ECX and EDX of the first leaf. */
static const char *signature_of(const struct scene *scene)
{
    static char text[13];

    for (int i = 0; i < 3; i++) {
        uint32_t value = reg_of(scene, 0x40000000, 0, (enum vhv_cpuid_reg)(VHV_EBX + i));

        memcpy(text + 4 * i, &value, 4);
    }
    return text;
}

static void vendor_unset_or_kvm_leaves_kvms_leaves(void **state)
{
    static const char *const names[] = {NULL, "KVM", "kvm"};
    struct scene *scene = on_amd();

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        choose(scene, names[i]);
        assert_string_equal(signature_of(scene), "KVMKVMKVM");
        assert_int_equal(reg_of(scene, 0x40000001, 0, VHV_EAX), 0x01007efb);
        assert_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), 0x40000010, 0));
        assert_chain(scene, 0x40000000, 0, VHV_EBX, 0, "kvm=1");
    }
    scene_end(scene);
}

static void assert_vmwares(struct scene *scene)
{
    choose(scene, "vmware");
    assert_string_equal(signature_of(scene), "VMwareVMware");
    assert_int_equal(reg_of(scene, 0x40000000, 0, VHV_EAX), 0x40000010);
    assert_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), 0x40000001, 0));
    assert_int_equal(reg_of(scene, 0x40000010, 0, VHV_EAX), 2400000);
    assert_int_equal(reg_of(scene, 0x40000010, 0, VHV_EBX), 1000000);
    assert_int_equal(reg_of(scene, 0x40000010, 0, VHV_ECX), 0);
    assert_int_equal(reg_of(scene, 0x40000010, 0, VHV_EDX), 0);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 31), 1);
    assert_int_equal(finding_count(scene), 0);
}

static void vendor_vmware_has_its_two_leaves_alone(void **state)
{
    struct scene *amd = on_amd(), *intel = on_intel();

    (void)state;
    assert_vmwares(amd);
    assert_vmwares(intel);
    vhv_cpuid_remove(intel->host, 0x40000000, 0);
    vhv_cpuid_remove(intel->host, 0x40000001, 0);
    assert_vmwares(intel);
    scene_end(amd);
    scene_end(intel);
}

static void vendor_vmware_has_its_reason(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    choose(scene, "VMware");
    assert_chain(scene, 0x40000010, 0, VHV_EBX, 9, "kvm=0 setting=1");
    assert_contains(chain_of(scene, 0x40000010, 0, VHV_EBX, 9).words,
                    "hypervisor.vmx:6:hypervisor.cpuid.vendor: the hypervisor shows itself as "
                    "VMware's");
    assert_chain(scene, 0x40000001, 0, VHV_EAX, 0, "kvm=1 setting=0");
    assert_contains(chain_of(scene, 0x40000001, 0, VHV_EAX, 0).words, "make way");
    scene_end(scene);
}

static void vendor_of_a_hidden_hypervisor_has_no_effect_and_is_told(void **state)
{
    struct scene *scene = on_intel();

    (void)state;
    scene->options.hypervisor_v0 = setting(false, 2, "hypervisor.cpuid.v0");
    choose(scene, "VMware");
    assert_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), 0x40000000, 0));
    assert_false(finding(scene, "hypervisor.vmx:6: hypervisor.cpuid.vendor has no effect: the "
                                "hypervisor is hidden")
                     ->is_error);
    scene_end(scene);
}

static void vendor_gives_way_to_a_mask(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 9, "cpuid.40000010.eax", 0, '1');
    choose(scene, "VMware");
    assert_int_equal(reg_of(scene, 0x40000010, 0, VHV_EAX), 2400001);
    scene_end(scene);
}

static void vendor_of_another_name_is_refused(void **state)
{
    static const char *const names[] = {"", "Xen", "VMwar", "VMware ", "KVMKVMKVM"};
    struct scene *scene = on_amd();

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        scene->options.hypervisor_vendor.value = names[i];
        assert_fails(vhv_guest_cpuid_new(&scene->guest, scene->host, &scene->options), EINVAL,
                     "neither KVM nor VMware");
    }
    scene_end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vendor_unset_or_kvm_leaves_kvms_leaves),
        cmocka_unit_test(vendor_vmware_has_its_two_leaves_alone),
        cmocka_unit_test(vendor_vmware_has_its_reason),
        cmocka_unit_test(vendor_of_a_hidden_hypervisor_has_no_effect_and_is_told),
        cmocka_unit_test(vendor_gives_way_to_a_mask),
        cmocka_unit_test(vendor_of_another_name_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
