/* SPDX-License-Identifier: MIT */
/* Defaults, settings and topology; masks are in test_guest_masks.c. */
#include "guest.h"

#define NOTHING "0000:0000:0000:0000:0000:0000:0000:0000"

static void guest_cpuid_new_defaults_show_no_virtualized_hv(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    made(scene);
    assert_int_equal(bit_of(scene, 0x80000001, VHV_ECX, 2), 0);
    for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++)
        assert_int_equal(reg_of(scene, 0x8000000a, 0, reg), 0);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_chain(scene, 0x80000001, 0, VHV_ECX, 2, "kvm=1 default=0");
    assert_chain(scene, 0x8000000a, 0, VHV_EDX, 0, "kvm=1 default=0");
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);

    scene = on_intel();
    made(scene);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 5), 0);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_chain(scene, 1, 0, VHV_ECX, 5, "kvm=1 default=0");
    assert_contains(chain_of(scene, 1, 0, VHV_ECX, 5).words, "off unless asked for");
    scene_end(scene);
}

static void guest_cpuid_new_nested_paging_false_takes_npt_alone(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_enable.value = VHV_SETTING_TRUE;
    scene->options.nested_paging.value = VHV_SETTING_FALSE;
    made(scene);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_true(vhv_guest_cpuid_hides_nested_paging(scene->guest));
    assert_int_equal(bit_of(scene, 0x8000000a, VHV_EDX, 0), 0);
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EDX),
                     vhv_cpuid_get(scene->host, 0x8000000a, 0, VHV_EDX) & ~1u);
    assert_contains(chain_of(scene, 0x8000000a, 0, VHV_EDX, 0).words, "kept from the guest");
    scene_end(scene);
}

/* Masks that turn virtualized HV on bring its companions as KVM has them: but for this one. */
static void guest_cpuid_new_nested_paging_false_holds_where_masks_turn_vhv_on(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.nested_paging.value = VHV_SETTING_FALSE;
    ask(scene, 1, "cpuid.80000001.ecx.amd", "----:----:----:----:----:----:----:-h--");
    made(scene);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(bit_of(scene, 0x8000000a, VHV_EDX, 0), 0);
    scene_end(scene);
}

static void guest_cpuid_new_other_bits_are_as_kvm_supports_them(void **state)
{
    struct scene *scene = on_intel();

    (void)state;
    made(scene);
    assert_int_equal(reg_of(scene, 1, 0, VHV_ECX), 0xf7fa3223 & ~0x20u);
    assert_int_equal(reg_of(scene, 7, 0, VHV_EBX), 0x27ab);
    assert_int_equal(reg_of(scene, 0x80000001, 0, VHV_EDX), 0x2c100800);
    assert_chain(scene, 7, 0, VHV_EBX, 0, "kvm=1");
    scene_end(scene);
}

static void guest_cpuid_new_null_options_are_the_defaults(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    assert_int_equal(vhv_guest_cpuid_new(&scene->guest, scene->host, NULL), 0);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 21), 0);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 31), 1);
    scene_end(scene);
}

static void guest_cpuid_new_memory_encryption_is_not_shown(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_enable = setting(true, 1, "vhv.enable");
    made(scene);
    assert_int_equal(reg_of(scene, 0x8000001f, 0, VHV_EAX), 0);
    ask(scene, 2, "cpuid.8000001f.eax", "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh");
    made(scene);
    assert_int_equal(reg_of(scene, 0x8000001f, 0, VHV_EAX), 0x1000b);
    scene_end(scene);
}

static void guest_cpuid_new_local_apic_decides_what_rests_on_it(void **state)
{
    static const struct {
        bool kernel_lapic, tsc_deadline, x2apic_shown, deadline_shown;
    } cases[] = {
        {true, true, true, true},
        {true, false, true, false},
        {false, true, false, false},
        {false, false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scene *scene = on_amd(); /* its KVM does not know of TSC_DEADLINE */

        scene->options.kernel_lapic = cases[i].kernel_lapic;
        scene->options.tsc_deadline = cases[i].tsc_deadline;
        made(scene);
        assert_int_equal(bit_of(scene, 1, VHV_ECX, 21), cases[i].x2apic_shown);
        assert_int_equal(bit_of(scene, 1, VHV_ECX, 24), cases[i].deadline_shown);
        assert_int_equal(reg_of(scene, 0x40000001, 0, VHV_EAX),
                         cases[i].kernel_lapic ? 0x01007efb : 0x0100322b);
        scene_end(scene);
    }
}

static void guest_cpuid_new_x2apic_that_kvm_lacks_is_not_shown(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    host_bits(scene, 1, VHV_ECX, 1u << 21, 0);
    made(scene);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 21), 0);
    scene_end(scene);
}

