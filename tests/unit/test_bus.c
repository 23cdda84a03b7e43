/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"
#include "base/error.h"
#include "bus/bus.h"

/* A device that is plain memory and refuses what the bus promises never to send. */
struct device {
    uint64_t base;
    uint64_t bytes;
    unsigned char memory[32];
    unsigned calls;
    unsigned sizes; /* of the accesses, a decimal digit each */
    int result;
};

static void take_access(struct device *device, uint64_t offset, unsigned bytes)
{
    assert_true(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
    assert_true(offset < device->bytes && device->bytes - offset >= bytes);
    device->calls++;
    device->sizes = device->sizes * 10 + bytes;
}

static int device_read(void *cookie, uint64_t offset, unsigned bytes, uint64_t *value)
{
    struct device *device = cookie;

    take_access(device, offset, bytes);
    memcpy(value, device->memory + offset, bytes);
    return device->result;
}

static int device_write(void *cookie, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct device *device = cookie;

    take_access(device, offset, bytes);
    assert_true(bytes == 8 || value >> (8 * bytes) == 0);
    memcpy(device->memory + offset, &value, bytes);
    return device->result;
}

static const struct vhv_bus_ops device_ops = {.read = device_read, .write = device_write};

static struct vhv_bus *new_bus(void)
{
    struct vhv_bus *bus;

    assert_int_equal(vhv_bus_new(&bus), 0);
    return bus;
}

static int add(struct vhv_bus *bus, enum vhv_space space, struct device *device, const char *name)
{
    return vhv_bus_add(bus, space, device->base, device->bytes, &device_ops, device, name);
}

/* Two neighbours, a gap, a range of one byte, a gap, a long range. */
static const struct device layout[] = {
    {.base = 0x1009, .bytes = 3}, {.base = 0x100c, .bytes = 5},  {.base = 0x1014, .bytes = 1},
    {.base = 0x1018, .bytes = 8}, {.base = 0x1023, .bytes = 17},
};

enum { DEVICES = sizeof(layout) / sizeof(layout[0]), MODEL_BASE = 0x1000, MODEL_BYTES = 0x40 };

struct model {
    struct vhv_bus *bus;
    struct device device[DEVICES];
};

static void make_model(struct model *model, enum vhv_space space)
{
    /* Not in the order of addresses: the bus has to sort them. */
    static const int order[DEVICES] = {3, 0, 4, 1, 2};

    model->bus = new_bus();
    memcpy(model->device, layout, sizeof(layout));
    for (int i = 0; i < DEVICES; i++) {
        for (unsigned byte = 0; byte < sizeof(model->device[i].memory); byte++)
            model->device[i].memory[byte] = (unsigned char)(16 * i + byte);
        assert_int_equal(add(model->bus, space, &model->device[order[i]], "model"), 0);
    }
}

/* The byte of memory behind an address; NULL if nobody has it. */
static unsigned char *model_byte(struct model *model, uint64_t address)
{
    for (int i = 0; i < DEVICES; i++) {
        struct device *device = &model->device[i];

        if (address >= device->base && address - device->base < device->bytes)
            return device->memory + (address - device->base);
    }
    return NULL;
}

static void check_read(struct model *model, enum vhv_space space, uint64_t address, unsigned bytes)
{
    unsigned char data[9], expected[9];
    bool claimed = false;

    memset(data, 0xa5, sizeof(data));
    memset(expected, 0xa5, sizeof(expected));
    for (unsigned i = 0; i < bytes; i++) {
        const unsigned char *byte = model_byte(model, address + i);

        expected[i] = byte ? *byte : 0xff;
        claimed |= !!byte;
    }
    assert_int_equal(vhv_bus_access(model->bus, space, false, address, data, bytes),
                     claimed ? 0 : 2);
    assert_memory_equal(data, expected, sizeof(data));
}

static void check_write(struct model *model, enum vhv_space space, uint64_t address, unsigned bytes)
{
    struct model expected = *model;
    unsigned char data[8];
    bool claimed = false;

    for (unsigned i = 0; i < bytes; i++) {
        unsigned char *byte = model_byte(&expected, address + i);

        data[i] = (unsigned char)(address * 7 + i * 31 + bytes);
        if (byte)
            *byte = data[i];
        claimed |= !!byte;
    }
    assert_int_equal(vhv_bus_access(model->bus, space, true, address, data, bytes),
                     claimed ? 0 : 2);
    for (int i = 0; i < DEVICES; i++)
        assert_memory_equal(model->device[i].memory, expected.device[i].memory,
                            sizeof(expected.device[i].memory));
}

static void access_any_size_and_address_is_as_byte_by_byte(void **state)
{
    (void)state;
    for (int space = VHV_SPACE_PORT; space <= VHV_SPACE_MMIO; space++) {
        struct model model;

        make_model(&model, space);
        for (uint64_t address = MODEL_BASE; address < MODEL_BASE + MODEL_BYTES; address++) {
            for (unsigned bytes = 1; bytes <= 8; bytes++) {
                check_read(&model, space, address, bytes);
                check_write(&model, space, address, bytes);
            }
        }
        vhv_bus_free(model.bus);
    }
}

static void access_power_of_two_within_range_is_one_call(void **state)
{
    struct device device = {.base = 0x101, .bytes = 16};
    struct vhv_bus *bus = new_bus();
    uint64_t data = 0;

    (void)state;
    add(bus, VHV_SPACE_MMIO, &device, NULL);
    for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
        for (unsigned offset = 0; offset + bytes <= 16; offset++) {
            device.calls = 0;
            vhv_bus_access(bus, VHV_SPACE_MMIO, offset % 2, 0x101 + offset, &data, bytes);
            assert_int_equal(device.calls, 1);
        }
    }
    vhv_bus_free(bus);
}

