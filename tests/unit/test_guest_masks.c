/* SPDX-License-Identifier: MIT */
/* What masks make of a guest's table. Virtualized HV by masks is in test_guest_vhv_masks.c. */
#include "guest.h"

static void mask_each_op_gives_its_value(void **state)
{
    /* Bits 0 (SSE3) and 2 (DTES64, which KVM lacks) of leaf 1's ECX. */
    static const struct {
        char op;
        unsigned offered, lacking;
    } cases[] = {
        {'-', 1, 0}, {'0', 0, 0}, {'1', 1, 1}, {'h', 1, 0}, {'r', 0, 0},
        {'t', 1, 1}, {'f', 0, 0}, {'x', 1, 0}, {'i', 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scene *scene = on_amd();

        ask_bit(scene, 1, "cpuid.1.ecx", 0, cases[i].op);
        ask_bit(scene, 2, "cpuid.1.ecx.amd", 2, cases[i].op);
        made(scene);
        assert_int_equal(bit_of(scene, 1, VHV_ECX, 0), cases[i].offered);
        assert_int_equal(bit_of(scene, 1, VHV_ECX, 2), cases[i].lacking);
        assert_int_equal(bit_of(scene, 1, VHV_ECX, 1), 1);
        scene_end(scene);
    }
}

static void mask_is_a_reason_with_its_op_and_origin(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 7, "CPUID.7.EBX", 5, '0');
    ask_bit(scene, 8, "cpuid.7.ecx", 2, 'x');
    ask_bit(scene, 9, "cpuid.7.edx", 2, 'i');
    made(scene);
    assert_chain(scene, 7, 0, VHV_EBX, 5, "kvm=1 mask:0=0");
    assert_contains(chain_of(scene, 7, 0, VHV_EBX, 5).words,
                    "hypervisor.vmx:7:CPUID.7.EBX: the mask hides it");
    assert_chain(scene, 7, 0, VHV_EBX, 7, "kvm=1");
    assert_chain(scene, 7, 0, VHV_ECX, 2, "kvm=1 mask:x=1");
    assert_chain(scene, 7, 0, VHV_EDX, 2, "kvm=0 !mask:i=0");
    scene_end(scene);
}

static void mask_most_specific_key_wins_bit_by_bit(void **state)
{
    static const char *const keys[] = {"cpuid.7.ebx", "cpuid.7.0.ebx", "cpuid.7.ebx.amd",
                                       "cpuid.7.0.ebx.amd"};

    (void)state;
    for (size_t weak = 0; weak < 4; weak++) {
        for (size_t strong = weak + 1; strong < 4; strong++) {
            struct scene *scene = on_amd();

            /* The order of the lines does not matter. */
            ask_bit(scene, 1, keys[strong], 0, '0');
            ask(scene, 2, keys[weak], "------------------------------01");
            made(scene);
            assert_int_equal(bit_of(scene, 7, VHV_EBX, 0), 0);
            assert_int_equal(bit_of(scene, 7, VHV_EBX, 1), 0);
            assert_chain(scene, 7, 0, VHV_EBX, 0, "kvm=1 !mask:1=1 mask:0=0");
            scene_end(scene);
        }
    }
}

static void mask_overridden_one_names_the_one_that_wins(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.7.0.ebx.amd", 0, '0');
    ask_bit(scene, 2, "cpuid.7.ebx", 0, '1');
    ask_bit(scene, 3, "cpuid.7.0.ebx", 0, 'h');
    made(scene);
    assert_chain(scene, 7, 0, VHV_EBX, 0, "kvm=1 !mask:1=1 !mask:h=1 mask:0=0");
    assert_contains(chain_of(scene, 7, 0, VHV_EBX, 0).words,
                    "hypervisor.vmx:2:cpuid.7.ebx: overridden by hypervisor.vmx:1: "
                    "cpuid.7.0.ebx.amd\n");
    scene_end(scene);

    scene = on_amd();
    ask(scene, 1, "cpuid.7.ebx", "------------------------------00");
    ask_bit(scene, 2, "cpuid.7.ebx.amd", 0, '1');
    ask_bit(scene, 3, "cpuid.7.0.ebx", 1, '1');
    made(scene);
    assert_contains(chain_of(scene, 7, 0, VHV_EBX, 0).words, "overridden by hypervisor.vmx:2: ");
    assert_contains(chain_of(scene, 7, 0, VHV_EBX, 1).words, "overridden by hypervisor.vmx:3: ");
    scene_end(scene);
}

