/* SPDX-License-Identifier: MIT */
#include "bus/bus.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"

enum { SPACES = VHV_SPACE_MMIO + 1, MAX_ACCESS_BYTES = 8 };

struct range {
    /* By an access's size: the number of offsets at which one call of a handler can do it; 0 for a
     * size that has to be split. */
    uint64_t offsets[MAX_ACCESS_BYTES + 1];
    uint64_t first;
    uint64_t last;
    struct vhv_bus_ops ops; /* neither is NULL */
    void *cookie;
    char name[]; /* in quotes, or a word for having none */
};

/* Ends lie beside each other, so that a look-up touches few cache lines. */
struct slot {
    uint64_t last;
    const struct range *range;
};

/* The ranges of one space, ascending. Slots without a range end at UINT64_MAX, too, so that a
 * look-up needs no bound. */
struct map {
    size_t count;
    size_t step; /* the first step of a look-up */
    struct slot slot[VHV_BUS_MAX_RANGES];
};

struct vhv_bus {
    struct map map[SPACES];
    pthread_mutex_t lock; /* of changes; look-ups come after the last change */
    bool sealed;
};

/* Has no address: no access's size fits. */
static const struct range no_range = {.first = UINT64_MAX};

static const char *const space_names[SPACES] = {"port", "memory"};

int vhv_bus_new(struct vhv_bus **ret)
{
    struct vhv_bus *bus = calloc(1, sizeof(*bus));

    if (!bus)
        return vhv_fail_memory(sizeof(*bus));
    for (int space = 0; space < SPACES; space++)
        for (size_t i = 0; i < VHV_BUS_MAX_RANGES; i++)
            bus->map[space].slot[i] = (struct slot){.last = UINT64_MAX, .range = &no_range};
    pthread_mutex_init(&bus->lock, NULL);
    *ret = bus;
    return 0;
}

void vhv_bus_free(struct vhv_bus *bus)
{
    if (!bus)
        return;
    for (int space = 0; space < SPACES; space++)
        for (size_t i = 0; i < bus->map[space].count; i++)
            free((void *)bus->map[space].slot[i].range);
    pthread_mutex_destroy(&bus->lock);
    free(bus);
}

static void set_sealed(struct vhv_bus *bus, bool sealed)
{
    pthread_mutex_lock(&bus->lock);
    bus->sealed = sealed;
    pthread_mutex_unlock(&bus->lock);
}

void vhv_bus_seal(struct vhv_bus *bus)
{
    set_sealed(bus, true);
}

void vhv_bus_unseal(struct vhv_bus *bus)
{
    set_sealed(bus, false);
}

static int read_ones(void *cookie, uint64_t offset, unsigned bytes, uint64_t *value)
{
    (void)cookie;
    (void)offset;
    (void)bytes;
    *value = UINT64_MAX;
    return 0;
}

static int write_nowhere(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)cookie;
    (void)offset;
    (void)bytes;
    (void)value;
    return 0;
}

static struct range *new_range(uint64_t first, uint64_t last, const struct vhv_bus_ops *ops,
                               void *cookie, const char *name)
{
    size_t name_bytes = name ? strlen(name) + 3 : sizeof("a nameless range");
    struct range *range = malloc(sizeof(*range) + name_bytes);

    if (!range) {
        vhv_fail_memory(sizeof(*range) + name_bytes);
        return NULL;
    }
    *range = (struct range){
        .first = first,
        .last = last,
        .ops = {.read = ops->read ? ops->read : read_ones,
                .write = ops->write ? ops->write : write_nowhere},
        .cookie = cookie,
    };
    for (unsigned size = 1; size <= MAX_ACCESS_BYTES; size *= 2)
        if (last - first >= size - 1)
            range->offsets[size] = last - first - size + 2;
    if (name)
        snprintf(range->name, name_bytes, "'%s'", name);
    else
        memcpy(range->name, "a nameless range", name_bytes);
    return range;
}

/* The first range that ends at or above @address, if any does: no other can have it. */
static inline const struct slot *slot_for(const struct map *map, uint64_t address)
{
    const struct slot *slot = map->slot;

    for (size_t step = map->step; step; step /= 2)
        if (slot[step - 1].last < address)
            slot += step;
    return slot;
}

static int refuse_overlap(const struct range *range, enum vhv_space space,
                          const struct range *other)
{
    return vhv_fail(EEXIST, VHV_CAUSE_NONE,
                    "%s at %s 0x%" PRIx64 "-0x%" PRIx64 " overlaps %s at 0x%" PRIx64 "-0x%" PRIx64,
                    range->name, space_names[space], range->first, range->last, other->name,
                    other->first, other->last);
}

static int insert(struct map *map, enum vhv_space space, const struct range *range)
{
    size_t place = 0;

    while (place < map->count && map->slot[place].last < range->first)
        place++;
    if (place < map->count && map->slot[place].range->first <= range->last)
        return refuse_overlap(range, space, map->slot[place].range);
    if (map->count == VHV_BUS_MAX_RANGES)
        return vhv_fail(ENOSPC, VHV_CAUSE_NONE, "%s at %s 0x%" PRIx64 ": the bus is full (%d)",
                        range->name, space_names[space], range->first, VHV_BUS_MAX_RANGES);
    memmove(map->slot + place + 1, map->slot + place, (map->count - place) * sizeof(map->slot[0]));
    map->slot[place] = (struct slot){.last = range->last, .range = range};
    map->count++;
    /* The largest power of two below the count, so that the steps' sum reaches the last range. */
    if (map->count > 1)
        map->step = (size_t)1 << (63 - __builtin_clzl(map->count - 1));
    return 0;
}

