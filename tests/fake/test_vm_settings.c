/* SPDX-License-Identifier: MIT */
/* What settings and the host's policy do to a VM beyond its CPUID. */
#include <errno.h>
#include <libvhv/vhv.h>
#include <string.h>

#include "../cmocka.h"
#include "machine.h"

/* A VM of a .vmx text, on a host that is probed now and has this policy. */
static struct vhv_vm *new_vm(struct machine *machine, const char *policy, const char *text,
                             struct vhv_vm_options options)
{
    static char path[64];
    struct vhv_config *config = NULL;
    struct vhv_host *host;
    struct vhv_vm *vm = NULL;

    machine_write_text(machine, "host.vmx", policy);
    snprintf(path, sizeof(path), "%s/host.vmx", machine->root);
    machine->paths.system_policy = path;
    host = machine_probe(machine);
    assert_int_equal(vhv_config_parse(&config, text, strlen(text), "test.vmx"), 0);
    options.size = sizeof(options);
    options.config = config;
    assert_int_equal(vhv_vm_new(&vm, host, &options), 0);
    vhv_config_free(config);
    vhv_host_free(host);
    return vm;
}

static void assert_refused_by_policy(struct machine *machine, const char *text, bool report_only)
{
    struct vhv_vm *vm = new_vm(machine, "# ours\nvhv.allow = FALSE\n", text,
                               (struct vhv_vm_options){.report_only = report_only});

    assert_fails(vhv_vm_power_on(vm), EPERM, "/host.vmx:2: vhv.allow is FALSE");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_POLICY);
    assert_int_equal(vhv_vm_stage(vm), VHV_STAGE_CONFIGURE);
    assert_int_equal(fake_kvm_count("KVM_SET_CPUID2"), 0);
    vhv_vm_free(vm);
}

#define MASKS                                                     \
    "cpuid.1.ecx = \"----:----:----:----:----:----:--h-:----\"\n" \
    "cpuid.80000001.ecx.amd = \"----:----:----:----:----:----:----:-h--\"\n"

static void power_on_policy_refuses_whatever_turns_virtualized_hv_on(void **state)
{
    assert_refused_by_policy(*state, "numvcpus = 1\nvhv.enable = TRUE\n", false);
    assert_refused_by_policy(*state, "numvcpus = 1\n" MASKS, false);
    assert_refused_by_policy(*state, "numvcpus = 1\nvhv.allow = TRUE\nvhv.enable = TRUE\n", false);
}

static void power_on_policy_holds_for_who_wants_reports_only(void **state)
{
    assert_refused_by_policy(*state, "numvcpus = 1\nvhv.enable = TRUE\n", true);
}

static void power_on_policy_lets_other_vms_be(void **state)
{
    struct vhv_vm *vm =
        new_vm(*state, "vhv.allow = FALSE\n", "numvcpus = 1\n", (struct vhv_vm_options){0});

    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);
}

static void power_on_policy_refuses_svm_that_kvm_shows_unasked(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "vhv.allow = FALSE\n", "numvcpus = 1\n",
                               (struct vhv_vm_options){.report_only = true});

    fake_kvm.readback.leaf = 0x80000001;
    fake_kvm.readback.ecx = 1 << 2;
    assert_fails(vhv_vm_power_on(vm), EPERM, "KVM shows it to the guest unasked");
    vhv_vm_free(vm);
}

static void policy_is_below_the_configuration(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "vhv.enable = TRUE\nnumvcpus = 3\n", "numvcpus = 1\n",
                               (struct vhv_vm_options){0});

    assert_int_equal(vhv_vm_vcpu_count(vm), 1);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_true(vhv_vm_has_vhv(vm));
    vhv_vm_free(vm);

    vm = new_vm(*state, "vhv.enable = TRUE\n", "numvcpus = 1\nvhv.enable = FALSE\n",
                (struct vhv_vm_options){0});
    assert_int_equal(vhv_vm_power_on(vm), 0);
    assert_false(vhv_vm_has_vhv(vm));
    vhv_vm_free(vm);
}

static void vpmc_false_takes_the_counters_from_the_vm(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "", "numvcpus = 1\n", (struct vhv_vm_options){0});

    assert_false(fake_kvm.hides_counters);
    vhv_vm_free(vm);
    vm = new_vm(*state, "", "numvcpus = 1\nvpmc.enable = FALSE\n", (struct vhv_vm_options){0});
    assert_true(fake_kvm.hides_counters);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);

    fake_kvm.hides_counters = false;
    fake_kvm.missing_capability = KVM_CAP_PMU_CAPABILITY;
    vm = new_vm(*state, "", "numvcpus = 1\nvpmc.enable = FALSE\n", (struct vhv_vm_options){0});
    assert_false(fake_kvm.hides_counters);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);
}

static void cores_per_socket_gives_vcpus_their_ids(void **state)
{
    static const uint32_t wanted[] = {0, 1, 2, 4, 5, 6};
    struct vhv_vm *vm =
        new_vm(*state, "", "numvcpus = 6\ncpuid.coresPerSocket = 3\n", (struct vhv_vm_options){0});

    for (size_t i = 0; i < 6; i++)
        assert_int_equal(vhv_vcpu_id(vhv_vm_vcpu(vm, i)), wanted[i]);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);

    vm =
        new_vm(*state, "", "numvcpus = 63\ncpuid.coresPerSocket = 9\n", (struct vhv_vm_options){0});
    assert_int_equal(vhv_vcpu_id(vhv_vm_vcpu(vm, 62)), 104);
    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);

    vm = new_vm(*state, "", "numvcpus = 6\ncpuid.coresPerSocket = 4\n", (struct vhv_vm_options){0});
    assert_fails(vhv_vm_power_on(vm), EINVAL, "test.vmx:2: cpuid.coresPerSocket is 4");
    vhv_vm_free(vm);
}

