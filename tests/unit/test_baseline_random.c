/* SPDX-License-Identifier: MIT */
/*
 * On hosts made by a fixed generator: with the masks of their baseline, a guest reads the same on
 * each of them, and may go from any one to any other.
 */
#include <libvhv/config.h>
#include <libvhv/migration.h>

#include "cpuid/rules.h"
#include "fleet.h"

enum { FLEETS = 60 };

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static uint32_t any(uint32_t *state)
{
    return next(state) << 16 ^ next(state);
}

/* Mostly ones. */
static uint32_t sparing(uint32_t *state)
{
    return any(state) | any(state) | any(state);
}

/* Takes features away and gives others, changes numbers, adds and removes leaves. */
static void vary_cpuid(struct fleet *fleet, size_t host, uint32_t *state)
{
    static const struct {
        uint32_t leaf;
        enum vhv_cpuid_reg reg;
    } features[] = {
        {0x1, VHV_ECX}, {0x1, VHV_EDX},        {0x7, VHV_EBX},        {0x7, VHV_ECX},
        {0x7, VHV_EDX}, {0x80000001, VHV_ECX}, {0x80000001, VHV_EDX}, {0x80000008, VHV_EBX},
        {0x6, VHV_EAX}, {0x40000001, VHV_EAX}, {0x80000021, VHV_EAX},
    };
    bool is_amd = vhv_cpuid_vendor(fleet->tables[host]) == VHV_VENDOR_AMD;

    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        fleet_bits(fleet, host, features[i].leaf, 0, features[i].reg, ~sparing(state),
                   ~sparing(state) & ~sparing(state));
    fleet_bits(fleet, host, 0x1, 0, VHV_EAX, 0xff, next(state) & 0xff);
    fleet_bits(fleet, host, 0x0, 0, VHV_EAX, UINT32_MAX, 0xd + next(state) % 8);
    fleet_bits(fleet, host, 0x80000008, 0, VHV_EAX, 0xff00ff,
               (next(state) % 3 ? 0 : 40 + next(state) % 9) << 16 | (40 + next(state) % 13));
    if (is_amd) {
        fleet_bits(fleet, host, 0x80000001, 0, VHV_ECX, 0, 1u << 2);
        fleet_bits(fleet, host, 0x8000000a, 0, VHV_EBX, UINT32_MAX, 1 + next(state) % 0x8000);
        fleet_bits(fleet, host, 0x8000000a, 0, VHV_EDX, ~sparing(state), 1);
    } else {
        fleet_bits(fleet, host, 0x1, 0, VHV_ECX, 0, 1u << 5);
    }
    if (next(state) % 4 == 0)
        vhv_cpuid_remove(fleet->tables[host], 0x40000001, 0);
    if (next(state) % 4 == 0) {
        vhv_cpuid_remove(fleet->tables[host], 0xd, 2);
        fleet_bits(fleet, host, 0xd, 0, VHV_EAX, 4, 0);
        fleet_bits(fleet, host, 0xd, 0, VHV_ECX, UINT32_MAX, 0x240);
    }
}

static struct fleet *random_fleet(uint32_t *state)
{
    size_t count = 2 + next(state) % 4;
    struct fleet *fleet = next(state) % 2 ? fleet_on_amd(count) : fleet_on_intel(count);

    for (size_t i = 0; i < count; i++)
        vary_cpuid(fleet, i, state);
    joined(fleet);
    return fleet;
}

static struct vhv_config *masks_of(const struct fleet *fleet)
{
    struct vhv_config *config = NULL;
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    assert_non_null(stream);
    assert_int_equal(vhv_baseline_print_masks(fleet->baseline, stream, true), 0);
    fclose(stream);
    if (vhv_config_parse(&config, text, bytes, "masks.vmx") < 0 ||
        vhv_config_set(config, "vhv.enable", "TRUE") < 0)
        fail_msg("%s", vhv_error_message());
    free(text);
    return config;
}

static struct vhv_guest_cpuid *guest_on(const struct vhv_cpuid *host,
                                        const struct vhv_config *config)
{
    struct vhv_guest_cpuid_options options = {
        .size = sizeof(options), .kernel_lapic = true, .tsc_deadline = true, .vcpu_count = 2};
    struct vhv_guest_cpuid *guest = NULL;

    vhv_config_cpuid(config, &options);
    if (vhv_guest_cpuid_new(&guest, host, &options) < 0)
        fail_msg("%s", vhv_error_message());
    return guest;
}