int vhv_bus_add(struct vhv_bus *bus, enum vhv_space space, uint64_t base, uint64_t bytes,
                const struct vhv_bus_ops *ops, void *cookie, const char *name)
{
    struct range *range;
    uint64_t last;
    int result;

    if ((unsigned)space >= SPACES)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "%d is no space of a bus", space);
    if (vhv_range_invalid(base, bytes, &last) || (space == VHV_SPACE_PORT && last > UINT16_MAX))
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "%s 0x%" PRIx64 ", 0x%" PRIx64 " bytes: the range is %s",
                        space_names[space], base, bytes, bytes ? "beyond the space" : "empty");
    range = new_range(base, last, ops, cookie, name);
    if (!range)
        return -ENOMEM;
    pthread_mutex_lock(&bus->lock);
    if (bus->sealed)
        result = vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE,
                          "%s: ranges can be added only before power-on", range->name);
    else
        result = insert(&bus->map[space], space, range);
    pthread_mutex_unlock(&bus->lock);
    if (result < 0)
        free(range);
    return result;
}

/* Host and guest are little endian: the low bytes of a value are its first ones. The sizes are
 * spelt out because they are then single moves. */
static inline uint64_t load(const void *data, unsigned bytes)
{
    uint64_t value = 0;

    switch (bytes) {
    case 1:
        memcpy(&value, data, 1);
        break;
    case 2:
        memcpy(&value, data, 2);
        break;
    case 4:
        memcpy(&value, data, 4);
        break;
    default:
        memcpy(&value, data, 8);
    }
    return value;
}

static inline void store(void *data, unsigned bytes, uint64_t value)
{
    switch (bytes) {
    case 1:
        memcpy(data, &value, 1);
        break;
    case 2:
        memcpy(data, &value, 2);
        break;
    case 4:
        memcpy(data, &value, 4);
        break;
    default:
        memcpy(data, &value, 8);
    }
}

static __attribute__((cold, noinline)) int handler_failed(const struct range *range,
                                                          const char *verb, int result)
{
    return vhv_fail(-result, VHV_CAUSE_NONE,
                    "%s at 0x%" PRIx64 "-0x%" PRIx64 ": the %s handler failed: %s", range->name,
                    range->first, range->last, verb, strerror(-result));
}

static int read_range(const struct range *range, uint64_t offset, unsigned bytes, void *data)
{
    uint64_t value = UINT64_MAX;
    int result = range->ops.read(range->cookie, offset, bytes, &value);

    store(data, bytes, value);
    return result < 0 ? handler_failed(range, "read", result) : result;
}

static int write_range(const struct range *range, uint64_t offset, unsigned bytes, const void *data)
{
    int result = range->ops.write(range->cookie, offset, bytes, load(data, bytes));

    return result < 0 ? handler_failed(range, "write", result) : result;
}

/* The longest naturally aligned part at @address of at most @bytes that @range has whole. */
static unsigned part_bytes(const struct range *range, uint64_t address, unsigned bytes)
{
    uint64_t beyond = range->last - address;
    unsigned part = 1;

    while (2 * part <= bytes && 2 * part - 1 <= beyond && vhv_is_aligned(address, 2 * part))
        part *= 2;
    return part;
}

static __attribute__((cold, noinline)) int access_in_parts(const struct map *map, bool is_write,
                                                           uint64_t address, void *data,
                                                           unsigned bytes)
{
    bool claimed = false, handled = false;
    unsigned char *here = data;
    uint64_t last;

    if (bytes > MAX_ACCESS_BYTES || vhv_range_invalid(address, bytes, &last))
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "an access of %u bytes at 0x%" PRIx64 " is none of 1 to 8 bytes or wraps",
                        bytes, address);
    for (unsigned part; bytes; address += part, here += part, bytes -= part) {
        const struct range *range = slot_for(map, address)->range;
        uint64_t offset = address - range->first;
        int result;

        part = 1;
        if (offset >= range->offsets[1]) {
            if (!is_write)
                *here = UINT8_MAX;
            continue;
        }
        part = part_bytes(range, address, bytes);
        result = is_write ? write_range(range, offset, part, here)
                          : read_range(range, offset, part, here);
        if (result < 0)
            return result;
        claimed = true;
        handled |= result;
    }
    return claimed ? handled : 2;
}

/* On the path of every exit that handlers take care of: what is common is short and straight. */
static inline __attribute__((always_inline)) int access_map(const struct map *map, bool is_write,
                                                            uint64_t address, void *data,
                                                            unsigned bytes)
{
    if (bytes <= MAX_ACCESS_BYTES) {
        const struct range *range = slot_for(map, address)->range;
        /* An address below the range wraps to an offset beyond its end. */
        uint64_t offset = address - range->first;

        if (offset < range->offsets[bytes])
            return is_write ? write_range(range, offset, bytes, data)
                            : read_range(range, offset, bytes, data);
    }
    return access_in_parts(map, is_write, address, data, bytes);
}

int vhv_bus_access_port(const struct vhv_bus *bus, bool is_write, uint16_t port, void *data,
                        unsigned bytes)
{
    return access_map(&bus->map[VHV_SPACE_PORT], is_write, port, data, bytes);
}

int vhv_bus_access_mmio(const struct vhv_bus *bus, bool is_write, uint64_t gpa, void *data,
                        unsigned bytes)
{
    return access_map(&bus->map[VHV_SPACE_MMIO], is_write, gpa, data, bytes);
}

int vhv_bus_access(const struct vhv_bus *bus, enum vhv_space space, bool is_write, uint64_t address,
                   void *data, unsigned bytes)
{
    if ((unsigned)space >= SPACES)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "%d is no space of a bus", space);
    return access_map(&bus->map[space], is_write, address, data, bytes);
}