static void vcpu_new_beyond_the_limits_is_refused(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "", "numvcpus = 63\n", (struct vhv_vm_options){0});
    struct vhv_vcpu *vcpu = NULL;

    assert_fails(vhv_vcpu_new(&vcpu, vm, 255), EINVAL, "ids are 0 to 254");
    assert_int_equal(vhv_vcpu_new(&vcpu, vm, 254), 0);
    vcpu = NULL;
    assert_fails(vhv_vcpu_new(&vcpu, vm, 100), ENOSPC, "the VM has 64 vCPUs");
    assert_null(vcpu);
    vhv_vm_free(vm);
}

/* The machine becomes a guest of a hypervisor that shows these names, each in its own range. */
static void run_under(struct machine *machine, const char *first, const char *second)
{
    struct vhv_cpuid_entry entry = *vhv_cpuid_find(machine->processor, 1, 0);
    const char *const names[] = {first, second};

    entry.reg[VHV_ECX] |= 1u << 31;
    assert_int_equal(vhv_cpuid_set(machine->processor, &entry), 0);
    for (uint32_t i = 0; i < 2; i++) {
        char name[13] = "";

        entry = (struct vhv_cpuid_entry){.leaf = 0x40000000 + 0x100 * i};
        entry.reg[VHV_EAX] = entry.leaf + 1;
        strcpy(name, names[i]);
        memcpy(&entry.reg[VHV_EBX], name, 12);
        if (names[i][0])
            assert_int_equal(vhv_cpuid_set(machine->processor, &entry), 0);
    }
}

static const struct vhv_vm_options checking = {.refuse_foreign_hypervisor = true};

static void power_on_under_a_foreign_hypervisor_is_refused(void **state)
{
    struct machine *machine = *state;
    struct vhv_vm *vm;

    run_under(machine, "Microsoft Hv", "");
    vm = new_vm(machine, "", "numvcpus = 1\n", checking);
    assert_fails(vhv_vm_power_on(vm), EPERM,
                 "this machine runs under a hypervisor other than KVM, \"Microsoft Hv\"");
    assert_non_null(strstr(vhv_error_message(), "set vmx.allowNested = \"TRUE\""));
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_FOREIGN_HYPERVISOR);
    assert_int_equal(vhv_vm_stage(vm), VHV_STAGE_CONFIGURE);
    vhv_vm_free(vm);

    run_under(machine, "VMwareVMware", "");
    vm = new_vm(machine, "", "numvcpus = 1\nvmx.allowNested = FALSE\n", checking);
    assert_fails(vhv_vm_power_on(vm), EPERM,
                 "test.vmx:2: vmx.allowNested: this machine runs under");
    vhv_vm_free(vm);
}

static void power_on_under_a_foreign_hypervisor_is_allowed_by_file_or_policy(void **state)
{
    static const struct {
        const char *policy, *text;
        bool checks;
    } cases[] = {
        {"", "numvcpus = 1\nvmx.allowNested = TRUE\n", true},
        {"vmx.allowNested = TRUE\n", "numvcpus = 1\n", true},
        {"vmx.allowNested = FALSE\n", "numvcpus = 1\nvmx.allowNested = TRUE\n", true},
        {"", "numvcpus = 1\n", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vhv_vm *vm;

        run_under(*state, "VMwareVMware", "");
        vm = new_vm(*state, cases[i].policy, cases[i].text,
                    (struct vhv_vm_options){.refuse_foreign_hypervisor = cases[i].checks});
        assert_int_equal(vhv_vm_power_on(vm), 0);
        vhv_vm_free(vm);
    }
}

static void power_on_under_kvm_or_an_emulator_is_fine(void **state)
{
    static const char *const names[][2] = {
        {"KVMKVMKVM", ""}, {"Microsoft Hv", "KVMKVMKVM"}, {"TCGTCGTCGTCG", ""}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct vhv_vm *vm;

        run_under(*state, names[i][0], names[i][1]);
        vm = new_vm(*state, "", "numvcpus = 1\n", checking);
        assert_int_equal(vhv_vm_power_on(vm), 0);
        vhv_vm_free(vm);
    }
}

static void power_on_on_the_processor_itself_is_fine(void **state)
{
    struct vhv_vm *vm = new_vm(*state, "", "numvcpus = 1\nvmx.allowNested = FALSE\n", checking);

    assert_int_equal(vhv_vm_power_on(vm), 0);
    vhv_vm_free(vm);
}

#define AMD(name) cmocka_unit_test_setup_teardown(name, machine_setup_amd, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AMD(power_on_policy_refuses_whatever_turns_virtualized_hv_on),
        AMD(power_on_policy_holds_for_who_wants_reports_only),
        AMD(power_on_policy_lets_other_vms_be),
        AMD(power_on_policy_refuses_svm_that_kvm_shows_unasked),
        AMD(policy_is_below_the_configuration),
        AMD(vpmc_false_takes_the_counters_from_the_vm),
        AMD(cores_per_socket_gives_vcpus_their_ids),
        AMD(vcpu_new_beyond_the_limits_is_refused),
        AMD(power_on_under_a_foreign_hypervisor_is_refused),
        AMD(power_on_under_a_foreign_hypervisor_is_allowed_by_file_or_policy),
        AMD(power_on_under_kvm_or_an_emulator_is_fine),
        AMD(power_on_on_the_processor_itself_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