static void access_odd_size_is_split_into_naturally_aligned_parts(void **state)
{
    static const struct {
        uint64_t address;
        unsigned bytes;
        unsigned sizes;
    } cases[] = {
        {0x100, 3, 21}, {0x101, 3, 12}, {0x100, 7, 421}, {0x102, 6, 24}, {0x103, 5, 14},
    };
    struct device device = {.base = 0x100, .bytes = 16};
    struct vhv_bus *bus = new_bus();
    uint64_t data = 0;

    (void)state;
    add(bus, VHV_SPACE_PORT, &device, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        device.sizes = 0;
        vhv_bus_access(bus, VHV_SPACE_PORT, false, cases[i].address, &data, cases[i].bytes);
        assert_int_equal(device.sizes, cases[i].sizes);
    }
    vhv_bus_free(bus);
}

static void access_spaces_are_apart(void **state)
{
    struct device port = {.base = 0x10, .bytes = 1, .memory = {1}};
    struct device memory = {.base = 0x10, .bytes = 1, .memory = {2}};
    struct vhv_bus *bus = new_bus();
    unsigned char data;

    (void)state;
    assert_int_equal(add(bus, VHV_SPACE_PORT, &port, NULL), 0);
    assert_int_equal(add(bus, VHV_SPACE_MMIO, &memory, NULL), 0);
    vhv_bus_access(bus, VHV_SPACE_PORT, false, 0x10, &data, 1);
    assert_int_equal(data, 1);
    vhv_bus_access(bus, VHV_SPACE_MMIO, false, 0x10, &data, 1);
    assert_int_equal(data, 2);
    vhv_bus_free(bus);
}

static void access_end_of_space_is_no_error_and_wrapping_is(void **state)
{
    struct device top = {.base = UINT64_MAX - 3, .bytes = 4, .memory = {1, 2, 3, 4}};
    struct device last_port = {.base = 0xffff, .bytes = 1, .memory = {0x12}};
    struct vhv_bus *bus = new_bus();
    uint32_t data = 0;

    (void)state;
    assert_int_equal(add(bus, VHV_SPACE_MMIO, &top, NULL), 0);
    assert_int_equal(add(bus, VHV_SPACE_PORT, &last_port, NULL), 0);
    assert_int_equal(vhv_bus_access(bus, VHV_SPACE_MMIO, false, UINT64_MAX - 3, &data, 4), 0);
    assert_int_equal(data, 0x04030201);
    assert_int_equal(vhv_bus_access(bus, VHV_SPACE_PORT, false, 0xffff, &data, 4), 0);
    assert_int_equal(data, 0xffffff12);
    assert_fails(vhv_bus_access(bus, VHV_SPACE_MMIO, false, UINT64_MAX - 2, &data, 4), EINVAL,
                 "0xfffffffffffffffd");
    vhv_bus_free(bus);
}

