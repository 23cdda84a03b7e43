/* SPDX-License-Identifier: MIT */
/* What the files of this program share. */
#ifndef VHV_TESTS_NESTED_TESTS_H
#define VHV_TESTS_NESTED_TESTS_H

#include "../support/payload.h"

extern const struct test_list backdoor_tests, live_tests, off_tests, products_tests, state_tests,
    steps_tests, vmx_tests, ways_tests;

/* Skips the test where guests cannot nest. */
void need_nesting(void);
/* The same, and where the host's processor is not of this vendor. */
void need_nesting_of(enum vhv_vendor vendor);

bool host_is_amd(void);

/* Whether KVM offers NPT or EPT to guests here; and skipping the test where it does not. */
bool has_nested_paging(void);
void need_nested_paging(void);

/* Asks for virtualized HV, and starts the guest in a mode. */
void start_nested(struct machine *machine, enum guest_mode mode, bool nested_paging);

/* All steps of the guest and its inner guest came, in order, with the right values, and each on its
 * level. */
void assert_all_steps(const struct recording *recording, bool nested_paging);

/* The guest's end, by its status. */
void expect_end(struct machine *machine, enum guest_status status);

#endif
