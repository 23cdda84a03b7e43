/* SPDX-License-Identifier: MIT */
/*
 * The tests that need a KVM, and no nesting. One program, so that one boot of a lab serves all.
 * With the argument "threads", those alone in which several threads take part: for an L1 of two
 * processors.
 */
#include "tests.h"

int main(int argc, char **argv)
{
    const struct test_list with_threads[] = {kick_tests, thread_tests};
    const struct test_list lists[] = {
        vm_tests,        memory_tests,   io_tests,      run_tests,   kick_tests,
        thread_tests,    backdoor_tests, state_tests,   msr_tests,   msr_filter_tests,
        interrupt_tests, cpuid_tests,    measure_tests, stats_tests,
    };

    if (argc == 2 && strcmp(argv[1], "threads") == 0)
        return run_test_lists("threads", with_threads, 2);
    return run_test_lists("kvm", lists, sizeof(lists) / sizeof(lists[0]));
}
