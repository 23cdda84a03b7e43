/* SPDX-License-Identifier: MIT */
/*
 * Every call into the kernel fails once, in every step of using the library: a negative return goes
 * with a message and nothing else does, what a constructor was to fill in is untouched, and after
 * freeing what was made nothing is left.
 */
#include <dirent.h>
#include <errno.h>
#include <libvhv/vhv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cmocka.h"
#include "base/error.h"
#include "machine.h"

#define UNTOUCHED ((void *)&untouched)
#define SENTINEL  "nothing has failed yet"

static int untouched;

/* What a scenario has made so far. */
struct made {
    struct vhv_host *host;
    unsigned host_calls; /* that it took to make the host */
    struct vhv_vm *vm;
    struct vhv_vcpu_state *state;
};

typedef int (*scenario)(struct machine *machine, struct made *made);

/* How many bytes and descriptors this process has. */
struct footprint {
    long kib;
    int descriptors;
};

static struct footprint footprint(void)
{
    struct footprint seen = {0};
    FILE *statm = fopen("/proc/self/statm", "re");
    DIR *fds = opendir("/proc/self/fd");

    assert_non_null(statm);
    assert_non_null(fds);
    assert_int_equal(fscanf(statm, "%ld", &seen.kib), 1);
    seen.kib *= sysconf(_SC_PAGESIZE) / 1024;
    while (readdir(fds))
        seen.descriptors++;
    closedir(fds);
    fclose(statm);
    return seen;
}

static int check_message(const char *call, int result, bool is_failure)
{
    bool has_message = strcmp(vhv_error_message(), SENTINEL) != 0;

    if (is_failure && !has_message)
        fail_msg("%s is %d without a message", call, result);
    if (!is_failure && has_message)
        fail_msg("%s is %d with the message \"%s\"", call, result, vhv_error_message());
    if (is_failure && !vhv_error_message()[0])
        fail_msg("%s is %d with an empty message", call, result);
    return result;
}

