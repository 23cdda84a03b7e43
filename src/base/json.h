/* SPDX-License-Identifier: MIT */
/* What all readers of JSON have in common. */
#ifndef VHV_BASE_JSON_H
#define VHV_BASE_JSON_H

#include <stddef.h>
#include <stdint.h>

struct cJSON;

/*
 * Reads one JSON value, which is all of @text. *@ret is to be freed by cJSON_Delete(). Its strings
 * have no NUL. Returns 0, -EINVAL with a message that names line and column, or -ENOMEM.
 */
int vhv_json_read(struct cJSON **ret, const char *text, size_t bytes);

/*
 * The value of a hexadecimal string such as "0x1f", or of an integer, of at most @bits (32 or 64).
 * Returns 0, or -EINVAL with a message that leaves it to the caller to name the member.
 */
int vhv_json_number(const struct cJSON *item, unsigned bits, uint64_t *value);

#endif