/* Registers are the same but for what is left to the host. */
static int assert_left_to_host(const struct vhv_cpuid_difference *found, void *cookie)
{
    const struct vhv_place place = {0, found->leaf, found->subleaf, found->reg};
    struct vhv_field fields[VHV_FIELDS];
    size_t count = vhv_fields_of(&place, fields);

    (void)cookie;
    for (size_t i = 0; i < count; i++) {
        if (fields[i].rule != VHV_RULE_HOST && fields[i].rule != VHV_RULE_OWN &&
            fields[i].rule != VHV_RULE_UNTOLD && (found->a ^ found->b) & fields[i].bits)
            fail_msg("leaf %x.%x register %u is %08x on one host and %08x on another", found->leaf,
                     found->subleaf, found->reg, found->a, found->b);
    }
    return 0;
}

static int fail_by_obstacle(const struct vhv_migration_obstacle *found, void *cookie)
{
    (void)cookie;
    fail_msg("%s", found->text);
    return 0;
}

static void check_fleet(const struct fleet *fleet)
{
    struct vhv_config *config = masks_of(fleet);
    struct vhv_guest_cpuid *guests[FLEET_HOSTS];

    for (size_t i = 0; i < fleet->count; i++)
        guests[i] = guest_on(fleet->tables[i], config);
    for (size_t from = 0; from < fleet->count; from++) {
        for (size_t to = 0; to < fleet->count; to++) {
            vhv_cpuid_compare(vhv_guest_cpuid_table(guests[from]),
                              vhv_guest_cpuid_table(guests[to]), assert_left_to_host, NULL);
            assert_int_equal(vhv_migration_check(vhv_guest_cpuid_table(guests[from]),
                                                 fleet->captures[from], fleet->captures[to], NULL,
                                                 fail_by_obstacle, NULL),
                             0);
        }
    }
    for (size_t i = 0; i < fleet->count; i++)
        vhv_guest_cpuid_free(guests[i]);
    vhv_config_free(config);
}

static void baseline_masks_make_a_guest_the_same_on_every_host(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (unsigned i = 0; i < FLEETS; i++) {
        struct fleet *fleet = random_fleet(&seed);

        check_fleet(fleet);
        fleet_end(fleet);
    }
}

/* Whatever a mask asks for, a VM may stay where it is. */
static void migration_check_to_the_same_host_is_always_fine(void **state)
{
    uint32_t seed = 2;

    (void)state;
    for (unsigned i = 0; i < FLEETS; i++) {
        struct fleet *fleet = random_fleet(&seed);
        struct vhv_config *config = masks_of(fleet);
        struct vhv_guest_cpuid *guest = guest_on(fleet->tables[0], config);

        assert_int_equal(vhv_migration_check(vhv_guest_cpuid_table(guest), fleet->captures[0],
                                             fleet->captures[0], NULL, fail_by_obstacle, NULL),
                         0);
        vhv_guest_cpuid_free(guest);
        vhv_config_free(config);
        fleet_end(fleet);
    }
}

/* A host of which nothing is lacking costs nothing: the baseline is what any order gives. */
static void baseline_is_the_same_in_any_order(void **state)
{
    uint32_t seed = 3;

    (void)state;
    for (unsigned i = 0; i < FLEETS; i++) {
        struct fleet *fleet = random_fleet(&seed);
        const struct vhv_capture *backwards[FLEET_HOSTS];
        struct vhv_baseline *other;

        for (size_t host = 0; host < fleet->count; host++)
            backwards[host] = fleet->captures[fleet->count - 1 - host];
        assert_int_equal(vhv_baseline_new(&other, backwards, fleet->count), 0);
        vhv_cpuid_compare(vhv_capture_cpuid(vhv_baseline_capture(fleet->baseline)),
                          vhv_capture_cpuid(vhv_baseline_capture(other)), assert_left_to_host,
                          NULL);
        vhv_baseline_free(other);
        fleet_end(fleet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baseline_masks_make_a_guest_the_same_on_every_host),
        cmocka_unit_test(migration_check_to_the_same_host_is_always_fine),
        cmocka_unit_test(baseline_is_the_same_in_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