static void access_size_out_of_range_is_refused(void **state)
{
    struct device device = {.base = 0, .bytes = 32};
    struct vhv_bus *bus = new_bus();
    unsigned char data[16];

    (void)state;
    add(bus, VHV_SPACE_MMIO, &device, NULL);
    assert_fails(vhv_bus_access(bus, VHV_SPACE_MMIO, false, 0, data, 0), EINVAL, "0 bytes");
    assert_fails(vhv_bus_access(bus, VHV_SPACE_MMIO, true, 0, data, 9), EINVAL, "9 bytes");
    assert_fails(vhv_bus_access(bus, VHV_SPACE_MMIO, true, 0, data, 16), EINVAL, "16 bytes");
    assert_fails(vhv_bus_access(bus, 2, true, 0, data, 1), EINVAL, "space");
    assert_int_equal(device.calls, 0);
    vhv_bus_free(bus);
}

static void access_handler_returns_1_is_told_of_any_part(void **state)
{
    struct device quiet = {.base = 0x10, .bytes = 2};
    struct device telling = {.base = 0x12, .bytes = 2, .result = 1};
    struct device after = {.base = 0x14, .bytes = 2};
    struct vhv_bus *bus = new_bus();
    uint64_t data = 0;

    (void)state;
    add(bus, VHV_SPACE_MMIO, &quiet, NULL);
    add(bus, VHV_SPACE_MMIO, &telling, NULL);
    add(bus, VHV_SPACE_MMIO, &after, NULL);
    assert_int_equal(vhv_bus_access(bus, VHV_SPACE_MMIO, true, 0x12, &data, 2), 1);
    assert_int_equal(vhv_bus_access(bus, VHV_SPACE_MMIO, true, 0x10, &data, 4), 1);
    assert_int_equal(vhv_bus_access(bus, VHV_SPACE_MMIO, true, 0x13, &data, 4), 1);
    assert_int_equal(vhv_bus_access(bus, VHV_SPACE_MMIO, true, 0x10, &data, 2), 0);
    vhv_bus_free(bus);
}

static void access_handler_fails_stops_and_names_range(void **state)
{
    struct device failing = {.base = 0x10, .bytes = 2, .result = -EIO};
    struct device after = {.base = 0x12, .bytes = 2};
    struct vhv_bus *bus = new_bus();
    uint64_t data = 0;

    (void)state;
    add(bus, VHV_SPACE_MMIO, &failing, "disk 0");
    add(bus, VHV_SPACE_MMIO, &after, NULL);
    assert_fails(vhv_bus_access(bus, VHV_SPACE_MMIO, true, 0x10, &data, 2), EIO,
                 "'disk 0' at 0x10-0x11: the write handler failed");
    assert_fails(vhv_bus_access(bus, VHV_SPACE_MMIO, false, 0x10, &data, 4), EIO,
                 "the read handler");
    assert_int_equal(after.calls, 0);
    vhv_bus_free(bus);
}

static void access_null_handlers_read_ones_and_ignore_writes(void **state)
{
    static const struct vhv_bus_ops none;
    struct vhv_bus *bus = new_bus();
    uint32_t data = 0;

    (void)state;
    assert_int_equal(vhv_bus_add(bus, VHV_SPACE_PORT, 0x80, 4, &none, NULL, NULL), 0);
    assert_int_equal(vhv_bus_access(bus, VHV_SPACE_PORT, true, 0x80, &data, 4), 0);
    assert_int_equal(vhv_bus_access(bus, VHV_SPACE_PORT, false, 0x80, &data, 4), 0);
    assert_int_equal(data, 0xffffffff);
    vhv_bus_free(bus);
}