static void mask_dash_in_specific_key_lets_the_other_through(void **state)
{
    static const char passes[] = "-xi";

    (void)state;
    for (const char *pass = passes; *pass; pass++) {
        struct scene *scene = on_amd();

        ask_bit(scene, 1, "cpuid.7.0.ebx.amd", 0, *pass);
        ask_bit(scene, 2, "cpuid.7.ebx", 0, '0');
        made(scene);
        assert_int_equal(bit_of(scene, 7, VHV_EBX, 0), 0);
        scene_end(scene);
    }
}

static void mask_of_same_key_later_one_wins(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask(scene, 1, "cpuid.7.ebx", "------------------------------00");
    ask_bit(scene, 2, "cpuid.7.ebx", 0, '1');
    made(scene);
    assert_int_equal(bit_of(scene, 7, VHV_EBX, 0), 1);
    assert_chain(scene, 7, 0, VHV_EBX, 0, "kvm=1 !mask:0=1 mask:1=1");
    assert_chain(scene, 7, 0, VHV_EBX, 1, "kvm=0 mask:0=0");
    scene_end(scene);
}

static void mask_of_other_vendor_is_not_applied_and_says_so(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.7.ebx.intel", 0, '0');
    made(scene);
    assert_chain(scene, 7, 0, VHV_EBX, 0, "kvm=1 !mask:0=1");
    assert_contains(chain_of(scene, 7, 0, VHV_EBX, 0).words, "Intel processor only");
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);

    scene = on_intel();
    ask_bit(scene, 1, "cpuid.7.ebx.intel", 0, '0');
    ask_bit(scene, 2, "cpuid.7.ebx.amd", 0, '1');
    made(scene);
    assert_chain(scene, 7, 0, VHV_EBX, 0, "kvm=1 mask:0=0 !mask:1=0");
    scene_end(scene);
}

static void mask_without_subleaf_reaches_subleaf_0_alone(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask(scene, 1, "cpuid.d.eax", "00000000000000000000000000000000");
    made(scene);
    assert_int_equal(reg_of(scene, 0xd, 0, VHV_EAX), 0);
    assert_int_equal(reg_of(scene, 0xd, 1, VHV_EAX), 0xf);
    assert_chain(scene, 0xd, 1, VHV_EAX, 0, "kvm=1");
    scene_end(scene);
}

static void mask_on_absent_leaf_adds_an_entry(void **state)
{
    struct scene *scene = on_amd();
    const struct vhv_cpuid *table;

    (void)state;
    ask(scene, 1, "cpuid.6.eax", "00000000000000000000000000000000");
    ask_bit(scene, 2, "cpuid.14.ebx", 1, '1');
    ask_bit(scene, 3, "cpuid.d.5.eax", 1, '1');
    made(scene);
    table = vhv_guest_cpuid_table(scene->guest);
    assert_non_null(vhv_cpuid_find(table, 6, 0));
    assert_false(vhv_cpuid_find(table, 6, 0)->has_subleaf);
    assert_true(vhv_cpuid_find(table, 0x14, 0)->has_subleaf);
    assert_true(vhv_cpuid_find(table, 0xd, 5)->has_subleaf);
    assert_int_equal(reg_of(scene, 0xd, 5, VHV_EAX), 2);
    assert_int_equal(reg_of(scene, 0xd, 2, VHV_EAX), 0x100);
    assert_chain(scene, 0xd, 5, VHV_EAX, 1, "kvm=0 mask:1=1");
    scene_end(scene);
}

static void mask_that_asks_for_nothing_adds_no_entry(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask(scene, 1, "cpuid.6.eax", "-------------------------------x");
    ask_bit(scene, 2, "cpuid.6.eax.intel", 0, '1');
    made(scene);
    assert_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), 6, 0));
    scene_end(scene);
}

static void mask_of_absent_leaf_with_and_without_subleaf_keeps_both(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.8000ffff.1.eax", 1, '1');
    ask_bit(scene, 2, "cpuid.8000ffff.eax", 0, '1');
    made(scene);
    assert_int_equal(reg_of(scene, 0x8000ffff, 0, VHV_EAX), 1);
    assert_int_equal(reg_of(scene, 0x8000ffff, 1, VHV_EAX), 2);
    scene_end(scene);
}

