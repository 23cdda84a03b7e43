/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum vhv_log_level vhv_log_threshold;

static vhv_log_hook log_hook;
static void *log_cookie;

void vhv_log_set(enum vhv_log_level level, vhv_log_hook hook, void *cookie)
{
    log_hook = hook;
    log_cookie = cookie;
    vhv_log_threshold = hook ? level : 0;
}

void vhv_log_write(enum vhv_log_level level, const char *format, ...)
{
    char line[VHV_ERROR_MESSAGE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    log_hook(level, line, log_cookie);
}
