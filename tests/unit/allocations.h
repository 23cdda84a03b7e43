/* SPDX-License-Identifier: MIT */
/*
 * Allocations that fail when a test says so, and a count of those that live. The linker puts the
 * functions below in the place of libc's: see unit_link_args in meson.build.
 */
#ifndef VHV_TESTS_UNIT_ALLOCATIONS_H
#define VHV_TESTS_UNIT_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_reallocarray(void *old, size_t count, size_t bytes);
void __real_free(void *block);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_reallocarray(void *old, size_t count, size_t bytes);
void __wrap_free(void *block);

/* Allocations that succeed before one fails. */
static unsigned allocations_left = UINT32_MAX;
static size_t live_blocks;

static bool may_allocate(void)
{
    if (allocations_left == 0)
        return false;
    allocations_left--;
    return true;
}

void *__wrap_malloc(size_t bytes)
{
    if (!may_allocate())
        return NULL;
    live_blocks++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    if (!may_allocate())
        return NULL;
    live_blocks++;
    return __real_calloc(count, bytes);
}

void *__wrap_reallocarray(void *old, size_t count, size_t bytes)
{
    if (!may_allocate())
        return NULL;
    live_blocks += !old;
    return __real_reallocarray(old, count, bytes);
}

void __wrap_free(void *block)
{
    live_blocks -= block != NULL;
    __real_free(block);
}

#endif
