/* SPDX-License-Identifier: MIT */
/* A guest hypervisor with a live inner guest, and what the program sees of both. */
#include "tests.h"

enum { SVM_ONLY = 1, VMX_ONLY = 2, PAGED_ONLY = 4, UNPAGED_ONLY = 8, ANY_VALUE = 16 };

#define SIGNATURE_EBX_ECX UINT64_C(0x76685672656e6e49) /* "InnerVhv" of GUEST_CPUID_SIGNATURE */
#define INTERCEPTED       ((uint64_t)GUEST_PORT_INTERCEPTED << 32 | GUEST_INTERCEPTED_VALUE)

static const struct {
    struct event event;
    unsigned flags;
} steps[] = {
    {{EVENT_REPORT, false, GUEST_TAG_EXTENSION, GUEST_SVM}, SVM_ONLY},
    {{EVENT_REPORT, false, GUEST_TAG_EXTENSION, GUEST_VMX}, VMX_ONLY},
    {{EVENT_REPORT, false, GUEST_TAG_FEATURE_CONTROL, 5}, VMX_ONLY},
    {{EVENT_REPORT, false, GUEST_TAG_ENABLED, 0}, ANY_VALUE},
    {{EVENT_REPORT, false, GUEST_TAG_NESTED_ROOT, 0}, PAGED_ONLY | ANY_VALUE},
    {{EVENT_REPORT, false, GUEST_TAG_NESTED_ROOT, 0}, UNPAGED_ONLY},
    {{EVENT_REPORT, false, GUEST_TAG_CPUID_EXIT, GUEST_CPUID_LEAF}, 0},
    {{EVENT_REPORT, true, GUEST_TAG_INNER_SIGNATURE, SIGNATURE_EBX_ECX}, 0},
    {{EVENT_REPORT, false, GUEST_TAG_PORT_EXIT, INTERCEPTED}, 0},
    {{EVENT_OUT, true, 0, GUEST_INNER_VALUE}, 0},
    {{EVENT_IN, true, 0, PAYLOAD_ANSWER}, 0},
    {{EVENT_REPORT, true, GUEST_TAG_INNER_ANSWER, PAYLOAD_ANSWER}, 0},
    {{EVENT_REPORT, true, GUEST_TAG_INNER_REMAPPED, GUEST_BACKING_VALUE}, PAGED_ONLY},
    {{EVENT_REPORT, true, GUEST_TAG_INNER_REMAPPED, GUEST_REMAPPED_VALUE}, UNPAGED_ONLY},
    {{EVENT_REPORT, false, GUEST_TAG_PAGE_FAULT_EXIT, GUEST_ABSENT_GPA}, PAGED_ONLY},
    {{EVENT_REPORT, true, GUEST_TAG_INNER_ABSENT, GUEST_BACKING_VALUE}, PAGED_ONLY},
    {{EVENT_REPORT, true, GUEST_TAG_INNER_ABSENT, GUEST_REMAPPED_VALUE}, UNPAGED_ONLY},
    {{EVENT_REPORT, false, GUEST_TAG_HYPERCALL_EXIT, GUEST_HYPERCALL}, 0},
    {{EVENT_REPORT, true, GUEST_TAG_INNER_HYPERCALL,
      GUEST_HYPERCALL_ARGUMENT + GUEST_HYPERCALL_ADDS},
     0},
    {{EVENT_REPORT, false, GUEST_TAG_HLT_EXIT, 0}, 0},
    {{EVENT_REPORT, false, GUEST_TAG_EXITS, 5}, PAGED_ONLY},
    {{EVENT_REPORT, false, GUEST_TAG_EXITS, 4}, UNPAGED_ONLY},
};

