/* SPDX-License-Identifier: MIT */
/* The ways of VMware's products, each with a guest hypervisor that runs its inner guest. */
#include "../products.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests.h"

/* A way, on this machine's KVM with the way's policy. */
struct trial {
    const struct product_way *way;
    char policy[32]; /* the file's name */
    struct vhv_host *host;
    struct machine machine;
};

#define assert_of(trial, condition)                                                               \
    do {                                                                                          \
        if (!(condition))                                                                         \
            fail_msg("%s, %s: not %s (%s)", (trial)->way->product, (trial)->way->way, #condition, \
                     vhv_error_message());                                                        \
    } while (0)

static void write_policy(struct trial *trial)
{
    int fd;

    strcpy(trial->policy, "/tmp/policy-XXXXXX");
    fd = mkstemp(trial->policy);
    assert_of(trial, fd >= 0);
    assert_of(trial, dprintf(fd, "%s", trial->way->policy) >= 0);
    close(fd);
}

static void trial_start(struct trial *trial)
{
    const struct vhv_host_options host_options = {.size = sizeof(host_options),
                                                  .policy = trial->policy};
    struct vhv_vm_options options = {.size = sizeof(options)};
    struct machine *machine = &trial->machine;
    const char *vmx = trial->way->vmx;

    write_policy(trial);
    assert_of(trial, vhv_host_new(&trial->host, &host_options) == 0);
    assert_of(trial, vhv_config_parse(&machine->config, vmx, strlen(vmx), "machine.vmx") == 0);
    options.config = machine->config;
    assert_of(trial, vhv_vm_new(&machine->vm, trial->host, &options) == 0);
    assert_of(trial, vhv_memory_add(vhv_vm_memory(machine->vm), 0, GUEST_MEMORY_BYTES, NULL) == 0);
    assert_of(trial, vhv_vcpu_new(&machine->vcpu, machine->vm, 0) == 0);
}

static void trial_end(struct trial *trial)
{
    vhv_vm_free(trial->machine.vm);
    vhv_config_free(trial->machine.config);
    vhv_host_free(trial->host);
    unlink(trial->policy);
}

static void expect_inner_guest(struct trial *trial)
{
    const struct guest_parameters parameters = {.mode = GUEST_NESTED};
    struct recording recording = {0};

    payload_load(&trial->machine, &parameters);
    payload_run(&trial->machine, &recording);
    assert_all_steps(&recording, false);
}

static void expect_outcome(struct trial *trial)
{
    const struct product_way *way = trial->way;
    int result = vhv_vm_power_on(trial->machine.vm);

    if (way->outcome == PRODUCT_REFUSES) {
        assert_of(trial, result < 0);
        assert_of(trial, vhv_error_cause() == way->cause);
        assert_of(trial, strstr(vhv_error_message(), way->message));
        return;
    }
    assert_of(trial, result == 0);
    assert_of(trial, vhv_vm_has_vhv(trial->machine.vm) == (way->outcome == PRODUCT_NESTS));
    if (way->outcome == PRODUCT_NESTS)
        expect_inner_guest(trial);
}

static void try_ways(enum product_outcome outcome)
{
    need_nesting();
    for (size_t i = 0; i < PRODUCT_WAYS; i++) {
        struct trial trial = {.way = &product_ways[i]};

        if (trial.way->outcome != outcome)
            continue;
        trial_start(&trial);
        expect_outcome(&trial);
        trial_end(&trial);
    }
}

static void product_ways_that_nest_run_an_inner_guest(void **state)
{
    (void)state;
    try_ways(PRODUCT_NESTS);
}

static void product_ways_that_ask_for_nothing_get_a_plain_machine(void **state)
{
    (void)state;
    try_ways(PRODUCT_PLAIN);
}

static void product_ways_that_are_refused_say_why(void **state)
{
    (void)state;
    try_ways(PRODUCT_REFUSES);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(product_ways_that_nest_run_an_inner_guest),
    cmocka_unit_test(product_ways_that_ask_for_nothing_get_a_plain_machine),
    cmocka_unit_test(product_ways_that_are_refused_say_why),
};

const struct test_list products_tests = TEST_LIST(tests);
