/* SPDX-License-Identifier: MIT */
/* What KVM made of a table, against what was set. */
#include "guest.h"

/* KVM's answer: what was set, changed by the test. */
static struct vhv_cpuid *answer_of(const struct scene *scene)
{
    struct vhv_cpuid *answer;

    assert_int_equal(vhv_cpuid_copy(&answer, vhv_guest_cpuid_table(scene->guest)), 0);
    return answer;
}

static void flip(struct vhv_cpuid *table, uint32_t leaf, uint32_t subleaf, enum vhv_cpuid_reg reg,
                 uint32_t bits)
{
    struct vhv_cpuid_entry entry = *vhv_cpuid_find(table, leaf, subleaf);

    entry.reg[reg] ^= bits;
    assert_int_equal(vhv_cpuid_set(table, &entry), 0);
}

static void read_back_same_table_has_no_difference(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *answer;

    (void)state;
    scene->options.vhv_enable = setting(true, 1, "vhv.enable");
    made(scene);
    answer = answer_of(scene);
    assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, answer), 0);
    assert_int_equal(finding_count(scene), 0);
    assert_fails(vhv_guest_cpuid_read_back(scene->guest, answer), EALREADY, "read back before");
    vhv_cpuid_free(answer);
    scene_end(scene);
}

static void read_back_bits_computed_at_run_time_are_no_difference(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *answer;

    (void)state;
    made(scene);
    answer = answer_of(scene);
    flip(answer, 1, 0, VHV_ECX, 1u << 27);
    flip(answer, 1, 0, VHV_EDX, 1u << 9);
    flip(answer, 7, 0, VHV_ECX, 1u << 4);
    flip(answer, 0xd, 0, VHV_EBX, 0xffff);
    flip(answer, 0xd, 1, VHV_EBX, 0xffff);
    assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, answer), 0);
    assert_int_equal(bit_of(scene, 1, VHV_ECX, 27), 1);
    assert_chain(scene, 1, 0, VHV_ECX, 27, "kvm=0 runtime=1");
    vhv_cpuid_free(answer);
    scene_end(scene);
}

static void read_back_entries_of_zeros_may_be_absent(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *answer;

    (void)state;
    made(scene);
    answer = answer_of(scene);
    assert_int_equal(vhv_cpuid_remove(answer, 0x8000000a, 0), 1);
    assert_int_equal(
        vhv_cpuid_set(answer, &(struct vhv_cpuid_entry){.leaf = 0x14, .has_subleaf = true}), 0);
    assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, answer), 0);
    vhv_cpuid_free(answer);
    scene_end(scene);
}

static void read_back_bit_nobody_asked_for_is_a_reason_alone(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *answer;

    (void)state;
    made(scene);
    answer = answer_of(scene);
    flip(answer, 7, 0, VHV_EBX, 0x3);
    flip(answer, 1, 0, VHV_EBX, 1u << 31);
    assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, answer), 3);
    assert_int_equal(finding_count(scene), 0);
    assert_chain(scene, 7, 0, VHV_EBX, 0, "kvm=1 read-back=0");
    assert_chain(scene, 7, 0, VHV_EBX, 1, "kvm=0 read-back=1");
    assert_chain(scene, 1, 0, VHV_EBX, 31, "kvm=0 vcpu=0 read-back=1");
    assert_int_equal(bit_of(scene, 7, VHV_EBX, 0), 0);
    vhv_cpuid_free(answer);
    scene_end(scene);
}

