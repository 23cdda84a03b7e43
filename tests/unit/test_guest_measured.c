/* SPDX-License-Identifier: MIT */
/* What a guest really reads, against what was set and what KVM says of it. */
#include "guest.h"

/* What is answered: the table as it is now, changed by the test. */
static struct vhv_cpuid *answer_of(const struct scene *scene)
{
    struct vhv_cpuid *answer;

    assert_int_equal(vhv_cpuid_copy(&answer, vhv_guest_cpuid_table(scene->guest)), 0);
    return answer;
}

static void flip(struct vhv_cpuid *table, uint32_t leaf, enum vhv_cpuid_reg reg, uint32_t bits)
{
    struct vhv_cpuid_entry entry = {.leaf = leaf};

    if (vhv_cpuid_find(table, leaf, 0))
        entry = *vhv_cpuid_find(table, leaf, 0);
    entry.reg[reg] ^= bits;
    assert_int_equal(vhv_cpuid_set(table, &entry), 0);
}

/* KVM says that it took the table with @bits of leaf 7's EBX changed. */
static void read_back(struct scene *scene, uint32_t bits)
{
    struct vhv_cpuid *answer = answer_of(scene);

    flip(answer, 7, VHV_EBX, bits);
    assert_true(vhv_guest_cpuid_read_back(scene->guest, answer) >= 0);
    vhv_cpuid_free(answer);
}

/* A guest reads the table with @bits of leaf 7's EBX changed. */
static int measure(struct scene *scene, uint32_t bits)
{
    struct vhv_cpuid *answer = answer_of(scene);
    int result;

    flip(answer, 7, VHV_EBX, bits);
    result = vhv_guest_cpuid_measured(scene->guest, answer);
    vhv_cpuid_free(answer);
    return result;
}

static void measured_same_table_has_no_difference(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *answer;

    (void)state;
    scene->options.vhv_enable = setting(true, 1, "vhv.enable");
    made(scene);
    read_back(scene, 0);
    assert_int_equal(measure(scene, 0), 0);
    assert_int_equal(finding_count(scene), 0);
    assert_chain(scene, 7, 0, VHV_EBX, 5, "kvm=1");
    answer = answer_of(scene);
    assert_fails(vhv_guest_cpuid_measured(scene->guest, answer), EALREADY, "measured before");
    assert_fails(vhv_guest_cpuid_read_back(scene->guest, answer), EALREADY, "measured before");
    vhv_cpuid_free(answer);
    scene_end(scene);
}

static void measured_bits_computed_at_run_time_are_no_difference(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *answer;

    (void)state;
    made(scene);
    answer = answer_of(scene);
    flip(answer, 1, VHV_ECX, 1u << 27);
    flip(answer, 1, VHV_EDX, 1u << 9);
    flip(answer, 7, VHV_ECX, 1u << 4);
    assert_int_equal(vhv_guest_cpuid_measured(scene->guest, answer), 0);
    assert_int_equal(finding_count(scene), 0);
    vhv_cpuid_free(answer);
    scene_end(scene);
}

/* KVM has AVX2, bit 5, and the mask takes it away; KVM says so, and a guest reads it all the same.
 */
static void measured_bit_that_a_mask_decided_is_an_error(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 4, "cpuid.7.ebx", 5, '0');
    made(scene);
    read_back(scene, 0);
    assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
    assert_int_equal(measure(scene, 1u << 5), 1);
    assert_fails(vhv_guest_cpuid_check(scene->guest), EOPNOTSUPP,
                 "hypervisor.vmx:4: cpuid.7.ebx bit 5 (AVX2) is 0 by what KVM says, but a guest "
                 "reads 1");
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_CPUID_NOT_HONOURED);
    assert_int_equal(bit_of(scene, 7, VHV_EBX, 5), 1);
    assert_chain(scene, 7, 0, VHV_EBX, 5, "kvm=1 mask:0=0 measured=1");
    scene_end(scene);
}

