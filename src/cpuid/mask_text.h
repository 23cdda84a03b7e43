/* SPDX-License-Identifier: MIT */
/* Reading masks and keys that people wrote, and showing them where they went wrong. */
#ifndef VHV_CPUID_MASK_TEXT_H
#define VHV_CPUID_MASK_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* What vhv_text_decode() gives for bytes that are not UTF-8. */
enum { VHV_TEXT_INVALID = 0xfffd };

/* Not tolower(): what a key means does not depend on the locale. */
static inline char vhv_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Decodes the character at @text, which is not at its end. Returns its length in bytes; 1 for a
 * byte that begins no character. */
size_t vhv_text_decode(const char *text, uint32_t *code);

/*
 * Fails with "column N: <message>", and below it the part of @text around the byte at @offset with
 * a caret under it. Columns count characters from 1. Returns -EINVAL, cause syntax.
 */
int vhv_text_fail_at(const char *text, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Copies as much of @text as fits, with '?' for control characters and what is not UTF-8, so that
 * a message cannot upset a terminal. */
void vhv_text_printable(char *to, size_t to_bytes, const char *text);

#endif
