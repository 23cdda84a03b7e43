/* SPDX-License-Identifier: MIT */
/* What tests on a real /dev/kvm share: the host, a small machine, and skipping with a reason. */
#ifndef VHV_TESTS_MACHINE_H
#define VHV_TESTS_MACHINE_H

#include <errno.h>
#include <libvhv/kvm.h>
#include <libvhv/vhv.h>
#include <linux/kvm.h>
#include <string.h>

#include "../cmocka.h"

/* The tests of one file. */
struct test_list {
    const struct CMUnitTest *tests;
    size_t count;
};
#define TEST_LIST(array)                             \
    {                                                \
        (array), sizeof(array) / sizeof((array)[0]), \
    }

/* One group of all lists, as a program's only one: TAP has one plan. Returns main()'s status. */
int run_test_lists(const char *name, const struct test_list *lists, size_t count);

/* Ends the test as skipped, with the reason in the output. */
void skip_because(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A call that must not fail. */
#define assert_ok(call)                                         \
    do {                                                        \
        if ((call) < 0)                                         \
            fail_msg("%s: \"%s\"", #call, vhv_error_message()); \
    } while (0)

/* The host, probed once. Skips the test where there is no usable KVM. */
const struct vhv_host *kvm_host(void);

/* Skips the test where KVM is served by something else than kvm_intel or kvm_amd, which lacks what
 * is told. */
void need_vendor_module(const char *what);

/* A test's VM. What is made of it is freed when the test is over, however that ends. */
struct machine {
    struct vhv_config *config;     /* empty at first */
    struct vhv_vm_options options; /* all zero at first; config is the above */
    struct vhv_vm *vm;
    struct vhv_vcpu *vcpu; /* the first */
};

int machine_setup(void **state);
int machine_teardown(void **state);
#define MACHINE_TEST(test) cmocka_unit_test_setup_teardown(test, machine_setup, machine_teardown)

/* Makes the VM of the machine's options, with @ram bytes at 0 unless the configuration has memsize,
 * and one vCPU unless it has numvcpus. */
void machine_make(struct machine *machine, uint64_t ram);

/* A guest of a few instructions, and where it is loaded. */
struct code {
    const uint8_t *start, *end;
};
enum { CODE_GPA = 0x1000, CODE_RAM = 0x10000 };

/* Powers the VM on, loads the code and has the first vCPU start there in real mode. */
void machine_boot(struct machine *machine, struct code code);

/* machine_make() with the defaults, then machine_boot(). */
void machine_start(struct machine *machine, struct code code);

/* Runs the first vCPU until an exit, which must be for this reason. */
void expect_exit(struct machine *machine, struct vhv_exit *exit, enum vhv_exit_reason reason);

/* The same raw, for an OUT of one access to @port. Returns what was written. */
uint32_t expect_out(struct machine *machine, uint16_t port);

#endif
