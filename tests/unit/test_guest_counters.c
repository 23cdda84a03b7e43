/* SPDX-License-Identifier: MIT */
/* vpmc.enable */
#include "guest.h"

static struct scene *on_intel_with_counters(void)
{
    struct scene *scene = on_intel();
    const struct vhv_cpuid_entry leaf_a = {.leaf = 0xa, .reg = {0x07300402, 0, 0, 0x603}};

    assert_int_equal(vhv_cpuid_set(scene->host, &leaf_a), 0);
    host_bits(scene, 1, VHV_ECX, 0, 1u << 15);
    return scene;
}

static struct scene *on_amd_without_counters(void)
{
    struct scene *scene = on_amd();

    host_bits(scene, 0x80000001, VHV_ECX, 1u << 23, 0);
    return scene;
}

static void vpmc_unset_is_as_kvm_has_it(void **state)
{
    struct scene *scene = on_intel_with_counters();

    (void)state;
    made(scene);
    assert_int_equal(reg_of(scene, 0xa, 0, VHV_EAX), 0x07300402);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 15), 1);
    assert_chain(scene, 0xa, 0, VHV_EAX, 1, "kvm=1");
    scene_end(scene);
}

static void vpmc_false_hides_counters_on_both_vendors(void **state)
{
    struct scene *scene = on_intel_with_counters();

    (void)state;
    scene->options.vpmc_enable = setting(false, 3, "vpmc.enable");
    made(scene);
    for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++)
        assert_int_equal(reg_of(scene, 0xa, 0, reg), 0);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 15), 0);
    assert_chain(scene, 0xa, 0, VHV_EAX, 1, "kvm=1 setting=0");
    assert_contains(chain_of(scene, 0xa, 0, VHV_EAX, 1).words,
                    "hypervisor.vmx:3:vpmc.enable: performance counters are hidden");
    assert_int_equal(finding_count(scene), 0);
    scene_end(scene);

    scene = on_amd();
    scene->options.vpmc_enable = setting(false, 3, "vpmc.enable");
    made(scene);
    assert_int_equal(bit_of(scene, 0x80000001, VHV_ECX, 23), 0);
    assert_int_equal(bit_of(scene, 0x80000001, VHV_ECX, 22), 1); /* TOPOEXT */
    assert_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), 0x80000022, 0));
    scene_end(scene);
}

static void vpmc_true_is_met_where_kvm_offers_counters(void **state)
{
    const struct vhv_cpuid_entry version_2 = {.leaf = 0x80000022, .reg = {1, 6, 0, 0}};
    struct scene *scenes[] = {on_intel_with_counters(), on_amd(), on_amd_without_counters()};

    (void)state;
    assert_int_equal(vhv_cpuid_set(scenes[2]->host, &version_2), 0);
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        scenes[i]->options.vpmc_enable = setting(true, 3, "vpmc.enable");
        made(scenes[i]);
        assert_int_equal(finding_count(scenes[i]), 0);
        scene_end(scenes[i]);
    }
}

static void vpmc_true_is_refused_where_kvm_offers_none(void **state)
{
    static const char text[] = "hypervisor.vmx:3: vpmc.enable requires performance counters, but "
                               "KVM offers none on this host";
    struct scene *scenes[] = {on_intel(), on_amd_without_counters()};

    (void)state;
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        scenes[i]->options.vpmc_enable = setting(true, 3, "vpmc.enable");
        made(scenes[i]);
        assert_true(finding(scenes[i], text)->is_error);
        assert_fails(vhv_guest_cpuid_check(scenes[i]->guest), EOPNOTSUPP, text);
        assert_int_equal(vhv_error_cause(), VHV_CAUSE_REQUIREMENT_UNMET);
        scene_end(scenes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vpmc_unset_is_as_kvm_has_it),
        cmocka_unit_test(vpmc_false_hides_counters_on_both_vendors),
        cmocka_unit_test(vpmc_true_is_met_where_kvm_offers_counters),
        cmocka_unit_test(vpmc_true_is_refused_where_kvm_offers_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