static void read_back_bit_that_a_mask_decided_is_an_error(void **state)
{
    /* KVM has AVX2, bit 5, and not SGX, bit 2. */
    static const struct {
        char op;
        unsigned bit;
        const char *text;
    } cases[] = {
        {'0', 5, "(AVX2) was set to 0, but KVM gives the guest 1"},
        {'r', 5, "(AVX2) was set to 0, but KVM gives the guest 1"},
        {'1', 5, "(AVX2) was set to 1, but KVM gives the guest 0"},
        {'h', 5, "(AVX2) was set to 1, but KVM gives the guest 0"},
        {'t', 5, "(AVX2) was set to 1, but KVM gives the guest 0"},
        {'f', 2, "(SGX) was set to 0, but KVM gives the guest 1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scene *scene = on_amd();
        struct vhv_cpuid *answer;

        ask_bit(scene, 4, "cpuid.7.ebx.amd", cases[i].bit, cases[i].op);
        made(scene);
        answer = answer_of(scene);
        flip(answer, 7, 0, VHV_EBX, 1u << cases[i].bit);
        assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, answer), 1);
        assert_fails(vhv_guest_cpuid_check(scene->guest), EOPNOTSUPP, cases[i].text);
        assert_contains(vhv_error_message(), "hypervisor.vmx:4: cpuid.7.ebx.amd bit ");
        assert_int_equal(vhv_error_cause(), VHV_CAUSE_CPUID_NOT_HONOURED);
        vhv_cpuid_free(answer);
        scene_end(scene);
    }
}

static void read_back_bit_that_masks_pass_is_no_error(void **state)
{
    static const char ops[] = "-xi";

    (void)state;
    for (const char *op = ops; *op; op++) {
        struct scene *scene = on_amd();
        struct vhv_cpuid *answer;

        ask_bit(scene, 4, "cpuid.7.ebx", 0, *op);
        made(scene);
        answer = answer_of(scene);
        flip(answer, 7, 0, VHV_EBX, 1);
        assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, answer), 1);
        assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
        vhv_cpuid_free(answer);
        scene_end(scene);
    }
}

static void read_back_virtualized_hv_not_honoured_is_an_error(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *answer;

    (void)state;
    scene->options.vhv_enable = setting(true, 3, "vhv.enable");
    made(scene);
    answer = answer_of(scene);
    flip(answer, 0x80000001, 0, VHV_ECX, 1u << 2);
    flip(answer, 0x8000000a, 0, VHV_EDX, 1);
    assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, answer), 2);
    finding(scene, "hypervisor.vmx:3: vhv.enable bit 2 (SVM) was set to 1, but KVM gives the guest "
                   "0");
    assert_true(vhv_guest_cpuid_finding(scene->guest, 1)->is_error);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    assert_chain(scene, 0x80000001, 0, VHV_ECX, 2, "kvm=1 default=0 setting=1 read-back=0");
    vhv_cpuid_free(answer);
    scene_end(scene);
}

static void read_back_virtualized_hv_that_is_off_but_live_is_a_warning(void **state)
{
    struct scene *scene = on_intel();
    struct vhv_cpuid *answer;

    (void)state;
    made(scene);
    answer = answer_of(scene);
    flip(answer, 1, 0, VHV_ECX, 1u << 5);
    assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, answer), 1);
    assert_false(finding(scene, "cpuid.1.ecx bit 5 (VMX) was set to 0, but KVM gives the guest 1")
                     ->is_error);
    assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
    vhv_cpuid_free(answer);
    scene_end(scene);
}

static void read_back_hypervisor_shown_against_the_setting_is_an_error(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *answer;

    (void)state;
    scene->options.hypervisor_v0 = setting(false, 3, "hypervisor.cpuid.v0");
    made(scene);
    answer = answer_of(scene);
    flip(answer, 1, 0, VHV_ECX, 1u << 31);
    assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, answer), 1);
    assert_fails(vhv_guest_cpuid_check(scene->guest), EOPNOTSUPP,
                 "hypervisor.vmx:3: hypervisor.cpuid.v0 bit 31 (HYPERVISOR) was set to 0");
    vhv_cpuid_free(answer);
    scene_end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_back_same_table_has_no_difference),
        cmocka_unit_test(read_back_bits_computed_at_run_time_are_no_difference),
        cmocka_unit_test(read_back_entries_of_zeros_may_be_absent),
        cmocka_unit_test(read_back_bit_nobody_asked_for_is_a_reason_alone),
        cmocka_unit_test(read_back_bit_that_a_mask_decided_is_an_error),
        cmocka_unit_test(read_back_bit_that_masks_pass_is_no_error),
        cmocka_unit_test(read_back_virtualized_hv_not_honoured_is_an_error),
        cmocka_unit_test(read_back_virtualized_hv_that_is_off_but_live_is_a_warning),
        cmocka_unit_test(read_back_hypervisor_shown_against_the_setting_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
