/* SPDX-License-Identifier: MIT */
/* Virtualized HV turned on and off by masks, and the mask lines that are public. */
#include "guest.h"

static void vhv_five_masks_of_esxi_5_turn_it_on(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_as_esxi_5(scene);
    made(scene);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EAX), 1);
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EBX), 8);
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EDX), 0x29);
    assert_chain(scene, 0x80000001, 0, VHV_ECX, 2, "kvm=1 default=0 mask:h=1");
    assert_chain(scene, 0x8000000a, 0, VHV_EDX, 0, "kvm=1 default=0 mask:h=1 mask:h=1");
    assert_contains(chain_of(scene, 0x8000000a, 0, VHV_EDX, 0).words,
                    "hypervisor.vmx:2:cpuid.80000001.ecx.amd: virtualized HV is on by this mask\n"
                    "hypervisor.vmx:5:cpuid.8000000a.edx.amd: the mask takes what KVM can give");
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);

    scene = on_intel();
    ask_as_esxi_5(scene);
    made(scene);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 5), 1);
    assert_int_equal(bit_of(scene, 0x80000001, VHV_ECX, 2), 0);
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);
}

static void vhv_mask_on_the_bit_alone_brings_the_leaf(void **state)
{
    static const char ops[] = "1ht";

    (void)state;
    for (const char *op = ops; *op; op++) {
        struct scene *scene = on_amd();

        ask_bit(scene, 1, "cpuid.80000001.ecx", 2, *op);
        ask_bit(scene, 2, "cpuid.8000000a.edx", 3, '0');
        made(scene);
        assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
        assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EBX), 8);
        assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EDX), 0x21);
        scene_end(scene);
    }
}

static void vhv_masks_on_the_leaf_alone_do_not_turn_it_on(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.8000000a.edx", 0, 'h');
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EDX), 1);
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EBX), 0);
    scene_end(scene);
}

static void vhv_mask_hiding_the_bit_turns_vhv_enable_off(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_enable = setting(true, 3, "vhv.enable");
    ask_bit(scene, 4, "cpuid.80000001.ecx", 2, '0');
    ask_bit(scene, 5, "cpuid.8000000a.edx", 0, '1');
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EBX), 0);
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EDX), 1);
    assert_chain(scene, 0x80000001, 0, VHV_ECX, 2, "kvm=1 default=0 setting=1 mask:0=0");
    assert_chain(scene, 0x8000000a, 0, VHV_EDX, 3, "kvm=1 default=0 setting=1 mask:0=0");
    assert_contains(chain_of(scene, 0x8000000a, 0, VHV_EDX, 3).words,
                    "hypervisor.vmx:4:cpuid.80000001.ecx: virtualized HV is off by this mask\n");
    assert_false(finding(scene, "hypervisor.vmx:4: cpuid.80000001.ecx bit 2 (SVM) is hidden, which "
                                "turns off the virtualized HV that vhv.enable asks for")
                     ->is_error);
    scene_end(scene);
}

static void vhv_masks_that_agree_with_vhv_enable_add_nothing(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_enable = setting(true, 6, "vhv.enable");
    ask_bit(scene, 1, "cpuid.80000001.ecx", 2, 'h');
    made(scene);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_chain(scene, 0x8000000a, 0, VHV_EDX, 0, "kvm=1 default=0 setting=1");
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);
}

static void vhv_mask_wins_over_vhv_enable_false(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_enable = setting(false, 3, "vhv.enable");
    ask_as_esxi_5(scene);
    made(scene);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EDX), 0x29);
    scene_end(scene);
}

static void vhv_specific_mask_decides_whether_it_is_on(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.80000001.ecx.amd", 2, '0');
    ask_bit(scene, 2, "cpuid.80000001.ecx", 2, 'h');
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EBX), 0);
    scene_end(scene);
}

static void vhv_host_mask_that_kvm_cannot_serve_is_a_warning(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    host_bits(scene, 0x80000001, VHV_ECX, 1u << 2, 0);
    host_bits(scene, 0x8000000a, VHV_EDX, 0x29, 0);
    scene->options.why_not_nested = "kvm_amd was loaded with nested=0";
    ask_as_esxi_5(scene);
    ask_bit(scene, 6, "cpuid.8000000a.edx.amd", 0, 't');
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_false(finding(scene, "hypervisor.vmx:2: cpuid.80000001.ecx.amd bit 2 (SVM) asks for "
                                "virtualized HV, but KVM offers 0: kvm_amd was loaded with "
                                "nested=0")
                     ->is_error);
    finding(scene, "hypervisor.vmx:6: cpuid.8000000a.edx.amd bit 0 (NPT) must be 1 on this host, "
                   "but KVM offers 0: kvm_amd was loaded with nested=0");
    assert_int_equal(finding_count(scene), 2);
    scene_end(scene);
}

