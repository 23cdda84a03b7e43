/* SPDX-License-Identifier: MIT */
#include "cpuid/mask_text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Of a long text, this many characters before and after the column are shown. */
enum { SHOWN_BEFORE = 60, SHOWN_AFTER = 20 };

size_t vhv_text_decode(const char *text, uint32_t *code)
{
    /* By the number of leading ones of the first byte; the least code keeps out overlong forms. */
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = (size_t)__builtin_clz(~((uint32_t)bytes[0] << 24));
    uint32_t value;

    *code = bytes[0];
    if (length == 0)
        return 1;
    *code = VHV_TEXT_INVALID;
    if (length == 1 || length > 4)
        return 1;
    value = bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (bytes[i] & 0x3f);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 1;
    *code = value;
    return length;
}

static bool is_printable(uint32_t code)
{
    return code >= 0x20 && !(code >= 0x7f && code < 0xa0) && code != VHV_TEXT_INVALID;
}

void vhv_text_printable(char *to, size_t to_bytes, const char *text)
{
    size_t used = 0;

    while (*text) {
        uint32_t code;
        size_t length = vhv_text_decode(text, &code);
        const char *shown = is_printable(code) ? text : "?";
        size_t shown_bytes = is_printable(code) ? length : 1;

        if (used + shown_bytes >= to_bytes)
            break;
        memcpy(to + used, shown, shown_bytes);
        used += shown_bytes;
        text += length;
    }
    to[used] = 0;
}

/* The byte at which the @count-th character begins. */
static size_t offset_of(const char *text, size_t count)
{
    size_t offset = 0;
    uint32_t code;

    while (count-- && text[offset])
        offset += vhv_text_decode(text + offset, &code);
    return offset;
}

static size_t characters_before(const char *text, size_t offset)
{
    size_t count = 0;
    uint32_t code;

    for (size_t at = 0; at < offset; count++)
        at += vhv_text_decode(text + at, &code);
    return count;
}

int vhv_text_fail_at(const char *text, size_t offset, const char *format, ...)
{
    char message[384], part[4 * (SHOWN_BEFORE + SHOWN_AFTER) + 1];
    size_t column = characters_before(text, offset);
    size_t skipped = column > SHOWN_BEFORE ? column - SHOWN_BEFORE : 0;
    const char *from = text + offset_of(text, skipped);
    size_t part_bytes = offset_of(from, SHOWN_BEFORE + SHOWN_AFTER);
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    vhv_text_printable(part, part_bytes + 1, from);
    return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "column %zu: %s\n    %s%s\n    %*s^", column + 1,
                    message, skipped ? "..." : "", part,
                    (int)(column - skipped) + (skipped ? 3 : 0), "");
}
