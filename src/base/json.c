/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Integers up to here are exact in every reader and writer of JSON. */
#define MAX_INTEGER (UINT64_C(1) << 53)

static int fail_at(const char *text, const char *where, const char *what)
{
    const char *line_start = text;
    size_t line = 1;

    for (const char *c = text; c < where; c++) {
        if (*c == '\n') {
            line++;
            line_start = c + 1;
        }
    }
    return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "JSON, line %zu, column %zu: %s", line,
                    (size_t)(where - line_start) + 1, what);
}

/* The backslash at @at is not itself escaped by one before it. */
static bool begins_escape(const char *text, const char *at)
{
    const char *first = at;

    while (first > text && first[-1] == '\\')
        first--;
    return (at - first) % 2 == 0;
}

/* cJSON hands strings out with a NUL at their end: one inside would hide what follows it. */
static int refuse_nul(const char *text, size_t bytes)
{
    static const char escape[] = "\\u0000";
    const char *end = text + bytes, *found = memchr(text, '\0', bytes);

    if (found)
        return fail_at(text, found, "a NUL byte");
    for (const char *at = text; (found = memmem(at, (size_t)(end - at), escape, 6));
         at = found + 1) {
        if (begins_escape(text, found))
            return fail_at(text, found, "a NUL in a string");
    }
    return 0;
}

int vhv_json_read(cJSON **ret, const char *text, size_t bytes)
{
    const char *end = text;
    cJSON *root;
    int result = refuse_nul(text, bytes);

    if (result < 0)
        return result;
    /* cJSON does not tell a failed allocation from malformed text, malloc() does. */
    errno = 0;
    root = cJSON_ParseWithLengthOpts(text, bytes, &end, false);
    if (!root)
        return errno == ENOMEM ? vhv_fail_memory(bytes) : fail_at(text, end, "malformed JSON");
    while (end < text + bytes && strchr(" \t\r\n", *end))
        end++;
    if (end < text + bytes) {
        cJSON_Delete(root);
        return fail_at(text, end, "text after the end of the object");
    }
    *ret = root;
    return 0;
}

static int parse_string(const char *text, unsigned bits, uint64_t *value)
{
    bool has_prefix = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    size_t digits = has_prefix ? strspn(text + 2, "0123456789abcdefABCDEF") : 0;

    if (digits == 0 || text[2 + digits] != '\0')
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                        "the string is not a hexadecimal number such as \"0x1f\"");
    if (digits * 4 > bits)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "the number has more than %u bits", bits);
    *value = strtoull(text, NULL, 16);
    return 0;
}

int vhv_json_number(const cJSON *item, unsigned bits, uint64_t *value)
{
    uint64_t limit = bits == 32 ? UINT32_MAX : MAX_INTEGER;
    double number;

    if (cJSON_IsString(item))
        return parse_string(item->valuestring, bits, value);
    if (!cJSON_IsNumber(item))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "this is neither a string nor a number");
    number = item->valuedouble;
    if (!(number >= 0 && number <= (double)limit) || number != (double)(uint64_t)number)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "the number is not an integer from 0 to %" PRIu64,
                        limit);
    *value = (uint64_t)number;
    return 0;
}