static void mask_subleaf_of_leaf_without_subleaves_is_a_finding(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.80000002.0.eax", 0, '1');
    ask_bit(scene, 2, "cpuid.80000002.1.eax", 1, '1');
    made(scene);
    assert_int_equal(reg_of(scene, 0x80000002, 0, VHV_EAX), 0x20444d41);
    assert_false(finding(scene, "hypervisor.vmx:2: cpuid.80000002.1.eax is not applied: the leaf "
                                "has no subleaves on this host")
                     ->is_error);
    assert_chain(scene, 0x80000002, 1, VHV_EAX, 1, "kvm=0 !mask:1=0");
    assert_chain(scene, 0x80000002, 3, VHV_EAX, 0, "kvm=1 mask:1=1");
    assert_int_equal(finding_count(scene), 1);
    scene_end(scene);
}

static void mask_more_leaves_than_a_table_holds_are_refused(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        char key[VHV_MASK_KEY_TEXT_BYTES];

        snprintf(key, sizeof(key), "cpuid.d.%x.ecx", i);
        ask_bit(scene, i + 1, key, 0, '1');
        scene->requests[i].origin.key = NULL;
    }
    assert_fails(vhv_guest_cpuid_new(&scene->guest, scene->host, &scene->options), ENOSPC,
                 "cpuid.d.f0.ecx: no room for CPUID leaf 0xd, subleaf 0xf0");
    assert_null(scene->guest);
    scene->options.request_count = 240;
    made(scene);
    assert_int_equal(vhv_cpuid_count(vhv_guest_cpuid_table(scene->guest)), VHV_CPUID_MAX_ENTRIES);
    scene_end(scene);
}

static void requirement_unmet_is_an_error_that_names_bit_and_cause(void **state)
{
    struct scene *scene = on_intel();
    const struct vhv_cpuid_finding *found;

    (void)state;
    host_bits(scene, 1, VHV_ECX, 1u << 5, 0);
    scene->options.why_not_nested = "kvm_intel was loaded with nested=0";
    ask_bit(scene, 12, "cpuid.1.ecx", 5, 't');
    made(scene);
    found = finding(scene, "hypervisor.vmx:12: cpuid.1.ecx bit 5 (VMX) must be 1 on this host, but "
                           "KVM offers 0: kvm_intel was loaded with nested=0");
    assert_true(found->is_error);
    assert_int_equal(found->leaf, 1);
    assert_int_equal(found->reg, VHV_ECX);
    assert_int_equal(found->bit, 5);
    assert_int_equal(found->origin.line, 12);
    assert_string_equal(found->detail, "must be 1 on this host, but KVM offers 0: kvm_intel was "
                                       "loaded with nested=0");
    assert_fails(vhv_guest_cpuid_check(scene->guest), EOPNOTSUPP, found->text);
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_REQUIREMENT_UNMET);
    scene_end(scene);
}

static void requirement_unmet_of_other_bit_has_no_cause_of_nesting(void **state)
{
    struct scene *scene = on_intel();

    (void)state;
    scene->options.why_not_nested = "kvm_intel was loaded with nested=0";
    ask_bit(scene, 1, "cpuid.1.ecx", 6, 't');
    ask_bit(scene, 2, "cpuid.1.ecx", 0, 'f');
    ask_bit(scene, 3, "cpuid.80000001.ebx", 3, 't');
    made(scene);
    finding(scene, "hypervisor.vmx:1: cpuid.1.ecx bit 6 (SMX) must be 1 on this host, but KVM "
                   "offers 0");
    finding(scene, "hypervisor.vmx:2: cpuid.1.ecx bit 0 (SSE3) must be 0 on this host, but KVM "
                   "offers 1");
    finding(scene, "hypervisor.vmx:3: cpuid.80000001.ebx bit 3 must be 1 on this host, but KVM "
                   "offers 0");
    assert_int_equal(finding_count(scene), 3);
    scene_end(scene);
}