static void guest_cpuid_new_vhv_enable_shows_what_kvm_offers(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_enable = setting(true, 3, "vhv.enable");
    made(scene);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EBX), 8);
    assert_int_equal(reg_of(scene, 0x8000000a, 0, VHV_EDX), 0x29);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 5), 0);
    assert_chain(scene, 0x80000001, 0, VHV_ECX, 2, "kvm=1 default=0 setting=1");
    assert_chain(scene, 0x8000000a, 0, VHV_EDX, 5, "kvm=1 default=0 setting=1");
    assert_contains(chain_of(scene, 0x80000001, 0, VHV_ECX, 2).words,
                    "hypervisor.vmx:3:vhv.enable: virtualized HV is on\n");
    assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
    scene_end(scene);

    scene = on_intel();
    scene->options.vhv_enable = setting(true, 3, "vhv.enable");
    made(scene);
    assert_true(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 5), 1);
    assert_int_equal(bit_of(scene, 0x80000001, VHV_ECX, 2), 0);
    assert_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), 0x8000000a, 0));
    scene_end(scene);
}

static void guest_cpuid_new_vhv_enable_false_is_a_reason_of_its_own(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vhv_enable = setting(false, 3, "vhv.enable");
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_chain(scene, 0x80000001, 0, VHV_ECX, 2, "kvm=1 default=0 setting=0");
    scene_end(scene);
}

static void guest_cpuid_check_vhv_enable_that_kvm_cannot_give_names_why(void **state)
{
    struct scene *scene = on_intel();

    (void)state;
    host_bits(scene, 1, VHV_ECX, 1u << 5, 0);
    scene->options.vhv_enable = setting(true, 3, "vhv.enable");
    scene->options.why_not_nested = "kvm_intel was loaded with nested=0";
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_true(finding(scene, "hypervisor.vmx:3: vhv.enable asks for virtualized HV, but KVM "
                               "offers no VMX on this host: kvm_intel was loaded with nested=0")
                    ->is_error);
    assert_fails(vhv_guest_cpuid_check(scene->guest), EOPNOTSUPP, "hypervisor.vmx:3: vhv.enable");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_CANNOT_NEST);
    assert_chain(scene, 1, 0, VHV_ECX, 5, "kvm=0 default=0 !setting=0");
    scene->options.why_not_nested = NULL;
    scene->options.vhv_enable.origin = (struct vhv_origin){0};
    made(scene);
    finding(scene, "vhv.enable asks for virtualized HV, but KVM offers no VMX on this host");
    scene_end(scene);
}

static void guest_cpuid_new_vhv_enable_on_unknown_vendor_is_an_error(void **state)
{
    struct scene *scene = on_intel();

    (void)state;
    host_bits(scene, 0, VHV_EBX, 0xffffffff, 0x61696156);
    scene->options.vhv_enable = setting(true, 3, "vhv.enable");
    made(scene);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_fails(vhv_guest_cpuid_check(scene->guest), EOPNOTSUPP, "offers no VMX or SVM");
    scene_end(scene);
}

static void guest_cpuid_new_hypervisor_is_shown_though_kvm_does_not_list_it(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    made(scene);
    assert_chain(scene, 1, 0, VHV_ECX, 31, "kvm=0 default=1");
    assert_false(vhv_guest_cpuid_hides_hypervisor(scene->guest));
    scene->options.hypervisor_v0 = setting(true, 4, "hypervisor.cpuid.v0");
    made(scene);
    assert_chain(scene, 1, 0, VHV_ECX, 31, "kvm=0 default=1 setting=1");
    assert_false(vhv_guest_cpuid_hides_hypervisor(scene->guest));
    scene_end(scene);
}

static void guest_cpuid_new_hypervisor_v0_false_hides_bit_and_leaves(void **state)
{
    struct scene *scene = on_amd();
    const struct vhv_cpuid *table;

    (void)state;
    scene->options.hypervisor_v0 = setting(false, 4, "hypervisor.cpuid.v0");
    made(scene);
    table = vhv_guest_cpuid_table(scene->guest);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 31), 0);
    assert_null(vhv_cpuid_find(table, 0x40000000, 0));
    assert_null(vhv_cpuid_find(table, 0x40000001, 0));
    assert_int_equal(vhv_cpuid_count(table), vhv_cpuid_count(scene->host) - 2);
    assert_true(vhv_guest_cpuid_hides_hypervisor(scene->guest));
    assert_chain(scene, 1, 0, VHV_ECX, 31, "kvm=0 default=1 setting=0");
    assert_chain(scene, 0x40000000, 0, VHV_EBX, 0, "kvm=1 setting=0");
    assert_contains(chain_of(scene, 0x40000000, 0, VHV_EBX, 0).words,
                    "hypervisor.vmx:4:hypervisor.cpuid.v0: the hypervisor is hidden");
    scene_end(scene);
}

