/* SPDX-License-Identifier: MIT */
/* The backdoor on a VM's bus: which registers it reads and sets, and whose. */
#include <errno.h>
#include <libvhv/kvm.h>
#include <libvhv/vhv.h>
#include <string.h>

#include "../cmocka.h"
#include "machine.h"

enum { PORT = 0x5658, MAGIC = 0x564d5868, GETVERSION = 10, GETHWVERSION = 17, GETUUID = 19 };
enum { GETMEMSIZE = 20, GETHZ = 45, NESTING_QUERY = 2 << 16 | 63, RAM_BYTES = 5 << 20 };

struct fixture {
    struct machine *machine;
    struct vhv_host *host;
    struct vhv_config *config;
    struct vhv_vm *vm;
};

static int setup(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.machine = machine_new(VHV_VENDOR_AMD)};
    fixture.host = machine_probe(fixture.machine);
    *state = &fixture;
    return vhv_config_new(&fixture.config);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *machine = fixture->machine;

    vhv_vm_free(fixture->vm);
    vhv_config_free(fixture->config);
    vhv_host_free(fixture->host);
    return machine_teardown(&machine);
}

static struct vhv_vcpu *make(struct fixture *fixture, enum vhv_irqchip irqchip)
{
    const struct vhv_vm_options options = {
        .size = sizeof(options), .config = fixture->config, .irqchip = irqchip};
    struct vhv_vcpu *vcpu;

    assert_int_equal(vhv_vm_new(&fixture->vm, fixture->host, &options), 0);
    assert_true(vhv_memory_add_ram(vhv_vm_memory(fixture->vm), RAM_BYTES, NULL) >= 0);
    assert_int_equal(vhv_vcpu_new(&vcpu, fixture->vm, 0), 0);
    return vcpu;
}

/* A VM with the backdoor, powered on. */
static struct vhv_vcpu *start(struct fixture *fixture, const struct vhv_backdoor_options *options)
{
    struct vhv_vcpu *vcpu = make(fixture, VHV_IRQCHIP_KERNEL);

    assert_int_equal(vhv_backdoor_add(fixture->vm, options), 0);
    assert_int_equal(vhv_vm_power_on(fixture->vm), 0);
    return vcpu;
}

static int in(struct kvm_run *run, uint16_t port, uint8_t bytes)
{
    run->exit_reason = KVM_EXIT_IO;
    run->io.direction = KVM_EXIT_IO_IN;
    run->io.port = port;
    run->io.size = bytes;
    run->io.count = 1;
    run->io.data_offset = 4096;
    memset((char *)run + 4096, 0, 8);
    return 0;
}

static int in_4_bytes(struct kvm_run *run)
{
    return in(run, PORT, 4);
}

static int in_2_bytes(struct kvm_run *run)
{
    return in(run, PORT, 2);
}

static int in_of_messages(struct kvm_run *run)
{
    return in(run, PORT + 1, 4);
}

/* An access with a command in the registers. Returns what it reads; @regs are those after it. */
static uint32_t ask(struct vhv_vcpu *vcpu, fake_exit access, uint32_t command,
                    struct kvm_regs *regs)
{
    const fake_exit script[] = {access};
    struct vhv_exit exit;
    uint32_t value;

    *regs = (struct kvm_regs){.rax = MAGIC, .rbx = ~0ull, .rcx = command, .rdx = 7, .rip = 0x1000};
    fake_kvm.script = script;
    fake_kvm.script_next = 0;
    fake_kvm.script_length = 1;
    assert_int_equal(vhv_vcpu_set_regs(vcpu, regs), 0);
    assert_int_equal(vhv_vcpu_run(vcpu, &exit), 0);
    assert_int_equal(exit.reason, VHV_EXIT_HLT);
    assert_int_equal(vhv_vcpu_get_regs(vcpu, regs), 0);
    memcpy(&value, (char *)vhv_vcpu_kvm_run(vcpu) + 4096, sizeof(value));
    return value;
}

static void backdoor_answers_in_the_registers_of_the_vcpu(void **state)
{
    struct vhv_vcpu *vcpu = start(*state, NULL);
    struct kvm_regs regs;

    assert_int_equal(ask(vcpu, in_4_bytes, GETVERSION, &regs), 6);
    assert_int_equal(regs.rbx, MAGIC);
    assert_int_equal(regs.rcx, 2);
    assert_int_equal(regs.rdx, 7);
    assert_int_equal(regs.rax, 6);
    assert_int_equal(regs.rip, 0x1000); /* KVM moves it on when it completes the instruction */
}