static void requirement_met_is_no_finding(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.1.ecx", 0, 't');
    ask_bit(scene, 2, "cpuid.1.ecx.amd", 2, 'f');
    /* KVM's table is without these two, but this VM has them. */
    ask_bit(scene, 3, "cpuid.1.ecx.amd", 31, 't');
    ask_bit(scene, 4, "cpuid.1.ecx.amd", 24, 't');
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
    scene_end(scene);
}

static void requirement_overridden_is_not_checked(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.1.ecx", 2, 't');
    ask_bit(scene, 2, "cpuid.1.ecx.amd", 2, '0');
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);
}

static void force_of_feature_that_kvm_lacks_is_a_warning(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    host_bits(scene, 1, VHV_ECX, 1u << 3, 0);
    ask(scene, 1, "cpuid.1.ecx", "----------------------------11-1");
    ask(scene, 2, "cpuid.80000002.eax", "11111111111111111111111111111111");
    made(scene);
    assert_false(finding(scene, "hypervisor.vmx:1: cpuid.1.ecx bit 3 (MONITOR) is shown, but KVM "
                                "cannot run it")
                     ->is_error);
    finding(scene, "hypervisor.vmx:1: cpuid.1.ecx bit 2 (DTES64) is shown, but KVM cannot run it: "
                   "only Intel's processors have it");
    assert_int_equal(finding_count(scene), 2);
    assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
    scene_end(scene);
}

static void install_is_a_warning(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.1.ecx", 0, 'I');
    made(scene);
    assert_false(finding(scene, "hypervisor.vmx:1: cpuid.1.ecx bit 0 (SSE3) is left alone: 'i' has "
                                "no published meaning and is taken as '-'")
                     ->is_error);
    scene_end(scene);
}

static void mask_on_vcpu_field_keeps_its_value_and_is_reported(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.vcpu_id = 4;
    scene->options.vcpu_count = 8;
    ask(scene, 1, "cpuid.1.ebx", "0000:0010:0000:0001:0000:1000:0000:0000");
    made(scene);
    assert_int_equal(reg_of(scene, 1, 0, VHV_EBX), 0x04010800);
    assert_false(finding(scene, "hypervisor.vmx:1: cpuid.1.ebx bit 25 keeps its own value: it "
                                "identifies the vCPU, and each vCPU has its own")
                     ->is_error);
    assert_int_equal(finding_count(scene), 8);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(
            vhv_guest_cpuid_finding(scene->guest, i)->detail,
            "keeps its own value: it identifies the vCPU, and each vCPU has its own");
    assert_chain(scene, 1, 0, VHV_EBX, 26, "kvm=1 vcpu=1 !mask:0=1");
    assert_chain(scene, 1, 0, VHV_EBX, 16, "kvm=0 vcpu=0 mask:1=1");
    scene_end(scene);
}

static void mask_on_every_kept_field_is_reported(void **state)
{
    static const struct {
        const char *key;
        uint32_t leaf, subleaf;
        enum vhv_cpuid_reg reg;
        unsigned bit;
    } fields[] = {
        {"cpuid.b.edx", 0xb, 0, VHV_EDX, 0},
        {"cpuid.b.1.edx", 0xb, 1, VHV_EDX, 31},
        {"cpuid.8000001e.eax", 0x8000001e, 0, VHV_EAX, 9},
        {"cpuid.1.ecx", 1, 0, VHV_ECX, 27},
        {"cpuid.1.edx", 1, 0, VHV_EDX, 9},
        {"cpuid.7.ecx", 7, 0, VHV_ECX, 4},
        {"cpuid.d.ebx", 0xd, 0, VHV_EBX, 6},
        {"cpuid.d.1.ebx", 0xd, 1, VHV_EBX, 6},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct scene *scene = on_amd();
        uint32_t before;

        made(scene);
        before = reg_of(scene, fields[i].leaf, fields[i].subleaf, fields[i].reg);
        ask_bit(scene, 1, fields[i].key, fields[i].bit, before >> fields[i].bit & 1 ? '0' : '1');
        made(scene);
        assert_int_equal(reg_of(scene, fields[i].leaf, fields[i].subleaf, fields[i].reg), before);
        assert_int_equal(finding_count(scene), 1);
        assert_contains(vhv_guest_cpuid_finding(scene->guest, 0)->text, "keeps its own value");
        scene_end(scene);
    }
}

