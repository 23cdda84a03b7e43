/* SPDX-License-Identifier: MIT */
#ifndef VHV_BASE_LOG_H
#define VHV_BASE_LOG_H

#include <libvhv/base.h>

extern enum vhv_log_level vhv_log_threshold;

void vhv_log_write(enum vhv_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Arguments are evaluated only if the level is wanted. */
#define vhv_log(level, ...)                      \
    do {                                         \
        if ((level) <= vhv_log_threshold)        \
            vhv_log_write((level), __VA_ARGS__); \
    } while (0)

#endif
