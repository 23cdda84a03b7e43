/* SPDX-License-Identifier: MIT */
/* Checked arithmetic on sizes and addresses that come from outside. */
#ifndef VHV_BASE_CHECK_H
#define VHV_BASE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if [start, start + length) wraps or is empty; else *last is its last byte, which never
 * wraps. */
static inline bool vhv_range_invalid(uint64_t start, uint64_t length, uint64_t *last)
{
    return length == 0 || __builtin_add_overflow(start, length - 1, last);
}

static inline bool vhv_add_overflows(uint64_t a, uint64_t b, uint64_t *sum)
{
    return __builtin_add_overflow(a, b, sum);
}

static inline bool vhv_multiply_overflows(size_t a, size_t b, size_t *product)
{
    return __builtin_mul_overflow(a, b, product);
}

static inline bool vhv_is_aligned(uint64_t value, uint64_t power_of_two)
{
    return (value & (power_of_two - 1)) == 0;
}

#endif
