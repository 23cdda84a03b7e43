/* SPDX-License-Identifier: MIT */
/* What the guest tells the program: see protocol.h. */
#ifndef GUEST_REPORT_H
#define GUEST_REPORT_H

#include "protocol.h"
#include "x86.h"

static inline void report(enum guest_tag tag, uint64_t value)
{
    out32(GUEST_PORT_TAG, tag);
    out32(GUEST_PORT_VALUE_LOW, (uint32_t)value);
    out32(GUEST_PORT_VALUE_HIGH, (uint32_t)(value >> 32));
}

static inline void __attribute__((noreturn)) end(enum guest_status status)
{
    for (;;)
        out32(GUEST_PORT_END, status);
}

#endif
