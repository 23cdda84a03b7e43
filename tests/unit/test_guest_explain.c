/* SPDX-License-Identifier: MIT */
/* How reasons are told. That each step has its reason is in the tests of the steps. */
#include "guest.h"

static void explain_wrong_register_or_bit_is_refused(void **state)
{
    struct scene *scene = on_amd();
    struct chain chain = {"", ""};

    (void)state;
    made(scene);
    assert_fails(vhv_guest_cpuid_explain(scene->guest, 1, 0, VHV_ECX, 32, note_reason, &chain),
                 EINVAL, "bit 32");
    assert_fails(vhv_guest_cpuid_explain(scene->guest, 1, 0, VHV_EDX + 1, 0, note_reason, &chain),
                 EINVAL, "register 4");
    scene_end(scene);
}

static int stop_at_default(const struct vhv_cpuid_reason *reason, void *cookie)
{
    (*(int *)cookie)++;
    return reason->source == VHV_SOURCE_DEFAULT ? 42 : 0;
}

static void explain_callback_can_stop(void **state)
{
    struct scene *scene = on_amd();
    int calls = 0;

    (void)state;
    ask_bit(scene, 1, "cpuid.1.ecx", 31, '0');
    made(scene);
    assert_int_equal(
        vhv_guest_cpuid_explain(scene->guest, 1, 0, VHV_ECX, 31, stop_at_default, &calls), 42);
    assert_int_equal(calls, 2);
    scene_end(scene);
}

static void explain_processor_comes_first_if_it_is_known(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *processor = table_of(intel_rows, 2);

    (void)state;
    scene->options.processor = processor;
    made(scene);
    vhv_cpuid_free(processor);
    assert_chain(scene, 1, 0, VHV_ECX, 5, "processor=1 kvm=0 default=0");
    scene_end(scene);
}

static void source_name_every_source_has_its_own(void **state)
{
    (void)state;
    for (int a = VHV_SOURCE_PROCESSOR; a <= VHV_SOURCE_MEASURED; a++) {
        assert_string_not_equal(vhv_cpuid_source_name(a), "unknown");
        for (int b = VHV_SOURCE_PROCESSOR; b < a; b++)
            assert_string_not_equal(vhv_cpuid_source_name(a), vhv_cpuid_source_name(b));
    }
    assert_string_equal(vhv_cpuid_source_name(VHV_SOURCE_MEASURED + 1), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explain_wrong_register_or_bit_is_refused),
        cmocka_unit_test(explain_callback_can_stop),
        cmocka_unit_test(explain_processor_comes_first_if_it_is_known),
        cmocka_unit_test(source_name_every_source_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