static void guest_cpuid_new_vcpu_has_its_own_apic_ids(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vcpu_id = 5;
    scene->options.vcpu_count = 6;
    made(scene);
    assert_int_equal(reg_of(scene, 1, 0, VHV_EBX), 0x05060800);
    assert_int_equal(bit_of(scene, 1, VHV_EDX, 28), 1);
    assert_int_equal(reg_of(scene, 0xb, 0, VHV_EDX), 5);
    assert_int_equal(reg_of(scene, 0xb, 1, VHV_EDX), 5);
    assert_int_equal(reg_of(scene, 0x8000001e, 0, VHV_EAX), 5);
    assert_int_equal(reg_of(scene, 0x8000001e, 0, VHV_EBX), 5);
    assert_int_equal(reg_of(scene, 0x8000001e, 0, VHV_ECX), 0);
    assert_chain(scene, 1, 0, VHV_EBX, 24, "kvm=1 vcpu=1");
    scene_end(scene);
}

static void guest_cpuid_new_package_has_as_many_cores_as_vcpus(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vcpu_count = 6;
    made(scene);
    assert_int_equal(reg_of(scene, 0xb, 0, VHV_EAX), 0);
    assert_int_equal(reg_of(scene, 0xb, 0, VHV_EBX), 1);
    assert_int_equal(reg_of(scene, 0xb, 0, VHV_ECX), 0x100);
    assert_int_equal(reg_of(scene, 0xb, 1, VHV_EAX), 3);
    assert_int_equal(reg_of(scene, 0xb, 1, VHV_EBX), 6);
    assert_int_equal(reg_of(scene, 0xb, 1, VHV_ECX), 0x201);
    assert_int_equal(reg_of(scene, 0x80000008, 0, VHV_ECX), 0x3005);
    assert_int_equal(reg_of(scene, 0x8000001d, 0, VHV_EAX), 0x121);
    assert_int_equal(reg_of(scene, 0x8000001d, 1, VHV_EAX), 0x1c163);
    scene_end(scene);

    scene = on_intel();
    scene->options.vcpu_count = 4;
    scene->options.vcpu_id = 3;
    made(scene);
    assert_int_equal(reg_of(scene, 0x4, 0, VHV_EAX), 0x0c000121);
    assert_int_equal(reg_of(scene, 0x4, 1, VHV_EAX), 0x0c000143);
    assert_int_equal(reg_of(scene, 0x4, 2, VHV_EAX), 0x0c00c163);
    assert_int_equal(reg_of(scene, 0x4, 3, VHV_EAX), 0);
    assert_int_equal(reg_of(scene, 0xb, 1, VHV_EAX), 2);
    assert_int_equal(reg_of(scene, 0xb, 1, VHV_EBX), 4);
    assert_int_equal(reg_of(scene, 0xb, 1, VHV_EDX), 3);
    assert_int_equal(reg_of(scene, 0x80000008, 0, VHV_ECX), 0);
    scene_end(scene);
}

static void guest_cpuid_new_one_vcpu_is_no_multiprocessor(void **state)
{
    struct scene *scene = on_intel();

    (void)state;
    made(scene);
    assert_int_equal(reg_of(scene, 1, 0, VHV_EBX), 0x00010800);
    assert_int_equal(bit_of(scene, 1, VHV_EDX, 28), 0);
    assert_int_equal(reg_of(scene, 0xb, 1, VHV_EBX), 1);
    assert_int_equal(reg_of(scene, 0x4, 2, VHV_EAX), 0x00000163);
    scene_end(scene);
}

static void guest_cpuid_new_large_ids_fill_only_their_fields(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vcpu_id = 0x12345;
    scene->options.vcpu_count = UINT32_MAX;
    made(scene);
    assert_int_equal(reg_of(scene, 1, 0, VHV_EBX), 0x45ff0800);
    assert_int_equal(reg_of(scene, 0xb, 1, VHV_EDX), 0x12345);
    assert_int_equal(reg_of(scene, 0x80000008, 0, VHV_ECX), 0xf0ff);
    scene_end(scene);
}