static void backdoor_tells_what_the_vm_has(void **state)
{
    const struct vhv_backdoor_options options = {
        .size = sizeof(options), .has_uuid = true, .uuid = {0x56, 0x4d, 1, 2}};
    struct fixture *fixture = *state;
    struct vhv_vcpu *vcpu;
    struct kvm_regs regs;

    assert_int_equal(vhv_config_set(fixture->config, "virtualHW.version", "9"), 0);
    vcpu = start(fixture, &options);
    assert_int_equal(ask(vcpu, in_4_bytes, GETMEMSIZE, &regs), RAM_BYTES >> 20);
    assert_int_equal(ask(vcpu, in_4_bytes, GETHWVERSION, &regs), 9);
    assert_int_equal(ask(vcpu, in_4_bytes, GETUUID, &regs), 0x02014d56);
    assert_int_equal(ask(vcpu, in_4_bytes, GETHZ, &regs), 2400000000);
    assert_int_equal(regs.rbx, 0);
    assert_int_equal(regs.rcx, 1000000000);
}

static void backdoor_without_an_apic_in_the_kernel_has_no_bus_frequency(void **state)
{
    struct fixture *fixture = *state;
    struct vhv_vcpu *vcpu = make(fixture, VHV_IRQCHIP_NONE);
    struct kvm_regs regs;

    assert_int_equal(vhv_backdoor_add(fixture->vm, NULL), 0);
    assert_int_equal(vhv_vm_power_on(fixture->vm), 0);
    assert_int_equal(ask(vcpu, in_4_bytes, GETHZ, &regs), 2400000000);
    assert_int_equal(regs.rcx, 0);
}

static void assert_no_hz(struct vhv_vcpu *vcpu)
{
    struct kvm_regs regs;

    assert_int_equal(ask(vcpu, in_4_bytes, GETHZ, &regs), UINT32_MAX);
    assert_int_equal(regs.rbx, UINT32_MAX);
}

static void backdoor_where_kvm_lacks_the_tscs_frequency_tells_none(void **state)
{
    struct vhv_vcpu *vcpu = start(*state, NULL);

    fake_kvm.missing_capability = KVM_CAP_GET_TSC_KHZ;
    assert_no_hz(vcpu);
    assert_int_equal(fake_kvm_count("KVM_GET_TSC_KHZ"), 0);
}

static void backdoor_other_accesses_find_no_device(void **state)
{
    struct vhv_vcpu *vcpu = start(*state, NULL);
    struct kvm_regs regs;

    assert_int_equal(ask(vcpu, in_2_bytes, GETVERSION, &regs), 0xffff);
    assert_int_equal(regs.rbx, ~0ull);
    assert_int_equal(ask(vcpu, in_of_messages, GETVERSION, &regs), UINT32_MAX);
    assert_int_equal(regs.rbx, ~0ull);
}

static void bus_access_outside_of_a_run_finds_no_device(void **state)
{
    struct fixture *fixture = *state;
    struct kvm_regs regs = {.rax = MAGIC, .rcx = GETVERSION};
    uint32_t value = 0;

    assert_int_equal(vhv_vcpu_set_regs(start(fixture, NULL), &regs), 0);
    assert_int_equal(
        vhv_bus_access(vhv_vm_bus(fixture->vm), VHV_SPACE_PORT, false, PORT, &value, sizeof(value)),
        0);
    assert_int_equal(value, UINT32_MAX);
}

static bool is_restricted(struct fixture *fixture, const struct vhv_backdoor_options *options)
{
    struct vhv_vcpu *vcpu = start(fixture, options);
    struct kvm_regs regs;

    assert_int_equal(ask(vcpu, in_4_bytes, NESTING_QUERY, &regs), 2);
    assert_in_range(regs.rbx, 0, 1);
    vhv_vm_free(fixture->vm);
    fixture->vm = NULL;
    return regs.rbx;
}