static void mask_that_leaves_kept_field_alone_is_no_finding(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask(scene, 1, "cpuid.1.ebx", "xxxxxxxx------------------------");
    ask_bit(scene, 2, "cpuid.1.ecx", 26, '0');
    made(scene);
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);
}

static void mask_on_runtime_bit_is_followed_by_the_runtime_reason(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 1, "cpuid.1.ecx", 27, '1');
    made(scene);
    assert_chain(scene, 1, 0, VHV_ECX, 27, "kvm=0 !mask:1=0 runtime=0");
    assert_chain(scene, 1, 0, VHV_EDX, 9, "kvm=1 runtime=1");
    scene_end(scene);
}

static void mask_hiding_hypervisor_bit_is_told(void **state)
{
    static const char hiding[] = "0rf", showing[] = "1ht-";

    (void)state;
    for (const char *op = hiding; *op; op++) {
        struct scene *scene = on_amd();

        ask_bit(scene, 1, "cpuid.1.ecx", 31, *op);
        made(scene);
        assert_true(vhv_guest_cpuid_hides_hypervisor(scene->guest));
        assert_non_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), 0x40000001, 0));
        scene_end(scene);
    }
    for (const char *op = showing; *op; op++) {
        struct scene *scene = on_amd();

        ask_bit(scene, 1, "cpuid.1.ecx", 31, *op);
        made(scene);
        assert_false(vhv_guest_cpuid_hides_hypervisor(scene->guest));
        assert_int_equal(bit_of(scene, 1, VHV_ECX, 31), 1);
        scene_end(scene);
    }
}

static void mask_comes_after_settings(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.hypervisor_v0 = setting(false, 1, "hypervisor.cpuid.v0");
    ask_bit(scene, 2, "cpuid.1.ecx", 31, '1');
    ask_bit(scene, 3, "cpuid.40000000.eax", 0, '1');
    made(scene);
    assert_chain(scene, 1, 0, VHV_ECX, 31, "kvm=0 default=1 setting=0 mask:1=1");
    assert_int_equal(reg_of(scene, 0x40000000, 0, VHV_EAX), 1);
    assert_int_equal(reg_of(scene, 0x40000000, 0, VHV_EBX), 0);
    scene_end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mask_each_op_gives_its_value),
        cmocka_unit_test(mask_is_a_reason_with_its_op_and_origin),
        cmocka_unit_test(mask_most_specific_key_wins_bit_by_bit),
        cmocka_unit_test(mask_overridden_one_names_the_one_that_wins),
        cmocka_unit_test(mask_dash_in_specific_key_lets_the_other_through),
        cmocka_unit_test(mask_of_same_key_later_one_wins),
        cmocka_unit_test(mask_of_other_vendor_is_not_applied_and_says_so),
        cmocka_unit_test(mask_without_subleaf_reaches_subleaf_0_alone),
        cmocka_unit_test(mask_on_absent_leaf_adds_an_entry),
        cmocka_unit_test(mask_that_asks_for_nothing_adds_no_entry),
        cmocka_unit_test(mask_of_absent_leaf_with_and_without_subleaf_keeps_both),
        cmocka_unit_test(mask_subleaf_of_leaf_without_subleaves_is_a_finding),
        cmocka_unit_test(mask_more_leaves_than_a_table_holds_are_refused),
        cmocka_unit_test(requirement_unmet_is_an_error_that_names_bit_and_cause),
        cmocka_unit_test(requirement_unmet_of_other_bit_has_no_cause_of_nesting),
        cmocka_unit_test(requirement_met_is_no_finding),
        cmocka_unit_test(requirement_overridden_is_not_checked),
        cmocka_unit_test(force_of_feature_that_kvm_lacks_is_a_warning),
        cmocka_unit_test(install_is_a_warning),
        cmocka_unit_test(mask_on_vcpu_field_keeps_its_value_and_is_reported),
        cmocka_unit_test(mask_on_every_kept_field_is_reported),
        cmocka_unit_test(mask_that_leaves_kept_field_alone_is_no_finding),
        cmocka_unit_test(mask_on_runtime_bit_is_followed_by_the_runtime_reason),
        cmocka_unit_test(mask_hiding_hypervisor_bit_is_told),
        cmocka_unit_test(mask_comes_after_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
