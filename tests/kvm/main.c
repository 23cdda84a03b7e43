/* SPDX-License-Identifier: MIT */
/* The tests that need a KVM, and no nesting. One program, so that one boot of a lab serves all. */
#include "tests.h"

int main(void)
{
    const struct test_list lists[] = {
        vm_tests,    memory_tests, io_tests,        run_tests,   kick_tests,    thread_tests,
        state_tests, msr_tests,    interrupt_tests, cpuid_tests, measure_tests, stats_tests,
    };

    return run_test_lists("kvm", lists, sizeof(lists) / sizeof(lists[0]));
}