static void backdoor_is_restricted_as_asked(void **state)
{
    struct vhv_backdoor_options options = {.size = sizeof(options)};
    struct fixture *fixture = *state;

    assert_false(is_restricted(fixture, &options));
    assert_int_equal(vhv_config_set(fixture->config, "guestOS", "vmkernel5"), 0);
    assert_true(is_restricted(fixture, &options));
    assert_int_equal(vhv_config_set(fixture->config, "monitor_control.restrict_backdoor", "FALSE"),
                     0);
    assert_false(is_restricted(fixture, &options));
    options.restricted = VHV_SETTING_TRUE;
    assert_true(is_restricted(fixture, &options));
    assert_int_equal(vhv_config_set(fixture->config, "guestOS", "winhyperv"), 0);
    assert_int_equal(vhv_config_set(fixture->config, "monitor_control.restrict_backdoor", "TRUE"),
                     0);
    assert_true(is_restricted(fixture, NULL));
    options.restricted = VHV_SETTING_FALSE;
    assert_false(is_restricted(fixture, &options));
}

static void backdoor_add_refuses_what_it_cannot_do(void **state)
{
    struct vhv_backdoor_options options = {.size = sizeof(options), .restricted = 3};
    struct fixture *fixture = *state;

    make(fixture, VHV_IRQCHIP_NONE);
    assert_fails(vhv_backdoor_add(fixture->vm, &options), EINVAL, "restricted");
    assert_int_equal(vhv_backdoor_add(fixture->vm, NULL), 0);
    assert_fails(vhv_backdoor_add(fixture->vm, NULL), EEXIST, "backdoor");
    assert_int_equal(vhv_vm_power_on(fixture->vm), 0);
    assert_fails(vhv_backdoor_add(fixture->vm, NULL), EBUSY, "");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_WRONG_STAGE);
}

/* The first access binds the vCPU to this thread, so that the next one's calls are known. */
static void prepare_call(struct vhv_vcpu *vcpu, uint32_t command, unsigned after, int code)
{
    static const fake_exit script[] = {in_4_bytes};
    struct kvm_regs regs;

    ask(vcpu, in_4_bytes, GETVERSION, &regs);
    regs = (struct kvm_regs){.rax = MAGIC, .rcx = command};
    assert_int_equal(vhv_vcpu_set_regs(vcpu, &regs), 0);
    fake_kvm.script = script;
    fake_kvm.script_next = 0;
    fake_kvm.fail_call = fake_kvm.calls + after;
    fake_kvm.fail_errno = code;
}

static void backdoor_failing_ioctl_fails_the_run(void **state)
{
    static const char *const names[] = {"KVM_RUN", "KVM_GET_REGS", "KVM_CHECK_EXTENSION",
                                        "KVM_GET_TSC_KHZ", "KVM_SET_REGS"};
    struct vhv_vcpu *vcpu = start(*state, NULL);
    struct vhv_exit exit;

    for (unsigned i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
        prepare_call(vcpu, GETVERSION, 1 + i, ENXIO);
        assert_fails(vhv_vcpu_run(vcpu, &exit), ENXIO, "'backdoor'");
        assert_string_equal(fake_kvm.log[fake_kvm.calls - 1].name, names[i]);
    }
}

static void backdoor_tsc_that_is_not_stable_has_no_frequency(void **state)
{
    struct vhv_vcpu *vcpu = start(*state, NULL);
    struct kvm_regs regs;
    struct vhv_exit exit;

    prepare_call(vcpu, GETHZ, 4, EIO);
    assert_int_equal(vhv_vcpu_run(vcpu, &exit), 0);
    assert_int_equal(vhv_vcpu_get_regs(vcpu, &regs), 0);
    assert_int_equal(regs.rbx, UINT32_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(backdoor_answers_in_the_registers_of_the_vcpu),
        TEST(backdoor_tells_what_the_vm_has),
        TEST(backdoor_without_an_apic_in_the_kernel_has_no_bus_frequency),
        TEST(backdoor_where_kvm_lacks_the_tscs_frequency_tells_none),
        TEST(backdoor_tsc_that_is_not_stable_has_no_frequency),
        TEST(backdoor_other_accesses_find_no_device),
        TEST(bus_access_outside_of_a_run_finds_no_device),
        TEST(backdoor_is_restricted_as_asked),
        TEST(backdoor_add_refuses_what_it_cannot_do),
        TEST(backdoor_failing_ioctl_fails_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