/* A call, with what is promised of its return and its message. */
#define TRY(call)                                   \
    __extension__({                                 \
        vhv_fail(EDOM, VHV_CAUSE_SYNTAX, SENTINEL); \
        int result_ = (call);                       \
        check_message(#call, result_, result_ < 0); \
    })

/* Returns from the scenario if the call fails. */
#define STEP(call)             \
    do {                       \
        int step_ = TRY(call); \
        if (step_ < 0)         \
            return step_;      \
    } while (0)

/* A constructor: @call fills in @pointer, or leaves it alone. */
#define MAKE(member, pointer, call)                 \
    do {                                            \
        int make_ = TRY(call);                      \
        if (make_ < 0) {                            \
            assert_ptr_equal((pointer), UNTOUCHED); \
            return make_;                           \
        }                                           \
        (member) = (pointer);                       \
    } while (0)

static int make_host(struct machine *machine, struct made *made)
{
    struct vhv_host *host = UNTOUCHED;

    MAKE(made->host, host, vhv_host_probe(&host, fake_kvm_processor(), &machine->paths));
    made->host_calls = fake_kvm.calls;
    return 0;
}

static int make_vm(struct made *made, const struct vhv_vm_options *options)
{
    struct vhv_vm *vm = UNTOUCHED;

    MAKE(made->vm, vm, vhv_vm_new(&vm, made->host, options));
    return 0;
}

static int make_vcpu(const struct made *made, uint32_t id)
{
    struct vhv_vcpu *vcpu = UNTOUCHED, *unused;

    MAKE(unused, vcpu, vhv_vcpu_new(&vcpu, made->vm, id));
    assert_ptr_equal(unused, vhv_vm_vcpu(made->vm, id));
    return 0;
}

/* A power-on that fails can be tried again. */
static int power_on(const struct made *made)
{
    static const struct vhv_bus_ops ops;
    int result = TRY(vhv_vm_power_on(made->vm));

    if (result >= 0) {
        assert_int_equal(vhv_vm_stage(made->vm), VHV_STAGE_READY);
        return result;
    }
    assert_int_equal(vhv_vm_stage(made->vm), VHV_STAGE_CONFIGURE);
    assert_int_equal(fake_kvm_slots(), 0);
    assert_true(vhv_memory_add(vhv_vm_memory(made->vm), 0x40000000, 4096, NULL) >= 0);
    assert_int_equal(vhv_bus_add(vhv_vm_bus(made->vm), VHV_SPACE_PORT, 0x600, 1, &ops, NULL, NULL),
                     0);
    if (vhv_host_supported(made->host))
        assert_int_equal(TRY(vhv_vm_power_on(made->vm)), 0);
    return result;
}

static int probe_a_host(struct machine *machine, struct made *made)
{
    return make_host(machine, made);
}

/* A VM from a configuration, with virtualized HV and everything in the kernel. */
static int power_on_configured(struct machine *machine, struct made *made)
{
    static const char text[] =
        "vhv.enable = TRUE\nnumvcpus = 2\nmemsize = 64\nvpmc.enable = FALSE\n";
    struct vhv_vm_options options = {
        .size = sizeof(options), .irqchip = VHV_IRQCHIP_KERNEL, .pit = true};
    struct vhv_config *config;
    int result;

    STEP(make_host(machine, made));
    assert_int_equal(vhv_config_parse(&config, text, sizeof(text) - 1, "test.vmx"), 0);
    options.config = config;
    result = make_vm(made, &options);
    vhv_config_free(config);
    if (result < 0)
        return result;
    result = power_on(made);
    if (result < 0)
        return result;
    assert_true(vhv_vm_has_vhv(made->vm));
    assert_int_equal(fake_kvm_slots(), 1);
    return 0;
}

/* A VM from parts: three regions, two vCPUs, @irqchip. */
static int power_on_parts(struct machine *machine, struct made *made, enum vhv_irqchip irqchip)
{
    const struct vhv_vm_options options = {.size = sizeof(options), .irqchip = irqchip};
    const struct vhv_region_options dirty = {
        .size = sizeof(dirty), .dirty_log = true, .backing = VHV_BACKING_MEMFD};
    struct vhv_memory *memory;
    int result = make_host(machine, made);

    if (result < 0)
        return result;
    result = make_vm(made, &options);
    if (result < 0)
        return result;
    memory = vhv_vm_memory(made->vm);
    STEP(vhv_memory_add(memory, 0, 64 << 20, NULL));
    STEP(vhv_memory_add(memory, 64 << 20, 1 << 20, &dirty));
    STEP(vhv_memory_add(memory, 0xfffe0000, 0x20000, NULL));
    for (uint32_t id = 0; id < 2; id++) {
        result = make_vcpu(made, id);
        if (result < 0)
            return result;
    }
    return power_on(made);
}

static int power_on_measured(struct machine *machine, struct made *made)
{
    static const fake_exit script[] = {fake_measuring_guest, fake_measuring_guest,
                                       fake_measuring_guest, fake_measuring_guest};
    static const struct vhv_vm_options options = {
        .size = sizeof(options), .measure = true, .hide_msrs = true};
    int result = make_host(machine, made);

    if (result >= 0)
        result = make_vm(made, &options);
    for (uint32_t id = 0; id < 2 && result >= 0; id++)
        result = make_vcpu(made, id);
    fake_kvm.script = script;
    fake_kvm.script_length = sizeof(script) / sizeof(script[0]);
    return result < 0 ? result : power_on(made);
}

static int get_and_set_registers(struct machine *machine, struct made *made)
{
    union {
        struct kvm_regs regs;
        struct kvm_sregs sregs;
        struct kvm_fpu fpu;
        struct kvm_xsave xsave;
        struct kvm_xcrs xcrs;
        struct kvm_debugregs debugregs;
        struct kvm_vcpu_events events;
        struct kvm_mp_state mp_state;
        struct kvm_lapic_state lapic;
        struct kvm_nested_state nested;
    } as;
    struct vhv_msr msr = {.index = 0x10};
    struct vhv_vcpu *vcpu;
    int result = power_on_parts(machine, made, VHV_IRQCHIP_SPLIT);

    if (result < 0)
        return result;
    vcpu = vhv_vm_vcpu(made->vm, 1);
    STEP(vhv_vcpu_set_entry(vcpu, VHV_CPU_FLAT32, 0x100000, 0));
#define BOTH(name)                             \
    STEP(vhv_vcpu_get_##name(vcpu, &as.name)); \
    STEP(vhv_vcpu_set_##name(vcpu, &as.name))
    BOTH(regs);
    BOTH(sregs);
    BOTH(fpu);
    BOTH(xsave);
    BOTH(xcrs);
    BOTH(debugregs);
    BOTH(events);
    BOTH(mp_state);
    BOTH(lapic);
#undef BOTH
    as.nested.size = sizeof(as);
    STEP(vhv_vcpu_get_nested_state(vcpu, &as.nested));
    STEP(vhv_vcpu_set_nested_state(vcpu, &as.nested));
    STEP(vhv_vcpu_get_msrs(vcpu, &msr, 1));
    STEP(vhv_vcpu_set_msrs(vcpu, &msr, 1));
    STEP(vhv_vcpu_is_nested(vcpu));
    STEP(vhv_vcpu_nmi(vcpu));
    return 0;
}

static int drive_interrupts(struct machine *machine, struct made *made)
{
    const struct kvm_irq_routing_entry route = {.gsi = 1, .type = KVM_IRQ_ROUTING_MSI};
    const struct vhv_ioeventfd ioeventfd = {.space = VHV_SPACE_PORT, .address = 0x500, .bytes = 1};
    struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
    struct kvm_pit_state2 pit;
    struct kvm_clock_data clock;
    int result = power_on_configured(machine, made);

    if (result < 0)
        return result;
    STEP(vhv_vm_irq_line(made->vm, 4, true));
    STEP(vhv_vm_msi(made->vm, 0xfee00000, 0x41));
    STEP(vhv_vm_set_gsi_routes(made->vm, &route, 1));
    STEP(vhv_vm_irqfd_add(made->vm, 1, 0, -1));
    STEP(vhv_vm_irqfd_remove(made->vm, 1, 0));
    STEP(vhv_vm_ioeventfd_add(made->vm, &ioeventfd));
    STEP(vhv_vm_ioeventfd_remove(made->vm, &ioeventfd));
    STEP(vhv_vm_get_irqchip(made->vm, &chip));
    STEP(vhv_vm_set_irqchip(made->vm, &chip));
    STEP(vhv_vm_get_pit(made->vm, &pit));
    STEP(vhv_vm_set_pit(made->vm, &pit));
    STEP(vhv_vm_get_clock(made->vm, &clock));
    STEP(vhv_vm_set_clock(made->vm, &clock));
    return 0;
}

static int out_to_port(struct kvm_run *run)
{
    run->exit_reason = KVM_EXIT_IO;
    run->io.direction = KVM_EXIT_IO_OUT;
    run->io.port = 0x3f8;
    run->io.size = 1;
    run->io.count = 1;
    run->io.data_offset = 4096;
    return 0;
}

static int pending_signal(struct kvm_run *run)
{
    (void)run;
    return EINTR;
}

static int end_thread(struct vhv_vcpu *vcpu, struct vhv_exit *exit, void *cookie)
{
    (void)vcpu;
    (void)exit;
    (void)cookie;
    return 1;
}

static int tell_stat(const struct vhv_kvm_stat *stat, void *cookie)
{
    (void)stat;
    (void)cookie;
    return 0;
}

static int run_and_save(struct machine *machine, struct made *made)
{
    static const fake_exit script[] = {out_to_port, out_to_port, pending_signal};
    struct vhv_vcpu_state *state = UNTOUCHED;
    struct vhv_vcpu *vcpu;
    struct vhv_exit exit;
    uint64_t bitmap[4];
    int result = power_on_parts(machine, made, VHV_IRQCHIP_NONE);

    if (result < 0)
        return result;
    fake_kvm.script = script;
    fake_kvm.script_length = sizeof(script) / sizeof(script[0]);
    vcpu = vhv_vm_vcpu(made->vm, 0);
    STEP(vhv_vcpu_set_entry(vcpu, VHV_CPU_REAL, 0x1000, 0));
    STEP(vhv_vcpu_run_once(vcpu, &exit));
    STEP(vhv_vcpu_run(vcpu, &exit));
    STEP(vhv_vcpu_run(vcpu, &exit));
    STEP(vhv_vcpu_complete(vcpu));
    MAKE(made->state, state, vhv_vcpu_save(&state, vcpu));
    STEP(vhv_vcpu_restore(vhv_vm_vcpu(made->vm, 1), made->state));
    STEP((int)vhv_memory_dirty(vhv_vm_memory(made->vm), 1, bitmap, 4));
    STEP(vhv_vm_flush_memory(made->vm));
    STEP(vhv_vm_kvm_stats(made->vm, tell_stat, NULL));
    STEP(vhv_vcpu_kvm_stats(vcpu, tell_stat, NULL));
    STEP(vhv_vcpu_start(vcpu, end_thread, NULL));
    STEP(vhv_vcpu_join(vcpu));
    return 0;
}

static void free_made(struct made *made)
{
    vhv_vcpu_state_free(made->state);
    vhv_vm_free(made->vm);
    vhv_host_free(made->host);
    *made = (struct made){0};
}

/* That a call failed is an error; or it is a fact about the host, which it then tells. */
static void assert_noticed(const struct made *made, int result, unsigned n)
{
    const char *name = fake_kvm.log[n - 1].name;

    if (result < 0)
        return;
    if (n > made->host_calls)
        fail_msg("call %u, %s, fails and nobody notices", n, name);
    if (!vhv_host_facts(made->host)->failed_probe[0] && !vhv_host_facts(made->host)->open_errno)
        fail_msg("call %u, %s, fails and the host does not tell", n, name);
}

/* Runs a scenario with its call @n failing; 0: none. Returns whether it makes as many calls. */
static bool fail_call(struct machine *machine, scenario run, unsigned n, int code)
{
    struct made made = {0};
    struct footprint before, after;
    int result;

    fake_kvm_install(fake_kvm.vendor);
    fake_kvm.fail_call = n;
    fake_kvm.fail_errno = code;
    before = footprint();
    result = run(machine, &made);
    if (n && fake_kvm.calls >= n)
        assert_noticed(&made, result, n);
    else if (result < 0)
        fail_msg("nothing fails, but the scenario does: %s", vhv_error_message());
    free_made(&made);
    after = footprint();
    if (fake_kvm_descriptors() || fake_kvm_mappings() || after.descriptors != before.descriptors)
        fail_msg("call %u fails, and %u descriptors of KVM, %d in all, and %u mappings are left", n,
                 fake_kvm_descriptors(), after.descriptors - before.descriptors,
                 fake_kvm_mappings());
    if (after.kib - before.kib > 32 * 1024)
        fail_msg("call %u fails, and %ld KiB are left", n, after.kib - before.kib);
    return fake_kvm.calls >= n;
}

static void fail_every_call(struct machine *machine, scenario run)
{
    static const int codes[] = {EIO, ENOMEM, EINVAL};

    /* Once to the end, which also warms up what is allocated once. */
    fail_call(machine, run, 0, 0);
    assert_true(fake_kvm.calls > 0);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        unsigned n = 1;

        while (fail_call(machine, run, n, codes[i]))
            n++;
    }
}

static void host_probe_every_call_fails(void **state)
{
    fail_every_call(*state, probe_a_host);
}

static void vm_power_on_every_call_fails(void **state)
{
    fail_every_call(*state, power_on_configured);
}

static void vm_power_on_measured_every_call_fails(void **state)
{
    fail_every_call(*state, power_on_measured);
}

static void vcpu_registers_every_call_fails(void **state)
{
    fail_every_call(*state, get_and_set_registers);
}

static void vm_interrupts_every_call_fails(void **state)
{
    fail_every_call(*state, drive_interrupts);
}

static void vcpu_run_every_call_fails(void **state)
{
    fail_every_call(*state, run_and_save);
}

#define ON(vendor, name)                                                           \
    {                                                                              \
#name " on " #vendor, name, machine_setup_##vendor, machine_teardown, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(amd, host_probe_every_call_fails),
        ON(intel, host_probe_every_call_fails),
        ON(amd, vm_power_on_every_call_fails),
        ON(intel, vm_power_on_every_call_fails),
        ON(amd, vm_power_on_measured_every_call_fails),
        ON(intel, vm_power_on_measured_every_call_fails),
        ON(amd, vcpu_registers_every_call_fails),
        ON(intel, vcpu_registers_every_call_fails),
        ON(amd, vm_interrupts_every_call_fails),
        ON(intel, vm_interrupts_every_call_fails),
        ON(amd, vcpu_run_every_call_fails),
        ON(intel, vcpu_run_every_call_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
