/* SPDX-License-Identifier: MIT */
/* Leaf 15h, which tells the TSC's frequency. */
#include "guest.h"

enum { LEAF = 0x15, TSC_KHZ = 2400000, BUS_KHZ = 1000000 };

/* A host of Intel's whose leaves reach to @highest. */
static struct scene *on_intel_with_leaves(uint32_t highest)
{
    struct scene *scene = on_intel();
    struct vhv_cpuid_entry zero = *vhv_cpuid_find(scene->host, 0, 0);

    zero.reg[VHV_EAX] = highest;
    assert_int_equal(vhv_cpuid_set(scene->host, &zero), 0);
    scene->options.tsc_khz = TSC_KHZ;
    scene->options.apic_bus_khz = BUS_KHZ;
    return scene;
}

static void assert_empty(const struct scene *scene)
{
    for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++)
        assert_int_equal(reg_of(scene, LEAF, 0, reg), 0);
}

static void frequency_known_is_told_as_linux_reads_it(void **state)
{
    struct scene *scene = on_intel_with_leaves(0x16);
    uint32_t denominator, numerator, crystal_hz;

    (void)state;
    made(scene);
    denominator = reg_of(scene, LEAF, 0, VHV_EAX);
    numerator = reg_of(scene, LEAF, 0, VHV_EBX);
    crystal_hz = reg_of(scene, LEAF, 0, VHV_ECX);
    /* The period of the local APIC's timer is taken from the crystal. */
    assert_int_equal(crystal_hz, BUS_KHZ * 1000);
    assert_int_equal((uint64_t)(crystal_hz / 1000) * numerator / denominator, TSC_KHZ);
    assert_int_equal(reg_of(scene, 0x16, 0, VHV_EAX), 0);
    assert_contains(chain_of(scene, LEAF, 0, VHV_EBX, 31).words, "frequency");
    scene_end(scene);
}

static void frequency_not_known_leaves_the_leaf_empty(void **state)
{
    struct scene *scene = on_intel_with_leaves(0x16);

    (void)state;
    scene->options.tsc_khz = 0;
    made(scene);
    assert_empty(scene);
    scene->options.tsc_khz = TSC_KHZ;
    scene->options.apic_bus_khz = 0;
    made(scene);
    assert_empty(scene);
    scene_end(scene);
}

static void frequency_where_leaves_end_before_it_adds_none(void **state)
{
    struct scene *scene = on_intel_with_leaves(0x14);

    (void)state;
    made(scene);
    assert_null(vhv_cpuid_find(vhv_guest_cpuid_table(scene->guest), LEAF, 0));
    scene_end(scene);
}

static void frequency_that_kvm_tells_stays(void **state)
{
    struct scene *scene = on_intel_with_leaves(0x16);
    const struct vhv_cpuid_entry kvms = {.leaf = LEAF, .reg = {2, 200, 24000000, 0}};

    (void)state;
    assert_int_equal(vhv_cpuid_set(scene->host, &kvms), 0);
    made(scene);
    assert_int_equal(reg_of(scene, LEAF, 0, VHV_EBX), 200);
    assert_int_equal(reg_of(scene, LEAF, 0, VHV_ECX), 24000000);
    scene_end(scene);
}

static void frequency_under_a_mask_is_the_masks(void **state)
{
    struct scene *scene = on_intel_with_leaves(0x16);

    (void)state;
    ask(scene, 1, "cpuid.15.ebx", "0000:0000:0000:0000:0000:0000:0000:0000");
    made(scene);
    assert_int_equal(reg_of(scene, LEAF, 0, VHV_EBX), 0);
    scene_end(scene);
}

static void frequency_on_amd_is_not_told_by_this_leaf(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.tsc_khz = TSC_KHZ;
    scene->options.apic_bus_khz = BUS_KHZ;
    made(scene);
    assert_empty(scene);
    scene_end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frequency_known_is_told_as_linux_reads_it),
        cmocka_unit_test(frequency_not_known_leaves_the_leaf_empty),
        cmocka_unit_test(frequency_where_leaves_end_before_it_adds_none),
        cmocka_unit_test(frequency_that_kvm_tells_stays),
        cmocka_unit_test(frequency_under_a_mask_is_the_masks),
        cmocka_unit_test(frequency_on_amd_is_not_told_by_this_leaf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