static void add_overlap_is_refused_with_both_names(void **state)
{
    static const struct {
        uint64_t base;
        uint64_t bytes;
    } overlaps[] = {{0x3f8, 8}, {0x3ff, 1}, {0x3f8, 1}, {0x3f0, 9}, {0x3fa, 2}, {0x300, 0x1000}};
    struct device first = {.base = 0x3f8, .bytes = 8};
    struct device before = {.base = 0x3f0, .bytes = 8};
    struct device after = {.base = 0x400, .bytes = 8};
    struct vhv_bus *bus = new_bus();
    char name[] = "serial 0";

    (void)state;
    assert_int_equal(add(bus, VHV_SPACE_PORT, &first, name), 0);
    memset(name, 'x', sizeof(name) - 1);
    for (size_t i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++) {
        struct device second = {.base = overlaps[i].base, .bytes = overlaps[i].bytes};

        assert_fails(add(bus, VHV_SPACE_PORT, &second, "serial 1"), EEXIST, "'serial 1'");
        assert_non_null(strstr(vhv_error_message(), "'serial 0' at 0x3f8-0x3ff"));
    }
    assert_int_equal(add(bus, VHV_SPACE_PORT, &before, NULL), 0);
    assert_int_equal(add(bus, VHV_SPACE_PORT, &after, NULL), 0);
    vhv_bus_free(bus);
}

static void add_beyond_space_is_refused(void **state)
{
    struct device empty = {.base = 1};
    struct device wraps = {.base = UINT64_MAX, .bytes = 2};
    struct device past_ports = {.base = 0xffff, .bytes = 2};
    struct vhv_bus *bus = new_bus();

    (void)state;
    assert_fails(add(bus, VHV_SPACE_MMIO, &empty, NULL), EINVAL, "empty");
    assert_fails(add(bus, VHV_SPACE_MMIO, &wraps, NULL), EINVAL, "beyond");
    assert_fails(add(bus, VHV_SPACE_PORT, &past_ports, NULL), EINVAL, "beyond");
    assert_int_equal(add(bus, VHV_SPACE_MMIO, &past_ports, NULL), 0);
    assert_fails(vhv_bus_add(bus, 7, 0, 1, &device_ops, NULL, NULL), EINVAL, "space");
    vhv_bus_free(bus);
}

static void add_too_many_is_refused_and_the_others_stay(void **state)
{
    struct device device = {.bytes = 1};
    struct vhv_bus *bus = new_bus();
    unsigned char data;

    (void)state;
    /* 77 is odd: every range's place among 256 comes up once, in no simple order. */
    for (unsigned i = 0; i < VHV_BUS_MAX_RANGES; i++) {
        device.base = i * 77 % VHV_BUS_MAX_RANGES * 2;
        assert_int_equal(add(bus, VHV_SPACE_MMIO, &device, NULL), 0);
    }
    device.base = 0x10000;
    assert_fails(add(bus, VHV_SPACE_MMIO, &device, "one more"), ENOSPC, "'one more'");
    assert_int_equal(add(bus, VHV_SPACE_PORT, &(struct device){.bytes = 1}, NULL), 0);
    for (unsigned address = 0; address < 2 * VHV_BUS_MAX_RANGES; address++)
        assert_int_equal(vhv_bus_access(bus, VHV_SPACE_MMIO, false, address, &data, 1),
                         address % 2 ? 2 : 0);
    vhv_bus_free(bus);
}

static void add_after_seal_is_refused_until_unsealed(void **state)
{
    struct device device = {.base = 1, .bytes = 1};
    struct vhv_bus *bus = new_bus();

    (void)state;
    vhv_bus_seal(bus);
    assert_fails(add(bus, VHV_SPACE_MMIO, &device, "late"), EBUSY, "'late'");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_WRONG_STAGE);
    vhv_bus_unseal(bus);
    assert_int_equal(add(bus, VHV_SPACE_MMIO, &device, "late"), 0);
    vhv_bus_free(bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_any_size_and_address_is_as_byte_by_byte),
        cmocka_unit_test(access_power_of_two_within_range_is_one_call),
        cmocka_unit_test(access_odd_size_is_split_into_naturally_aligned_parts),
        cmocka_unit_test(access_spaces_are_apart),
        cmocka_unit_test(access_end_of_space_is_no_error_and_wrapping_is),
        cmocka_unit_test(access_size_out_of_range_is_refused),
        cmocka_unit_test(access_handler_returns_1_is_told_of_any_part),
        cmocka_unit_test(access_handler_fails_stops_and_names_range),
        cmocka_unit_test(access_null_handlers_read_ones_and_ignore_writes),
        cmocka_unit_test(add_overlap_is_refused_with_both_names),
        cmocka_unit_test(add_beyond_space_is_refused),
        cmocka_unit_test(add_too_many_is_refused_and_the_others_stay),
        cmocka_unit_test(add_after_seal_is_refused_until_unsealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
