/* SPDX-License-Identifier: MIT */
/* Option structs that can grow: they start with `size_t size`, zero is the default of every field.
 */
#ifndef VHV_BASE_OPTIONS_H
#define VHV_BASE_OPTIONS_H

#include <stddef.h>

/*
 * Copies the caller's options into @known, a struct of @known_bytes that starts zeroed by this
 * function. NULL gives the defaults; a shorter struct (an older program) leaves the rest zero; a
 * longer one (a newer program) is accepted only if what is unknown here is zero. @what names the
 * struct in the message. Returns 0, or -EINVAL with a message.
 */
int vhv_options_read(void *known, size_t known_bytes, const void *given, const char *what);

/*
 * How many bytes of the caller's options may be written: as many as both the caller and this
 * library, whose struct has @known_bytes, know of.
 */
size_t vhv_options_bytes(const void *given, size_t known_bytes);

#endif
