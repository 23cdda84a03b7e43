/* SPDX-License-Identifier: MIT */
/* Every allocation of captures, baselines and migrations fails in turn. */
#include <libvhv/migration.h>

#include "allocations.h"
#include "fleet.h"

/* A call that makes something, or not, and leaves nothing behind. */
typedef int (*attempt)(const struct fleet *fleet);

static const char dump[] = "CPU 0:\n"
                           "   0x00000000 0x00: eax=0x00000001 ebx=0x2 ecx=0x3 edx=0x4\n"
                           "   0x00000001 0x00: eax=0x00000001 ebx=0x2 ecx=0x3 edx=0x4\n";

static int make_capture(const struct fleet *fleet)
{
    struct vhv_capture *capture = NULL;
    int result = vhv_capture_new(&capture, "a", fleet->tables[0], haswell_msrs, FLEET_MSRS);

    assert_true((result == 0) == (capture != NULL));
    vhv_capture_free(capture);
    return result;
}

static int read_dump(const struct fleet *fleet)
{
    struct vhv_capture *capture = NULL;
    int result = vhv_capture_parse(&capture, dump, strlen(dump), NULL);

    (void)fleet;
    assert_true((result == 0) == (capture != NULL));
    vhv_capture_free(capture);
    return result;
}

static int make_baseline(const struct fleet *fleet)
{
    struct vhv_baseline *baseline = NULL;
    int result = vhv_baseline_new(&baseline, (const struct vhv_capture *const *)fleet->captures,
                                  fleet->count);

    assert_true((result == 0) == (baseline != NULL));
    vhv_baseline_free(baseline);
    return result;
}

static int check_migration(const struct fleet *fleet)
{
    int result = vhv_migration_check(fleet->tables[0], fleet->captures[0], fleet->captures[1], NULL,
                                     NULL, NULL);

    return result > 0 ? 0 : result;
}

/* Returns how many allocations could fail. */
static unsigned fail_each_in_turn(attempt try, const struct fleet *fleet)
{
    size_t live_before = live_blocks;
    unsigned failures = 0;
    int result;

    while (true) {
        allocations_left = failures;
        result = try(fleet);
        allocations_left = UINT32_MAX;
        assert_int_equal(live_blocks, live_before);
        if (result == 0)
            return failures;
        assert_fails(result, ENOMEM, "out of memory");
        failures++;
    }
}

static void no_memory_leaves_nothing_behind(void **state)
{
    struct fleet *fleet = fleet_on_intel(2);

    (void)state;
    fleet_bits(fleet, 1, 0x7, 0, VHV_EBX, 0xffff, 0);
    fleet_bits(fleet, 1, 0x1, 0, VHV_EDX, 0x0fffffff, 0);
    fleet_msr(fleet, 1, 0x48b, UINT64_MAX, 0);
    fleet_capture(fleet);
    assert_true(fail_each_in_turn(make_capture, fleet) >= 2);
    assert_true(fail_each_in_turn(read_dump, fleet) >= 2);
    assert_true(fail_each_in_turn(make_baseline, fleet) > 30);
    assert_true(fail_each_in_turn(check_migration, fleet) >= 1);
    fleet_end(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_memory_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
