/* SPDX-License-Identifier: MIT */
/* The files of this program. */
#ifndef VHV_TESTS_KVM_TESTS_H
#define VHV_TESTS_KVM_TESTS_H

#include "../support/machine.h"
#include "guests.h"

extern const struct test_list backdoor_tests, cpuid_tests, interrupt_tests, io_tests, kick_tests,
    measure_tests, memory_tests, msr_tests, msr_filter_tests, run_tests, state_tests, stats_tests,
    thread_tests, vm_tests;

#endif
