/* SPDX-License-Identifier: MIT */
#include <libvhv/mask.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpuid/mask_text.h"

/* By enum vhv_mask_op. */
static const char op_characters[] = "-01hrtfxi";

enum kind { DASH, QUOTE, SPACE };

/* What word processors and web pages make of the characters of a mask. */
static const struct lookalike {
    uint32_t code;
    enum kind kind;
    const char *name;
} lookalikes[] = {
    {0x00a0, SPACE, "no-break space"},
    {0x00ab, QUOTE, "left guillemet"},
    {0x00ad, DASH, "soft hyphen"},
    {0x00bb, QUOTE, "right guillemet"},
    {0x2010, DASH, "typographic hyphen"},
    {0x2011, DASH, "no-break hyphen"},
    {0x2012, DASH, "figure dash"},
    {0x2013, DASH, "en dash"},
    {0x2014, DASH, "em dash"},
    {0x2015, DASH, "horizontal bar"},
    {0x2018, QUOTE, "left single quotation mark"},
    {0x2019, QUOTE, "right single quotation mark"},
    {0x201a, QUOTE, "low single quotation mark"},
    {0x201c, QUOTE, "left double quotation mark"},
    {0x201d, QUOTE, "right double quotation mark"},
    {0x201e, QUOTE, "low double quotation mark"},
    {0x202f, SPACE, "narrow no-break space"},
    {0x2212, DASH, "minus sign"},
};

static const char *const meant[] = {
    [DASH] = "a mask has one ASCII '-' for each bit that it leaves alone",
    [QUOTE] = "quotes go around the mask, not into it, and are ASCII '\"'",
    [SPACE] = "groups are kept apart by ':' or an ASCII space",
};

static int op_of(char c)
{
    switch (vhv_ascii_lower(c)) {
    case '-':
        return VHV_MASK_PASS;
    case '0':
        return VHV_MASK_HIDE;
    case '1':
        return VHV_MASK_FORCE;
    case 'h':
        return VHV_MASK_HOST;
    case 'r':
        return VHV_MASK_RESERVED;
    case 't':
        return VHV_MASK_TRUE;
    case 'f':
        return VHV_MASK_FALSE;
    case 'x':
        return VHV_MASK_IGNORE;
    case 'i':
        return VHV_MASK_INSTALL;
    default:
        return -1;
    }
}

static int fail_at_character(const char *text, size_t offset)
{
    unsigned char c = (unsigned char)text[offset];
    uint32_t code;

    vhv_text_decode(text + offset, &code);
    for (size_t i = 0; i < sizeof(lookalikes) / sizeof(lookalikes[0]); i++) {
        if (lookalikes[i].code == code)
            return vhv_text_fail_at(text, offset, "found a typographic character, %s (U+%04X): %s",
                                    lookalikes[i].name, code, meant[lookalikes[i].kind]);
    }
    if (c == '"' || c == '\'')
        return vhv_text_fail_at(text, offset, "found a quotation mark: %s", meant[QUOTE]);
    if (c == '\\')
        return vhv_text_fail_at(text, offset,
                                "found a backslash: \"\\-\" is how Markdown escapes '-': leave the "
                                "backslashes out");
    if (code == VHV_TEXT_INVALID)
        return vhv_text_fail_at(text, offset, "found byte %02xh, which is not UTF-8", c);
    if (code < 0x20 || code >= 0x7f)
        return vhv_text_fail_at(text, offset, "found character U+%04X: a mask is of \"%s\"", code,
                                op_characters);
    return vhv_text_fail_at(text, offset, "found '%c': a mask is of \"%s\"", c, op_characters);
}

/* A text of hexadecimal digits alone that no mask could have is a register's value. */
static int fail_if_number(const char *text)
{
    bool prefixed = text[0] == '0' && vhv_ascii_lower(text[1]) == 'x';
    const char *digits = prefixed ? text + 2 : text;
    size_t length = strspn(digits, "0123456789abcdefABCDEF");
    char offer[VHV_MASK_TEXT_BYTES];
    struct vhv_mask mask;
    unsigned long value;

    if (length == 0 || digits[length] || (!prefixed && digits[strspn(digits, "01fF")] == 0))
        return 0;
    if (!prefixed || length > 8)
        return vhv_text_fail_at(text, 0,
                                "found a number: a mask has 32 characters of \"%s\", one "
                                "for each bit, bit 31 first",
                                op_characters);
    value = strtoul(digits, NULL, 16);
    for (int bit = 0; bit < 32; bit++)
        mask.op[bit] = value >> bit & 1 ? VHV_MASK_FORCE : VHV_MASK_HIDE;
    vhv_mask_format(&mask, offer);
    return vhv_text_fail_at(text, 0,
                            "found a number: as a mask, one character for each bit, it is "
                            "\"%s\"",
                            offer);
}

/* Fills in bits from 31 down. Returns how many mask characters there were, or a negative errno. */
static int read_characters(struct vhv_mask *mask, const char *text)
{
    int count = 0;

    for (size_t i = 0; text[i]; i++) {
        int op = op_of(text[i]);

        if (text[i] == ':' || text[i] == ' ')
            continue;
        if (op < 0)
            return fail_at_character(text, i);
        if (count == 32)
            return vhv_text_fail_at(text, i,
                                    "found a 33rd mask character: a mask has 32, one for "
                                    "each bit, bit 31 first");
        mask->op[31 - count++] = (uint8_t)op;
    }
    return count;
}

int vhv_mask_parse(struct vhv_mask *mask, const char *text)
{
    struct vhv_mask read;
    int count = fail_if_number(text);

    if (count < 0)
        return count;
    count = read_characters(&read, text);
    if (count < 0)
        return count;
    if (count < 32)
        return vhv_text_fail_at(text, strlen(text),
                                "found the end after %d mask character%s: a mask has 32, one for "
                                "each bit, bit 31 first",
                                count, count == 1 ? "" : "s");
    *mask = read;
    return 0;
}

void vhv_mask_format(const struct vhv_mask *mask, char text[VHV_MASK_TEXT_BYTES])
{
    char *at = text;

    for (int bit = 31; bit >= 0; bit--) {
        *at++ = mask->op[bit] <= VHV_MASK_INSTALL ? op_characters[mask->op[bit]] : '?';
        if (bit % 4 == 0 && bit)
            *at++ = ':';
    }
    *at = 0;
}
