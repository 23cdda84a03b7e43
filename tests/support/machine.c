/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <stdlib.h>
#include <unistd.h>

/* A test that hangs ends the program, by SIGALRM, and not only a lab's or Meson's patience. */
enum { TEST_SECONDS = 30 };

static struct vhv_host *host;

static int host_teardown(void **state)
{
    (void)state;
    vhv_host_free(host);
    host = NULL;
    return 0;
}

int run_test_lists(const char *name, const struct test_list *lists, size_t count)
{
    struct CMUnitTest *tests;
    size_t total = 0;
    int failed;

    /* A test that hangs is to be the one after the last that was told. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < count; i++)
        total += lists[i].count;
    tests = calloc(total, sizeof(*tests));
    if (!tests)
        return 1;
    total = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(tests + total, lists[i].tests, lists[i].count * sizeof(*tests));
        total += lists[i].count;
    }
    failed = _cmocka_run_group_tests(name, tests, total, NULL, host_teardown);
    free(tests);
    return failed;
}

void skip_because(const char *format, ...)
{
    char reason[512];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    print_message("# the next test is skipped: %s\n", reason);
    skip();
}

/* What this machine's owner allows is not what is tested. */
const struct vhv_host *kvm_host(void)
{
    const struct vhv_host_options options = {.size = sizeof(options), .policy = ""};

    if (!host)
        assert_ok(vhv_host_new(&host, &options));
    if (vhv_host_kvm_fd(host) < 0)
        skip_because("%s", vhv_host_verdict(host)->because);
    return host;
}

void need_vendor_module(const char *what)
{
    const struct vhv_host_facts *facts = vhv_host_facts(kvm_host());

    if (facts->backend[0])
        skip_because("KVM is served by %s, which has no %s", facts->backend, what);
}

int machine_setup(void **state)
{
    struct machine *machine = calloc(1, sizeof(*machine));

    *state = machine;
    alarm(TEST_SECONDS);
    return machine && vhv_config_new(&machine->config) == 0 ? 0 : -1;
}

int machine_teardown(void **state)
{
    struct machine *machine = *state;

    vhv_vm_free(machine->vm);
    vhv_config_free(machine->config);
    free(machine);
    alarm(0);
    return 0;
}

void machine_make(struct machine *machine, uint64_t ram)
{
    machine->options.size = sizeof(machine->options);
    machine->options.config = machine->config;
    assert_ok(vhv_vm_new(&machine->vm, kvm_host(), &machine->options));
    if (vhv_memory_count(vhv_vm_memory(machine->vm)) == 0)
        assert_ok(vhv_memory_add_ram(vhv_vm_memory(machine->vm), ram, NULL));
    if (vhv_vm_vcpu_count(machine->vm) == 0)
        assert_ok(vhv_vcpu_new(&machine->vcpu, machine->vm, 0));
    machine->vcpu = vhv_vm_vcpu(machine->vm, 0);
}

void machine_boot(struct machine *machine, struct code code)
{
    assert_ok(vhv_vm_power_on(machine->vm));
    assert_ok(vhv_memory_write(vhv_vm_memory(machine->vm), CODE_GPA, code.start,
                               (size_t)(code.end - code.start)));
    assert_ok(vhv_vcpu_set_entry(machine->vcpu, VHV_CPU_REAL, CODE_GPA, 0));
}

void machine_start(struct machine *machine, struct code code)
{
    machine_make(machine, CODE_RAM);
    machine_boot(machine, code);
}

static void assert_reason(const struct vhv_exit *exit, enum vhv_exit_reason reason)
{
    if (exit->reason != reason)
        fail_msg("exit is \"%s\" (%u), not \"%s\"", vhv_exit_reason_name(exit->reason),
                 exit->kvm_reason, vhv_exit_reason_name(reason));
}

void expect_exit(struct machine *machine, struct vhv_exit *exit, enum vhv_exit_reason reason)
{
    assert_ok(vhv_vcpu_run(machine->vcpu, exit));
    assert_reason(exit, reason);
}

uint32_t expect_out(struct machine *machine, uint16_t port)
{
    struct vhv_exit exit;
    uint32_t value = 0;

    assert_ok(vhv_vcpu_run_once(machine->vcpu, &exit));
    assert_reason(&exit, VHV_EXIT_IO);
    assert_true(exit.io.is_write);
    assert_int_equal(exit.io.port, port);
    assert_int_equal(exit.io.count, 1);
    memcpy(&value, exit.io.data, exit.io.bytes);
    return value;
}
