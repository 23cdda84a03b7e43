/* SPDX-License-Identifier: MIT */
/* The one place of this room that opens a file. */
#include <fcntl.h>
#include <libvhv/config.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* Reads up to its end, or one byte more than a configuration can have. Returns the number of bytes,
 * or a negative errno. */
static ssize_t read_all(int fd, char *text)
{
    size_t bytes = 0;

    while (bytes <= VHV_CONFIG_MAX_BYTES) {
        ssize_t got = read(fd, text + bytes, VHV_CONFIG_MAX_BYTES + 1 - bytes);

        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        bytes += (size_t)got;
    }
    return (ssize_t)bytes;
}

/* A line of a .vmx file could begin so, too, with a name that nobody would give. */
static bool is_json(const char *text, size_t bytes)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    size_t at = 0;

    if (bytes >= 3 && memcmp(text, byte_order_mark, 3) == 0)
        at = 3;
    while (at < bytes && strchr(" \t\r\n", text[at]) && text[at])
        at++;
    return at < bytes && text[at] == '{';
}

static int load(struct vhv_config **ret, int fd, const char *path)
{
    char *text = malloc(VHV_CONFIG_MAX_BYTES + 1);
    ssize_t bytes;
    int result;

    if (!text)
        return vhv_fail_memory(VHV_CONFIG_MAX_BYTES + 1);
    bytes = read_all(fd, text);
    if (bytes < 0)
        result = vhv_fail((int)-bytes, VHV_CAUSE_NONE, "%s cannot be read: %s", path,
                          strerror((int)-bytes));
    else if (is_json(text, (size_t)bytes))
        result = vhv_config_parse_json(ret, text, (size_t)bytes, path);
    else
        result = vhv_config_parse(ret, text, (size_t)bytes, path);
    free(text);
    return result;
}

int vhv_config_load(struct vhv_config **ret, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int result;

    if (fd < 0) {
        int code = errno;

        return vhv_fail(code, VHV_CAUSE_NONE, "%s cannot be opened: %s", path, strerror(code));
    }
    result = load(ret, fd, path);
    close(fd);
    return result;
}