static void guest_cpuid_new_malformed_options_are_refused(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.size = 3;
    assert_fails(vhv_guest_cpuid_new(&scene->guest, scene->host, &scene->options), EINVAL, "size");
    scene->options.size = sizeof(scene->options);
    scene->options.vhv_enable.value = 3;
    assert_fails(vhv_guest_cpuid_new(&scene->guest, scene->host, &scene->options), EINVAL,
                 "vhv_enable.value is 3");
    scene->options.vhv_enable.value = VHV_SETTING_UNSET;
    ask(scene, 1, "cpuid.1.ecx", NOTHING);
    scene->requests[0].mask.op[7] = VHV_MASK_INSTALL + 1;
    assert_fails(vhv_guest_cpuid_new(&scene->guest, scene->host, &scene->options), EINVAL,
                 "requests[0].mask.op[7]");
    scene->requests[0].key.reg = VHV_EDX + 1;
    assert_fails(vhv_guest_cpuid_new(&scene->guest, scene->host, &scene->options), EINVAL,
                 "requests[0].key");
    scene->options.requests = NULL;
    assert_fails(vhv_guest_cpuid_new(&scene->guest, scene->host, &scene->options), EINVAL,
                 "requests is NULL");
    assert_null(scene->guest);
    scene_end(scene);
}

static void guest_cpuid_new_origins_outlive_what_they_were_copied_from(void **state)
{
    struct scene *scene = on_amd();
    char file[] = "hypervisor.vmx", key[] = "vhv.enable";

    (void)state;
    scene->options.vhv_enable = (struct vhv_cpuid_setting){VHV_SETTING_TRUE, {file, 3, key}};
    made(scene);
    memset(file, 'z', sizeof(file) - 1);
    memset(key, 'z', sizeof(key) - 1);
    assert_contains(chain_of(scene, 0x80000001, 0, VHV_ECX, 2).words,
                    "hypervisor.vmx:3:vhv.enable: ");
    scene_end(scene);
}

static void guest_cpuid_new_empty_host_gives_empty_guest(void **state)
{
    struct scene *scene = scene_on(NULL, 0);

    (void)state;
    made(scene);
    assert_int_equal(vhv_cpuid_count(vhv_guest_cpuid_table(scene->guest)), 0);
    assert_false(vhv_guest_cpuid_hides_hypervisor(scene->guest));
    scene_end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guest_cpuid_new_defaults_show_no_virtualized_hv),
        cmocka_unit_test(guest_cpuid_new_nested_paging_false_takes_npt_alone),
        cmocka_unit_test(guest_cpuid_new_nested_paging_false_holds_where_masks_turn_vhv_on),
        cmocka_unit_test(guest_cpuid_new_other_bits_are_as_kvm_supports_them),
        cmocka_unit_test(guest_cpuid_new_null_options_are_the_defaults),
        cmocka_unit_test(guest_cpuid_new_memory_encryption_is_not_shown),
        cmocka_unit_test(guest_cpuid_new_local_apic_decides_what_rests_on_it),
        cmocka_unit_test(guest_cpuid_new_x2apic_that_kvm_lacks_is_not_shown),
        cmocka_unit_test(guest_cpuid_new_vhv_enable_shows_what_kvm_offers),
        cmocka_unit_test(guest_cpuid_new_vhv_enable_false_is_a_reason_of_its_own),
        cmocka_unit_test(guest_cpuid_check_vhv_enable_that_kvm_cannot_give_names_why),
        cmocka_unit_test(guest_cpuid_new_vhv_enable_on_unknown_vendor_is_an_error),
        cmocka_unit_test(guest_cpuid_new_hypervisor_is_shown_though_kvm_does_not_list_it),
        cmocka_unit_test(guest_cpuid_new_hypervisor_v0_false_hides_bit_and_leaves),
        cmocka_unit_test(guest_cpuid_new_vcpu_has_its_own_apic_ids),
        cmocka_unit_test(guest_cpuid_new_package_has_as_many_cores_as_vcpus),
        cmocka_unit_test(guest_cpuid_new_one_vcpu_is_no_multiprocessor),
        cmocka_unit_test(guest_cpuid_new_large_ids_fill_only_their_fields),
        cmocka_unit_test(guest_cpuid_new_malformed_options_are_refused),
        cmocka_unit_test(guest_cpuid_new_origins_outlive_what_they_were_copied_from),
        cmocka_unit_test(guest_cpuid_new_empty_host_gives_empty_guest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
