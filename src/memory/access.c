/* SPDX-License-Identifier: MIT */
/* Access by guest address and length. The guest runs meanwhile: nothing is read twice. */
#include <endian.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "memory/layout.h"

/* The memory at @gpa, NULL if there is none. *bytes is cut to what one region has there. */
static unsigned char *piece(const struct vhv_memory *memory, uint64_t gpa, uint64_t *bytes)
{
    size_t position = vhv_memory_position(memory, gpa);
    const struct vhv_memory_slot *slot;
    uint64_t offset;

    if (position == memory->count)
        return NULL;
    slot = &memory->slot[memory->by_gpa[position]];
    if (slot->gpa > gpa)
        return NULL;
    offset = gpa - slot->gpa;
    if (*bytes > slot->mapping.bytes - offset)
        *bytes = slot->mapping.bytes - offset;
    return slot->mapping.host + offset;
}

static int fail_address(uint64_t gpa, uint64_t bytes, uint64_t hole)
{
    return vhv_fail(EFAULT, VHV_CAUSE_GUEST_ADDRESS,
                    "guest address %#" PRIx64 ", %" PRIu64
                    " bytes: there is no memory at %#" PRIx64,
                    gpa, bytes, hole);
}

/* No region reaches the end of the address space, so that a range that wraps fails here, too. */
static int check(const struct vhv_memory *memory, uint64_t gpa, uint64_t bytes)
{
    for (uint64_t done = 0, size; done < bytes; done += size) {
        size = bytes - done;
        if (!piece(memory, gpa + done, &size))
            return fail_address(gpa, bytes, gpa + done);
    }
    return 0;
}

int vhv_memory_write(struct vhv_memory *memory, uint64_t gpa, const void *data, size_t bytes)
{
    const unsigned char *from = data;
    int result = check(memory, gpa, bytes);

    if (result < 0)
        return result;
    for (uint64_t done = 0, size; done < bytes; done += size) {
        void *host;

        size = bytes - done;
        host = piece(memory, gpa + done, &size);
        memcpy(host, from + done, size);
    }
    return 0;
}

int vhv_memory_read(const struct vhv_memory *memory, uint64_t gpa, void *data, size_t bytes)
{
    unsigned char *to = data;
    int result = check(memory, gpa, bytes);

    if (result < 0)
        return result;
    for (uint64_t done = 0, size; done < bytes; done += size) {
        const void *host;

        size = bytes - done;
        host = piece(memory, gpa + done, &size);
        memcpy(to + done, host, size);
    }
    return 0;
}

int vhv_memory_fill(struct vhv_memory *memory, uint64_t gpa, uint8_t value, uint64_t bytes)
{
    int result = check(memory, gpa, bytes);

    if (result < 0)
        return result;
    for (uint64_t done = 0, size; done < bytes; done += size) {
        void *host;

        size = bytes - done;
        host = piece(memory, gpa + done, &size);
        memset(host, value, size);
    }
    return 0;
}

int vhv_memory_read_string(const struct vhv_memory *memory, uint64_t gpa, char *text, size_t bytes)
{
    /* What is returned is an int. */
    size_t room = bytes < INT_MAX ? bytes : INT_MAX;

    for (uint64_t done = 0, size; done < room; done += size) {
        const unsigned char *from;
        const char *end;

        size = room - done;
        from = piece(memory, gpa + done, &size);
        if (!from) {
            text[0] = 0;
            return fail_address(gpa, done + 1, gpa + done);
        }
        memcpy(text + done, from, size);
        end = memchr(text + done, 0, size);
        if (end)
            return (int)(end - text);
    }
    if (room)
        text[0] = 0;
    return vhv_fail(ENAMETOOLONG, VHV_CAUSE_NONE,
                    "the string at guest address %#" PRIx64 " does not end within %zu bytes", gpa,
                    room);
}

static int check_le(unsigned bytes)
{
    if (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8)
        return 0;
    return vhv_fail(EINVAL, VHV_CAUSE_NONE, "a number of %u bytes: it must be 1, 2, 4 or 8", bytes);
}

int vhv_memory_read_le(const struct vhv_memory *memory, uint64_t gpa, unsigned bytes,
                       uint64_t *value)
{
    uint64_t little = 0;
    int result = check_le(bytes);

    if (result == 0)
        result = vhv_memory_read(memory, gpa, &little, bytes);
    if (result == 0)
        *value = le64toh(little);
    return result;
}

int vhv_memory_write_le(struct vhv_memory *memory, uint64_t gpa, unsigned bytes, uint64_t value)
{
    uint64_t little = htole64(value);
    int result = check_le(bytes);

    if (result < 0)
        return result;
    if (bytes < 8 && value >> (8 * bytes))
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "%#" PRIx64 " does not fit %u bytes", value, bytes);
    return vhv_memory_write(memory, gpa, &little, bytes);
}

void *vhv_memory_at(struct vhv_memory *memory, uint64_t gpa, uint64_t bytes)
{
    uint64_t size = bytes;
    unsigned char *host = piece(memory, gpa, &size);

    if (!host) {
        fail_address(gpa, bytes, gpa);
        return NULL;
    }
    if (size < bytes) {
        vhv_fail(EFAULT, VHV_CAUSE_GUEST_ADDRESS,
                 "guest address %#" PRIx64 ", %" PRIu64 " bytes: the region ends after %" PRIu64,
                 gpa, bytes, size);
        return NULL;
    }
    return host;
}
