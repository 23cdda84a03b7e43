/* SPDX-License-Identifier: MIT */
/* cmocka with the headers that it wants before it. */
#ifndef VHV_TESTS_CMOCKA_H
#define VHV_TESTS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A call that must fail with this errno, leaving a message that contains @text. */
#define assert_fails(call, code, text)                                                  \
    do {                                                                                \
        assert_int_equal((call), -(code));                                              \
        if (!strstr(vhv_error_message(), (text)))                                       \
            fail_msg("message is \"%s\", without \"%s\"", vhv_error_message(), (text)); \
    } while (0)

#endif
