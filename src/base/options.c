/* SPDX-License-Identifier: MIT */
#include "base/options.h"

#include <string.h>

#include "base/error.h"

int vhv_options_read(void *known, size_t known_bytes, const void *given, const char *what)
{
    const unsigned char *bytes = given;
    size_t size;

    memset(known, 0, known_bytes);
    if (!given)
        return 0;
    memcpy(&size, given, sizeof(size));
    if (size < sizeof(size))
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "struct %s: size is %zu: set it to sizeof(struct %s)", what, size, what);
    for (size_t i = known_bytes; i < size; i++) {
        if (bytes[i])
            return vhv_fail(
                EINVAL, VHV_CAUSE_NONE,
                "struct %s: byte %zu is set, but this libvhv (%s) knows only %zu bytes of it", what,
                i, vhv_version(), known_bytes);
    }
    memcpy(known, given, size < known_bytes ? size : known_bytes);
    return 0;
}

size_t vhv_options_bytes(const void *given, size_t known_bytes)
{
    size_t size;

    memcpy(&size, given, sizeof(size));
    return size < known_bytes ? size : known_bytes;
}