static void vhv_forced_where_kvm_has_none_is_shown_with_warning(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    host_bits(scene, 0x80000001, VHV_ECX, 1u << 2, 0);
    scene->options.why_not_nested = "this backend has no nesting";
    ask_bit(scene, 1, "cpuid.80000001.ecx", 2, '1');
    made(scene);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_false(finding(scene, "hypervisor.vmx:1: cpuid.80000001.ecx bit 2 (SVM) is shown, but "
                                "KVM cannot run it: this backend has no nesting")
                     ->is_error);
    scene_end(scene);
}

/* Lines found in public .vmx files. */
struct line {
    const char *key;
    const char *mask;
};

static void mask_lines_that_are_public_have_their_effect(void **state)
{
    static const struct line lines[] = {
        {"cpuid.7.edx", "----:00--:----:----:----:----:----:----"},
        {"cpuid.80000001.edx", "---- ---- ---H ---- ---- ---- ---- ----"},
        {"cpuid.0.eax", "0000:0000:0000:0000:0000:0000:0000:1011"},
        {"cpuid.0.ebx", "0111:0101:0110:1110:0110:0101:0100:0111"},
        {"cpuid.0.ecx", "0110:1100:0110:0101:0111:0100:0110:1110"},
        {"cpuid.0.edx", "0100:1001:0110:0101:0110:1110:0110:1001"},
        {"cpuid.1.eax", "0000:0000:0000:0001:0000:0110:0111:0001"},
        {"cpuid.1.edx", "0000:0111:1000:1011:1111:1011:1111:1111"},
        {"cpuid.80000002.0.eax", "0110:0101:0111:0100:0110:1110:0100:1001"},
        {"cpuid.6.eax", "00000000000000000000000000000000"},
        {"cpuid.1.ecx", "----:----:----:----:----:----:--0-:----"},
        {"cpuid.1.ebx", "0000:0010:0000:0001:0000:1000:0000:0000"},
    };
    struct scene *scene = on_amd();

    (void)state;
    host_bits(scene, 7, VHV_EDX, 0, 0x0c000000);
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        ask(scene, i + 1, lines[i].key, lines[i].mask);
    made(scene);
    assert_int_equal(reg_of(scene, 7, 0, VHV_EDX), 0);
    assert_int_equal(reg_of(scene, 0x80000001, 0, VHV_EDX), 0x2fd3fbff);
    assert_int_equal(reg_of(scene, 0, 0, VHV_EAX), 0xb);
    assert_int_equal(reg_of(scene, 0, 0, VHV_EBX), 0x756e6547);
    assert_int_equal(reg_of(scene, 0, 0, VHV_ECX), 0x6c65746e);
    assert_int_equal(reg_of(scene, 0, 0, VHV_EDX), 0x49656e69);
    assert_int_equal(reg_of(scene, 1, 0, VHV_EAX), 0x10671);
    assert_int_equal(reg_of(scene, 1, 0, VHV_EDX), 0x078bfbff);
    assert_int_equal(reg_of(scene, 0x80000002, 0, VHV_EAX), 0x65746e49);
    assert_non_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), 6, 0));
    assert_int_equal(reg_of(scene, 1, 0, VHV_EBX), 0x00010800);
    assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
    scene_end(scene);
}

static void mask_lines_that_are_wrong_are_refused(void **state)
{
    static const struct line lines[] = {
        {"cpuid.1.ecx", "”—-:—-:—-:—-:—-:—-:–h-:—-”"},
        {"cpuid.1.ecx", "\\----:\\----:\\----:\\----:\\----:\\----:\\--h-:\\----"},
        {"cpuid.2147483650.eax", "0000:0000:0000:0000:0000:0000:0000:0000"},
        {"cpuid.1.ecx", "----:----:----:----:----:----:--h-"},
        {"cpuid.1.ecx", "0x80000000"},
        {"cpuid.1.efx", "----:----:----:----:----:----:--h-:----"},
        {"cpuid.1.ecx.via", "----:----:----:----:----:----:--h-:----"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct vhv_mask_key key;
        struct vhv_mask mask;
        int of_key = vhv_mask_key_parse(&key, lines[i].key);
        int of_mask = vhv_mask_parse(&mask, lines[i].mask);

        assert_int_equal(of_key + of_mask, -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vhv_five_masks_of_esxi_5_turn_it_on),
        cmocka_unit_test(vhv_mask_on_the_bit_alone_brings_the_leaf),
        cmocka_unit_test(vhv_masks_on_the_leaf_alone_do_not_turn_it_on),
        cmocka_unit_test(vhv_mask_hiding_the_bit_turns_vhv_enable_off),
        cmocka_unit_test(vhv_masks_that_agree_with_vhv_enable_add_nothing),
        cmocka_unit_test(vhv_mask_wins_over_vhv_enable_false),
        cmocka_unit_test(vhv_specific_mask_decides_whether_it_is_on),
        cmocka_unit_test(vhv_host_mask_that_kvm_cannot_serve_is_a_warning),
        cmocka_unit_test(vhv_forced_where_kvm_has_none_is_shown_with_warning),
        cmocka_unit_test(mask_lines_that_are_public_have_their_effect),
        cmocka_unit_test(mask_lines_that_are_wrong_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
