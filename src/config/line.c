/* SPDX-License-Identifier: MIT */
#include "config/line.h"

#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "base/error.h"
#include "cpuid/mask_text.h"

static const char white[] = " \t";
static const char ends_name[] = " \t=#";
static const char byte_order_mark[] = "\xef\xbb\xbf";

static size_t skip_white(const char *text, size_t at)
{
    return at + strspn(text + at, white);
}

bool vhv_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* @text may be a whole line, with the name at @at; nothing in the name is in ends_name. */
static int check_name(const char *text, size_t at, size_t bytes)
{
    if (bytes == 0)
        return vhv_text_fail_at(text, at, "found no name: a line is name = \"value\"");
    if (strncmp(text + at, byte_order_mark, strlen(byte_order_mark)) == 0)
        return vhv_text_fail_at(text, at,
                                "found a byte order mark, which only a file may begin with, once");
    for (size_t i = at; i < at + bytes; i++) {
        if (vhv_is_control(text[i]))
            return vhv_text_fail_at(text, i, "found the control character %02xh in a name",
                                    (unsigned char)text[i]);
    }
    return 0;
}

int vhv_key_check(const char *key)
{
    size_t bytes = strcspn(key, ends_name);

    if (key[bytes])
        return vhv_text_fail_at(key, bytes, "found '%c': a name has no white space, '=' and '#'",
                                key[bytes]);
    return check_name(key, 0, bytes);
}

/* A value in these would come with its quotes, and end at its first space. */
static int check_first_character(const char *text, size_t at)
{
    static const uint32_t quotes[] = {0xab,   0xbb,   0x2018, 0x2019, 0x201a,
                                      0x201b, 0x201c, 0x201d, 0x201e, 0x201f};
    uint32_t code = 0;

    if (text[at])
        vhv_text_decode(text + at, &code);
    for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
        if (code == quotes[i])
            return vhv_text_fail_at(text, at,
                                    "found a typographic quotation mark (U+%04X): quotes around a "
                                    "value are ASCII '\"'",
                                    code);
    }
    return 0;
}

/* Finds the value at @at. Returns where the rest of the line begins, or -EINVAL. */
static ssize_t find_value(struct vhv_span *value, const char *text, size_t at)
{
    bool quoted = text[at] == '"';
    size_t first = at + quoted;
    size_t end = first + strcspn(text + first, quoted ? "\"" : " \t#");
    size_t rest;

    if (quoted && !text[end])
        return vhv_text_fail_at(text, at, "found a quotation mark that is never closed");
    if (!quoted) {
        int result = check_first_character(text, at);

        if (result < 0)
            return result;
    }
    *value = (struct vhv_span){.text = text + first, .bytes = end - first};
    rest = skip_white(text, end + quoted);
    if (text[rest] && text[rest] != '#')
        return vhv_text_fail_at(text, rest, "found more after the value: %s",
                                quoted ? "a '\"' in a value is written |22"
                                       : "a value with white space in it needs quotes");
    return (ssize_t)rest;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = vhv_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int vhv_escaped_byte(const char *text)
{
    if (text[0] != '|' || digit_of(text[1]) < 0 || digit_of(text[2]) < 0)
        return -1;
    return digit_of(text[1]) << 4 | digit_of(text[2]);
}

static int check_escapes(const char *text, const struct vhv_span *value)
{
    for (size_t i = 0; i + 2 < value->bytes; i++) {
        if (vhv_escaped_byte(value->text + i) == 0)
            return vhv_text_fail_at(text, (size_t)(value->text - text) + i,
                                    "found |00, a NUL byte, which no value can have");
    }
    return 0;
}

void vhv_escapes_undo(char *text)
{
    char *to = text;

    while (*text) {
        int byte = vhv_escaped_byte(text);

        *to++ = (char)(byte < 0 ? *text : byte);
        text += byte < 0 ? 1 : 3;
    }
    *to = 0;
}

static int parse_assignment(struct vhv_line **ret, const char *text, size_t at, unsigned number)
{
    struct vhv_span key = {.text = text + at, .bytes = strcspn(text + at, ends_name)};
    struct vhv_span value;
    struct vhv_line *line;
    ssize_t rest;
    int result = check_name(text, at, key.bytes);

    if (result < 0)
        return result;
    at = skip_white(text, at + key.bytes);
    if (text[at] != '=')
        return vhv_text_fail_at(text, at, "found no '=' after the name");
    rest = find_value(&value, text, skip_white(text, at + 1));
    if (rest < 0)
        return (int)rest;
    result = check_escapes(text, &value);
    if (result < 0)
        return result;
    line = vhv_line_new(number, &key, &value, text + rest);
    if (!line)
        return -ENOMEM;
    vhv_escapes_undo(line->text + (line->value - line->text));
    *ret = line;
    return 0;
}

int vhv_line_parse(struct vhv_line **ret, const char *text, unsigned number)
{
    size_t at = skip_white(text, 0), newline = strcspn(text, "\n");
    struct vhv_line *line;

    if (text[newline])
        return vhv_text_fail_at(text, newline, "found a line end: one line is wanted");
    if (text[at] && text[at] != '#')
        return parse_assignment(ret, text, at, number);
    line = vhv_line_new(number, NULL, NULL, text);
    if (!line)
        return -ENOMEM;
    *ret = line;
    return 0;
}
