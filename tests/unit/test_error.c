/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "../cmocka.h"
#include "base/error.h"
#include "base/log.h"

static void fail_sets_message_and_cause(void **state)
{
    (void)state;
    assert_int_equal(vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "line %d", 12), -EINVAL);
    assert_string_equal(vhv_error_message(), "line 12");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);
}

static void fail_too_long_message_is_cut_visibly(void **state)
{
    char text[2 * VHV_ERROR_MESSAGE_BYTES];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    vhv_fail(EINVAL, VHV_CAUSE_NONE, "%s", text);
    assert_int_equal(strlen(vhv_error_message()), VHV_ERROR_MESSAGE_BYTES - 1);
    assert_string_equal(vhv_error_message() + VHV_ERROR_MESSAGE_BYTES - 4, "...");
}

static void fail_within_keeps_cause_and_puts_text_before(void **state)
{
    int result = vhv_fail(ENOENT, VHV_CAUSE_KVM, "inner");

    (void)state;
    assert_int_equal(vhv_fail_within(result, "outer %d", 1), -ENOENT);
    assert_string_equal(vhv_error_message(), "outer 1: inner");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_KVM);
}

static void error_restore_gives_back_what_was_held(void **state)
{
    struct vhv_error error;

    (void)state;
    vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "before");
    vhv_error_hold(&error);
    vhv_fail(EIO, VHV_CAUSE_KVM, "a probe that may fail");
    vhv_error_restore(&error);
    assert_string_equal(vhv_error_message(), "before");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);
}

static void *message_of_new_thread(void *unused)
{
    static char complaint[] = "a new thread starts with another's error";

    (void)unused;
    return vhv_error_message()[0] || vhv_error_cause() != VHV_CAUSE_NONE ? complaint : NULL;
}

static void error_message_other_thread_is_its_own(void **state)
{
    pthread_t thread;
    void *complaint;

    (void)state;
    vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "mine");
    assert_int_equal(pthread_create(&thread, NULL, message_of_new_thread, NULL), 0);
    pthread_join(thread, &complaint);
    assert_null(complaint);
    assert_string_equal(vhv_error_message(), "mine");
}

static void cause_name_every_cause_has_its_own(void **state)
{
    (void)state;
    for (int a = VHV_CAUSE_NONE; a <= VHV_CAUSE_FOREIGN_HYPERVISOR; a++) {
        assert_string_not_equal(vhv_cause_name(a), "unknown");
        for (int b = VHV_CAUSE_NONE; b < a; b++)
            assert_string_not_equal(vhv_cause_name(a), vhv_cause_name(b));
    }
    assert_string_equal(vhv_cause_name(VHV_CAUSE_FOREIGN_HYPERVISOR + 1), "unknown");
}

static void keep_line(enum vhv_log_level level, const char *line, void *cookie)
{
    (void)level;
    strcpy(cookie, line);
}

static void log_set_hook_gets_lines_up_to_its_level(void **state)
{
    char line[VHV_ERROR_MESSAGE_BYTES] = "";

    (void)state;
    vhv_log(VHV_LOG_WARNING, "nobody listens");
    vhv_log_set(VHV_LOG_INFO, keep_line, line);
    vhv_log(VHV_LOG_DEBUG, "too much");
    assert_string_equal(line, "");
    vhv_log(VHV_LOG_INFO, "number %d", 7);
    assert_string_equal(line, "number 7");
    vhv_log_set(VHV_LOG_DEBUG, NULL, NULL);
    vhv_log(VHV_LOG_WARNING, "off again");
    assert_string_equal(line, "number 7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_sets_message_and_cause),
        cmocka_unit_test(fail_too_long_message_is_cut_visibly),
        cmocka_unit_test(fail_within_keeps_cause_and_puts_text_before),
        cmocka_unit_test(error_restore_gives_back_what_was_held),
        cmocka_unit_test(error_message_other_thread_is_its_own),
        cmocka_unit_test(cause_name_every_cause_has_its_own),
        cmocka_unit_test(log_set_hook_gets_lines_up_to_its_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