static void measured_setting_not_honoured_is_an_error(void **state)
{
    struct scene *scene = on_intel();
    struct vhv_cpuid *answer;

    (void)state;
    scene->options.vhv_enable = setting(true, 3, "vhv.enable");
    made(scene);
    answer = answer_of(scene);
    flip(answer, 1, VHV_ECX, 1u << 5);
    assert_int_equal(vhv_guest_cpuid_measured(scene->guest, answer), 1);
    assert_true(finding(scene, "hypervisor.vmx:3: vhv.enable bit 5 (VMX) was set to 1, but a guest "
                               "reads 0")
                    ->is_error);
    assert_false(vhv_guest_cpuid_has_vhv(scene->guest));
    vhv_cpuid_free(answer);
    scene_end(scene);
}

static void measured_bit_nobody_asked_for_is_a_warning(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *answer;

    (void)state;
    made(scene);
    answer = answer_of(scene);
    flip(answer, 7, VHV_EBX, 0x3);
    flip(answer, 0x8fffffff, VHV_EAX, 1u << 31);
    assert_int_equal(vhv_guest_cpuid_measured(scene->guest, answer), 3);
    assert_int_equal(finding_count(scene), 3);
    assert_false(
        finding(scene, "cpuid.7.ebx bit 0 (FSGSBASE) was set to 1, but a guest reads 0")->is_error);
    finding(scene, "cpuid.7.ebx bit 1 (TSC_ADJUST) was set to 0, but a guest reads 1");
    finding(scene, "cpuid.8fffffff.eax bit 31 was set to 0, but a guest reads 1");
    assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
    assert_chain(scene, 7, 0, VHV_EBX, 1, "kvm=0 measured=1");
    vhv_cpuid_free(answer);
    scene_end(scene);
}

static void measured_bit_that_masks_pass_is_a_warning(void **state)
{
    static const char ops[] = "-xi";

    (void)state;
    for (const char *op = ops; *op; op++) {
        struct scene *scene = on_amd();

        ask_bit(scene, 4, "cpuid.7.ebx", 0, *op);
        made(scene);
        assert_int_equal(measure(scene, 1), 1);
        assert_int_equal(vhv_guest_cpuid_check(scene->guest), 0);
        scene_end(scene);
    }
}

/* The read-back has told of the bit already, and the guest agrees with it. */
static void measured_as_read_back_adds_nothing(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 4, "cpuid.7.ebx", 5, '0');
    made(scene);
    read_back(scene, 1u << 5);
    assert_int_equal(finding_count(scene), 1);
    assert_int_equal(measure(scene, 0), 0);
    assert_int_equal(finding_count(scene), 1);
    assert_chain(scene, 7, 0, VHV_EBX, 5, "kvm=1 mask:0=0 read-back=1");
    scene_end(scene);
}

/* KVM says that it gives the bit, and does not: what was asked for is so. */
static void measured_as_asked_for_against_read_back_adds_no_finding(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    ask_bit(scene, 4, "cpuid.7.ebx", 5, '0');
    made(scene);
    read_back(scene, 1u << 5);
    assert_int_equal(measure(scene, 1u << 5), 1);
    assert_int_equal(finding_count(scene), 1);
    assert_int_equal(bit_of(scene, 7, VHV_EBX, 5), 0);
    assert_chain(scene, 7, 0, VHV_EBX, 5, "kvm=1 mask:0=0 read-back=1 measured=0");
    scene_end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured_same_table_has_no_difference),
        cmocka_unit_test(measured_bits_computed_at_run_time_are_no_difference),
        cmocka_unit_test(measured_bit_that_a_mask_decided_is_an_error),
        cmocka_unit_test(measured_setting_not_honoured_is_an_error),
        cmocka_unit_test(measured_bit_nobody_asked_for_is_a_warning),
        cmocka_unit_test(measured_bit_that_masks_pass_is_a_warning),
        cmocka_unit_test(measured_as_read_back_adds_nothing),
        cmocka_unit_test(measured_as_asked_for_against_read_back_adds_no_finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