void assert_all_steps(const struct recording *recording, bool nested_paging)
{
    unsigned skipped =
        (host_is_amd() ? VMX_ONLY : SVM_ONLY) | (nested_paging ? UNPAGED_ONLY : PAGED_ONLY);
    size_t next = 0;

    payload_expect_status(recording, GUEST_DONE);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const struct event *event = &recording->events[next], *step = &steps[i].event;

        if (steps[i].flags & skipped)
            continue;
        assert_true(next < recording->count);
        if (event->kind != step->kind || event->is_inner != step->is_inner ||
            event->tag != step->tag ||
            (event->value != step->value && !(steps[i].flags & ANY_VALUE)))
            fail_msg("event %zu is %d %d %#x %#llx, not %d %d %#x %#llx", next, event->kind,
                     event->is_inner, event->tag, (unsigned long long)event->value, step->kind,
                     step->is_inner, step->tag, (unsigned long long)step->value);
        next++;
    }
    assert_int_equal(next, recording->count);
}

static void run_all_steps(struct machine *machine, bool nested_paging)
{
    struct recording recording = {0};

    start_nested(machine, GUEST_NESTED, nested_paging);
    payload_run(machine, &recording);
    assert_all_steps(&recording, nested_paging);
}

static void inner_guest_with_nested_paging_does_every_step(void **state)
{
    need_nested_paging();
    run_all_steps(*state, true);
}

static void inner_guest_without_nested_paging_does_every_step(void **state)
{
    run_all_steps(*state, false);
}

static void inner_guest_with_lapic_in_kernel_does_every_step(void **state)
{
    struct machine *machine = *state;

    machine->options.irqchip = VHV_IRQCHIP_KERNEL;
    run_all_steps(machine, has_nested_paging());
}

static void two_guest_hypervisors_run_in_turn(void **state)
{
    struct recording recordings[2] = {0};
    struct machine *first = *state, *second;
    void *second_state;

    need_nesting();
    assert_int_equal(machine_setup(&second_state), 0);
    second = second_state;
    start_nested(first, GUEST_NESTED, false);
    start_nested(second, GUEST_NESTED, false);
    while (!recordings[0].ended || !recordings[1].ended) {
        payload_step(first, &recordings[0]);
        payload_step(second, &recordings[1]);
    }
    assert_all_steps(&recordings[0], false);
    assert_all_steps(&recordings[1], false);
    machine_teardown(&second_state);
}

enum { REPETITIONS = 100 };

static void repeat(struct machine *machine, enum guest_mode mode, struct recording *recording)
{
    const struct guest_parameters parameters = {.mode = mode, .count = REPETITIONS};

    need_nesting();
    assert_ok(vhv_config_set(machine->config, "vhv.enable", "TRUE"));
    payload_start(machine, &parameters);
    payload_run(machine, recording);
    payload_expect_status(recording, GUEST_DONE);
}

static void inner_guest_repeated_intercepted_exit_stays_below(void **state)
{
    struct recording recording = {0};

    repeat(*state, GUEST_BENCH_INNER_CPUID, &recording);
    assert_int_equal(recording.bench_accesses, 0);
    assert_int_equal(payload_report(&recording, GUEST_TAG_EXITS)->value, REPETITIONS + 1);
}

static void inner_guest_repeated_out_reaches_the_program_alone(void **state)
{
    struct recording recording = {0};

    repeat(*state, GUEST_BENCH_INNER_PORT, &recording);
    assert_int_equal(recording.bench_accesses, REPETITIONS);
    assert_int_equal(payload_report(&recording, GUEST_TAG_EXITS)->value, 1);
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(inner_guest_with_nested_paging_does_every_step),
    MACHINE_TEST(inner_guest_without_nested_paging_does_every_step),
    MACHINE_TEST(inner_guest_with_lapic_in_kernel_does_every_step),
    MACHINE_TEST(two_guest_hypervisors_run_in_turn),
    MACHINE_TEST(inner_guest_repeated_intercepted_exit_stays_below),
    MACHINE_TEST(inner_guest_repeated_out_reaches_the_program_alone),
};

const struct test_list steps_tests = TEST_LIST(tests);
