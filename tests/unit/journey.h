/* SPDX-License-Identifier: MIT */
/* A VM that is to go from esx1 to esx2. */
#ifndef VHV_TESTS_UNIT_JOURNEY_H
#define VHV_TESTS_UNIT_JOURNEY_H

#include <libvhv/migration.h>

#include "fleet.h"

/* A VM on the first host of a fleet, and what keeps it from the second one. */
struct journey {
    struct fleet *fleet;
    struct scene *vm; /* its host is the fleet's first one */
    struct vhv_migration_options options;
    size_t count;
    struct {
        char text[512];
        struct vhv_migration_obstacle found; /* without text */
    } obstacles[32];
};

static inline struct journey *journey_of(struct fleet *fleet, struct scene *vm)
{
    struct journey *journey = calloc(1, sizeof(*journey));

    assert_non_null(journey);
    *journey =
        (struct journey){.fleet = fleet, .vm = vm, .options = {.size = sizeof(journey->options)}};
    return journey;
}

static inline struct journey *between_amd(void)
{
    return journey_of(fleet_on_amd(2), on_amd());
}

static inline struct journey *between_intel(void)
{
    return journey_of(fleet_on_intel(2), on_intel());
}

static inline void journey_end(struct journey *journey)
{
    fleet_end(journey->fleet);
    scene_end(journey->vm);
    free(journey);
}

static inline int note_obstacle(const struct vhv_migration_obstacle *obstacle, void *cookie)
{
    struct journey *journey = cookie;

    assert_true(journey->count < sizeof(journey->obstacles) / sizeof(journey->obstacles[0]));
    snprintf(journey->obstacles[journey->count].text, sizeof(journey->obstacles[0].text), "%s",
             obstacle->text);
    journey->obstacles[journey->count++].found = *obstacle;
    return 0;
}

static inline void with_vhv(struct journey *journey)
{
    journey->vm->options.vhv_enable = setting(true, 1, "vhv.enable");
}

/* Starts the VM on the first host, with its masks, and goes to the second one. */
static inline void try_to_go(struct journey *journey)
{
    struct scene *vm = journey->vm;
    int result;

    fleet_capture(journey->fleet);
    vhv_cpuid_free(vm->host);
    assert_int_equal(vhv_cpuid_copy(&vm->host, journey->fleet->tables[0]), 0);
    made(vm);
    journey->options.requests = vm->requests;
    journey->options.request_count = vm->options.request_count;
    journey->count = 0;
    result =
        vhv_migration_check(vhv_guest_cpuid_table(vm->guest), journey->fleet->captures[0],
                            journey->fleet->captures[1], &journey->options, note_obstacle, journey);
    assert_int_equal(result, journey->count);
}

static inline void assert_may_go(struct journey *journey)
{
    try_to_go(journey);
    for (size_t i = 0; i < journey->count; i++)
        print_error("obstacle: %s\n", journey->obstacles[i].text);
    assert_int_equal(journey->count, 0);
}

static inline const struct vhv_migration_obstacle *obstacle(const struct journey *journey,
                                                            const char *text)
{
    for (size_t i = 0; i < journey->count; i++) {
        if (strcmp(journey->obstacles[i].text, text) == 0)
            return &journey->obstacles[i].found;
    }
    for (size_t i = 0; i < journey->count; i++)
        print_error("obstacle: %s\n", journey->obstacles[i].text);
    fail_msg("no obstacle \"%s\"", text);
    return NULL;
}

/* That this is the only one. */
static inline const struct vhv_migration_obstacle *assert_kept_by(struct journey *journey,
                                                                  const char *text)
{
    const struct vhv_migration_obstacle *found;

    try_to_go(journey);
    found = obstacle(journey, text);
    assert_int_equal(journey->count, 1);
    return found;
}

#endif
