/* SPDX-License-Identifier: MIT */
/* The grammar of a line of a .vmx file. */
#ifndef VHV_CONFIG_LINE_H
#define VHV_CONFIG_LINE_H

#include <stdbool.h>

#include "config/dictionary.h"

/* Reads one line, without its newline. Returns 0, or -EINVAL with the column in the message, or
 * -ENOMEM. */
int vhv_line_parse(struct vhv_line **ret, const char *text, unsigned number);

/* Whether a byte is written as |HH. */
bool vhv_is_control(char c);

/* The byte that "|HH" stands for, or -1 if @text does not begin so. */
int vhv_escaped_byte(const char *text);

/* Puts bytes in the place of their escapes, which are longer. None of them is a NUL. */
void vhv_escapes_undo(char *text);

/* Whether a line could have this name. Returns 0 or -EINVAL. */
int vhv_key_check(const char *key);

#endif
