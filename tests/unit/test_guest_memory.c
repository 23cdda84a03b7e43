/* SPDX-License-Identifier: MIT */
/* Every allocation in turn fails. */
#include "allocations.h"
#include "guest.h"

/* Asks for enough to make every array grow. */
static struct scene *busy_scene(void)
{
    struct scene *scene = on_amd();

    scene->options.processor = scene->host;
    scene->options.vhv_enable = setting(true, 1, "vhv.enable");
    ask_as_esxi_5(scene);
    ask(scene, 6, "cpuid.1.ebx", "0000:0010:0000:0001:0000:1000:0000:0000");
    ask(scene, 7, "cpuid.d.ebx", "00000000000000000000000000000000");
    ask(scene, 8, "cpuid.7.edx", "-01hrtfxi-01hrtfxi-01hrtfxi-----");
    return scene;
}

static void guest_cpuid_new_no_memory_leaves_nothing_behind(void **state)
{
    struct scene *scene = busy_scene();
    size_t live_before = live_blocks;
    unsigned failures = 0;
    int result;

    (void)state;
    do {
        allocations_left = failures;
        result = vhv_guest_cpuid_new(&scene->guest, scene->host, &scene->options);
        allocations_left = UINT32_MAX;
        if (result == 0)
            break;
        assert_fails(result, ENOMEM, "out of memory");
        assert_null(scene->guest);
        assert_int_equal(live_blocks, live_before);
        failures++;
    } while (true);
    assert_true(failures > 50);
    vhv_guest_cpuid_free(scene->guest);
    scene->guest = NULL;
    assert_int_equal(live_blocks, live_before);
    scene_end(scene);
}

static void no_memory_can_be_repeated(int (*take)(struct vhv_guest_cpuid *guest,
                                                  const struct vhv_cpuid *told))
{
    struct scene *scene = busy_scene();
    size_t live_before, findings_before;
    unsigned failures = 0;
    int result;

    made(scene);
    live_before = live_blocks;
    findings_before = finding_count(scene);
    do {
        allocations_left = failures;
        result = take(scene->guest, scene->host);
        allocations_left = UINT32_MAX;
        if (result >= 0)
            break;
        assert_fails(result, ENOMEM, "out of memory");
        assert_int_equal(finding_count(scene), findings_before);
        assert_int_equal(bit_of(scene, 1, VHV_ECX, 31), 1);
        assert_int_equal(live_blocks, live_before);
        failures++;
    } while (true);
    assert_true(failures > 1);
    assert_true(result > 0);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 31), 0);
    scene_end(scene);
}

static void guest_cpuid_read_back_no_memory_can_be_repeated(void **state)
{
    (void)state;
    no_memory_can_be_repeated(vhv_guest_cpuid_read_back);
}

static void guest_cpuid_measured_no_memory_can_be_repeated(void **state)
{
    (void)state;
    no_memory_can_be_repeated(vhv_guest_cpuid_measured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guest_cpuid_new_no_memory_leaves_nothing_behind),
        cmocka_unit_test(guest_cpuid_read_back_no_memory_can_be_repeated),
        cmocka_unit_test(guest_cpuid_measured_no_memory_can_be_repeated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
