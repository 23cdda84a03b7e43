/* SPDX-License-Identifier: MIT */
/* Who answers the backdoor's port: the program, the guest hypervisor, or nobody. */
#include "tests.h"

enum { GETVERSION = 10, NESTING_CONTROL = 63 };
enum {
    RESTRICT = 0 << 16 | NESTING_CONTROL,
    OPEN = 1 << 16 | NESTING_CONTROL,
    QUERY = 2 << 16 | NESTING_CONTROL
};

#define MOVED_ON      (UINT64_C(1) << 32)
#define EAX_EBX(a, b) ((uint64_t)(b) << 32 | (a))

#define VERSION EAX_EBX(6, GUEST_BACKDOOR_MAGIC)
#define DONE    EAX_EBX(0, GUEST_BACKDOOR_EBX)
#define NOBODY  EAX_EBX(UINT32_MAX, GUEST_BACKDOOR_EBX)

/* What is asked, and how it is answered. */
struct question {
    uint32_t command;
    uint64_t answer; /* EAX | EBX << 32 */
};

static void run(struct machine *machine, struct recording *recording, uint32_t flags,
                const struct question questions[3])
{
    const struct guest_parameters parameters = {
        .mode = GUEST_BACKDOOR,
        .flags = flags,
        .backdoor = {questions[0].command, questions[1].command, questions[2].command},
    };

    need_nesting();
    assert_ok(vhv_config_set(machine->config, "vhv.enable", "TRUE"));
    machine_make(machine, GUEST_MEMORY_BYTES);
    assert_ok(vhv_backdoor_add(machine->vm, NULL));
    assert_ok(vhv_vm_power_on(machine->vm));
    payload_load(machine, &parameters);
    payload_run(machine, recording);
    payload_expect_status(recording, GUEST_DONE);
}

/* The guest hypervisor asks, its inner guest, and the guest hypervisor again. */
static void assert_answers(const struct recording *recording, const struct question questions[3])
{
    size_t answers = 0;

    for (size_t i = 0; i < recording->count; i++) {
        const struct event *event = &recording->events[i];

        if (event->tag == GUEST_TAG_BACKDOOR) {
            assert_true(answers < 3);
            assert_int_equal(event->is_inner, answers == 1);
            assert_true(event->value == questions[answers].answer);
            answers++;
        } else if (event->tag == GUEST_TAG_BACKDOOR_ECX) {
            assert_true(event->value & MOVED_ON);
        }
    }
    assert_int_equal(answers, 3);
}

static void ask(struct machine *machine, uint32_t flags, const struct question questions[3])
{
    struct recording recording = {0};

    run(machine, &recording, flags, questions);
    assert_answers(&recording, questions);
    /* A port that the guest hypervisor intercepts is an exit of its own. */
    assert_int_equal(payload_has_report(&recording, GUEST_TAG_PORT_EXIT),
                     flags & GUEST_INTERCEPT_BACKDOOR ? 1 : 0);
}

static void backdoor_open_answers_both_levels(void **state)
{
    static const struct question questions[] = {
        {GETVERSION, VERSION}, {GETVERSION, VERSION}, {QUERY, EAX_EBX(2, 0)}};

    ask(*state, 0, questions);
}

static void backdoor_restricted_answers_the_guest_hypervisor_alone(void **state)
{
    static const struct question questions[] = {
        {GETVERSION, VERSION}, {GETVERSION, NOBODY}, {QUERY, EAX_EBX(2, 1)}};
    struct machine *machine = *state;

    assert_ok(vhv_config_set(machine->config, "monitor_control.restrict_backdoor", "TRUE"));
    ask(machine, 0, questions);
}

static void backdoor_restricted_by_the_guest_hypervisor_is_its_own(void **state)
{
    static const struct question questions[] = {
        {RESTRICT, DONE}, {GETVERSION, NOBODY}, {OPEN, DONE}};

    ask(*state, 0, questions);
}

static void backdoor_inner_guest_cannot_restrict_it(void **state)
{
    static const struct question questions[] = {
        {GETVERSION, VERSION}, {RESTRICT, NOBODY}, {QUERY, EAX_EBX(2, 0)}};

    ask(*state, 0, questions);
}

/* Open or restricted, as every guest hypervisor that virtualizes the port. */
static void backdoor_intercepted_is_answered_by_the_guest_hypervisor(void **state)
{
    static const char *const values[] = {"FALSE", "TRUE"};
    struct machine *machine = *state;

    for (uint32_t restricted = 0; restricted <= 1; restricted++) {
        const struct question questions[] = {
            {GETVERSION, VERSION},
            {GETVERSION, EAX_EBX(GUEST_BACKDOOR_OWN_VERSION, GUEST_BACKDOOR_EBX)},
            {QUERY, EAX_EBX(2, restricted)}};

        assert_ok(vhv_config_set(machine->config, "monitor_control.restrict_backdoor",
                                 values[restricted]));
        ask(machine, GUEST_INTERCEPT_BACKDOOR, questions);
        vhv_vm_free(machine->vm);
        machine->vm = NULL;
    }
}

static const struct CMUnitTest tests[] = {
    MACHINE_TEST(backdoor_open_answers_both_levels),
    MACHINE_TEST(backdoor_restricted_answers_the_guest_hypervisor_alone),
    MACHINE_TEST(backdoor_restricted_by_the_guest_hypervisor_is_its_own),
    MACHINE_TEST(backdoor_inner_guest_cannot_restrict_it),
    MACHINE_TEST(backdoor_intercepted_is_answered_by_the_guest_hypervisor),
};

const struct test_list backdoor_tests = TEST_LIST(tests);
