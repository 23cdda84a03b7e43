/* SPDX-License-Identifier: MIT */
#include <asm/kvm_para.h>
#include <libvhv/feature.h>
#include <string.h>

#include "../cmocka.h"

/* Well-known bits, from the manuals' tables rather than from the library's. */
static const struct {
    const char *name;
    uint32_t leaf;
    uint32_t subleaf;
    enum vhv_cpuid_reg reg;
    unsigned bit;
    enum vhv_vendor vendor;
} known[] = {
    {"SSE3", 1, 0, VHV_ECX, 0, VHV_VENDOR_ANY},
    {"VMX", 1, 0, VHV_ECX, 5, VHV_VENDOR_INTEL},
    {"PCID", 1, 0, VHV_ECX, 17, VHV_VENDOR_ANY},
    {"X2APIC", 1, 0, VHV_ECX, 21, VHV_VENDOR_ANY},
    {"TSC_DEADLINE", 1, 0, VHV_ECX, 24, VHV_VENDOR_ANY},
    {"OSXSAVE", 1, 0, VHV_ECX, 27, VHV_VENDOR_ANY},
    {"HYPERVISOR", 1, 0, VHV_ECX, 31, VHV_VENDOR_ANY},
    {"FPU", 1, 0, VHV_EDX, 0, VHV_VENDOR_ANY},
    {"APIC", 1, 0, VHV_EDX, 9, VHV_VENDOR_ANY},
    {"DS", 1, 0, VHV_EDX, 21, VHV_VENDOR_INTEL},
    {"HTT", 1, 0, VHV_EDX, 28, VHV_VENDOR_ANY},
    {"ARAT", 6, 0, VHV_EAX, 2, VHV_VENDOR_ANY},
    {"APERFMPERF", 6, 0, VHV_ECX, 0, VHV_VENDOR_ANY},
    {"FSGSBASE", 7, 0, VHV_EBX, 0, VHV_VENDOR_ANY},
    {"SMEP", 7, 0, VHV_EBX, 7, VHV_VENDOR_ANY},
    {"AVX512F", 7, 0, VHV_EBX, 16, VHV_VENDOR_ANY},
    {"SMAP", 7, 0, VHV_EBX, 20, VHV_VENDOR_ANY},
    {"UMIP", 7, 0, VHV_ECX, 2, VHV_VENDOR_ANY},
    {"OSPKE", 7, 0, VHV_ECX, 4, VHV_VENDOR_ANY},
    {"LA57", 7, 0, VHV_ECX, 16, VHV_VENDOR_ANY},
    {"MD_CLEAR", 7, 0, VHV_EDX, 10, VHV_VENDOR_INTEL},
    {"ARCH_CAPABILITIES", 7, 0, VHV_EDX, 29, VHV_VENDOR_ANY},
    {"AVX_VNNI", 7, 1, VHV_EAX, 4, VHV_VENDOR_ANY},
    {"PREFETCHITI", 7, 1, VHV_EDX, 14, VHV_VENDOR_INTEL},
    {"BHI_CTRL", 7, 2, VHV_EDX, 4, VHV_VENDOR_INTEL},
    {"XSAVES", 0xd, 1, VHV_EAX, 3, VHV_VENDOR_ANY},
    {"SVM", 0x80000001, 0, VHV_ECX, 2, VHV_VENDOR_AMD},
    {"TOPOEXT", 0x80000001, 0, VHV_ECX, 22, VHV_VENDOR_AMD},
    {"SYSCALL", 0x80000001, 0, VHV_EDX, 11, VHV_VENDOR_ANY},
    {"NX", 0x80000001, 0, VHV_EDX, 20, VHV_VENDOR_ANY},
    {"LM", 0x80000001, 0, VHV_EDX, 29, VHV_VENDOR_ANY},
    {"INVARIANT_TSC", 0x80000007, 0, VHV_EDX, 8, VHV_VENDOR_ANY},
    {"AMD_IBPB", 0x80000008, 0, VHV_EBX, 12, VHV_VENDOR_AMD},
    {"VIRT_SSBD", 0x80000008, 0, VHV_EBX, 25, VHV_VENDOR_AMD},
    {"NPT", 0x8000000a, 0, VHV_EDX, 0, VHV_VENDOR_AMD},
    {"LBRV", 0x8000000a, 0, VHV_EDX, 1, VHV_VENDOR_AMD},
    {"NRIPS", 0x8000000a, 0, VHV_EDX, 3, VHV_VENDOR_AMD},
    {"TSCRATEMSR", 0x8000000a, 0, VHV_EDX, 4, VHV_VENDOR_AMD},
    {"VMCBCLEAN", 0x8000000a, 0, VHV_EDX, 5, VHV_VENDOR_AMD},
    {"FLUSHBYASID", 0x8000000a, 0, VHV_EDX, 6, VHV_VENDOR_AMD},
    {"DECODEASSISTS", 0x8000000a, 0, VHV_EDX, 7, VHV_VENDOR_AMD},
    {"PAUSEFILTER", 0x8000000a, 0, VHV_EDX, 10, VHV_VENDOR_AMD},
    {"PFTHRESHOLD", 0x8000000a, 0, VHV_EDX, 12, VHV_VENDOR_AMD},
    {"AVIC", 0x8000000a, 0, VHV_EDX, 13, VHV_VENDOR_AMD},
    {"V_VMSAVE_VMLOAD", 0x8000000a, 0, VHV_EDX, 15, VHV_VENDOR_AMD},
    {"VGIF", 0x8000000a, 0, VHV_EDX, 16, VHV_VENDOR_AMD},
    {"VNMI", 0x8000000a, 0, VHV_EDX, 25, VHV_VENDOR_AMD},
    {"SEV_ES", 0x8000001f, 0, VHV_EAX, 3, VHV_VENDOR_AMD},
    {"AUTOIBRS", 0x80000021, 0, VHV_EAX, 8, VHV_VENDOR_AMD},
    {"KVM_CLOCKSOURCE", KVM_CPUID_FEATURES, 0, VHV_EAX, KVM_FEATURE_CLOCKSOURCE, VHV_VENDOR_ANY},
    {"KVM_PV_EOI", KVM_CPUID_FEATURES, 0, VHV_EAX, KVM_FEATURE_PV_EOI, VHV_VENDOR_ANY},
    {"KVM_PV_SEND_IPI", KVM_CPUID_FEATURES, 0, VHV_EAX, KVM_FEATURE_PV_SEND_IPI, VHV_VENDOR_ANY},
    {"KVM_MIGRATION_CONTROL", KVM_CPUID_FEATURES, 0, VHV_EAX, KVM_FEATURE_MIGRATION_CONTROL,
     VHV_VENDOR_ANY},
    {"KVM_CLOCKSOURCE_STABLE", KVM_CPUID_FEATURES, 0, VHV_EAX, KVM_FEATURE_CLOCKSOURCE_STABLE_BIT,
     VHV_VENDOR_ANY},
};

static void feature_find_known_name_is_the_manuals_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct vhv_feature *feature = vhv_feature_find(known[i].name);

        if (!feature)
            fail_msg("no feature %s", known[i].name);
        assert_string_equal(feature->name, known[i].name);
        assert_int_equal(feature->leaf, known[i].leaf);
        assert_int_equal(feature->subleaf, known[i].subleaf);
        assert_int_equal(feature->reg, known[i].reg);
        assert_int_equal(feature->bit, known[i].bit);
        assert_int_equal(feature->vendor, known[i].vendor);
    }
}

static void feature_find_takes_any_case_and_dashes(void **state)
{
    const struct vhv_feature *feature = vhv_feature_find("TSC_DEADLINE");

    (void)state;
    assert_non_null(feature);
    assert_ptr_equal(vhv_feature_find("tsc-deadline"), feature);
    assert_ptr_equal(vhv_feature_find("Tsc_Deadline"), feature);
}

static void feature_find_other_text_is_null(void **state)
{
    (void)state;
    assert_null(vhv_feature_find(""));
    assert_null(vhv_feature_find("VM"));
    assert_null(vhv_feature_find("VMX "));
    assert_null(vhv_feature_find("VMXX"));
}

static void feature_of_bit_each_feature_is_found_by_its_place(void **state)
{
    const struct vhv_feature *feature;

    (void)state;
    for (size_t i = 0; (feature = vhv_feature_at(i)); i++)
        assert_ptr_equal(vhv_feature_of_bit(feature->leaf, feature->subleaf, feature->reg,
                                            feature->bit, feature->vendor),
                         feature);
}

static void feature_of_bit_any_vendor_takes_the_first(void **state)
{
    (void)state;
    assert_string_equal(vhv_feature_of_bit(1, 0, VHV_ECX, 5, VHV_VENDOR_ANY)->name, "VMX");
    assert_string_equal(vhv_feature_of_bit(0x80000001, 0, VHV_ECX, 2, VHV_VENDOR_ANY)->name, "SVM");
}

static void feature_of_bit_nameless_is_null(void **state)
{
    (void)state;
    assert_null(vhv_feature_of_bit(1, 0, VHV_ECX, 16, VHV_VENDOR_ANY));
    assert_null(vhv_feature_of_bit(1, 1, VHV_ECX, 5, VHV_VENDOR_ANY));
    assert_null(vhv_feature_of_bit(0, 0, VHV_EAX, 0, VHV_VENDOR_ANY));
    assert_null(vhv_feature_of_bit(0xffffffff, 0, VHV_EDX, 31, VHV_VENDOR_ANY));
}

static bool is_in_order(const struct vhv_feature *a, const struct vhv_feature *b)
{
    if (a->leaf != b->leaf)
        return a->leaf < b->leaf;
    if (a->subleaf != b->subleaf)
        return a->subleaf < b->subleaf;
    if (a->reg != b->reg)
        return a->reg < b->reg;
    if (a->bit != b->bit)
        return a->bit < b->bit;
    return a->vendor != b->vendor;
}

static void feature_at_table_is_sorted_without_a_bit_twice(void **state)
{
    const struct vhv_feature *feature;

    (void)state;
    for (size_t i = 1; (feature = vhv_feature_at(i)); i++) {
        if (!is_in_order(vhv_feature_at(i - 1), feature))
            fail_msg("%s is not behind %s", feature->name, vhv_feature_at(i - 1)->name);
    }
}

static void feature_at_each_name_finds_its_own_entry(void **state)
{
    const struct vhv_feature *feature;

    (void)state;
    for (size_t i = 0; (feature = vhv_feature_at(i)); i++) {
        if (vhv_feature_find(feature->name) != feature)
            fail_msg("%s is the name of two features", feature->name);
    }
}

static void feature_at_each_entry_is_well_formed(void **state)
{
    const struct vhv_feature *feature;
    size_t i;

    (void)state;
    for (i = 0; (feature = vhv_feature_at(i)); i++) {
        assert_true(feature->bit < 32);
        assert_true(strlen(feature->name) > 1);
        assert_int_equal(strspn(feature->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
                         strlen(feature->name));
        if (feature->subleaf && !vhv_cpuid_leaf_has_subleaves(feature->leaf))
            fail_msg("%s has a subleaf, its leaf has none", feature->name);
        if (strncmp(feature->section, "SDM \"", 5) && strncmp(feature->section, "APM3 \"", 6) &&
            strncmp(feature->section, "KVM ", 4))
            fail_msg("%s has the section \"%s\"", feature->name, feature->section);
    }
    assert_null(vhv_feature_at(i + 1));
}

static void cpuid_has_is_true_for_its_bit_alone(void **state)
{
    const struct vhv_feature *vmx = vhv_feature_find("VMX");
    struct vhv_cpuid_entry entry = {.leaf = 1, .reg = {[VHV_ECX] = 1U << 5}};
    struct vhv_cpuid *cpuid = NULL;

    (void)state;
    assert_int_equal(vhv_cpuid_new(&cpuid), 0);
    assert_false(vhv_cpuid_has(cpuid, vmx));
    assert_int_equal(vhv_cpuid_set(cpuid, &entry), 0);
    assert_true(vhv_cpuid_has(cpuid, vmx));

    entry.reg[VHV_ECX] = ~(1U << 5);
    entry.reg[VHV_EDX] = 1U << 5;
    assert_int_equal(vhv_cpuid_set(cpuid, &entry), 0);
    assert_false(vhv_cpuid_has(cpuid, vmx));
    vhv_cpuid_free(cpuid);
}

static void feature_first_hardware_version_is_vmwares(void **state)
{
    static const struct {
        const char *name;
        unsigned version;
    } cases[] = {{"VMX", 8},   {"SVM", 8},      {"SPEC_CTRL", 9}, {"AMD_IBPB", 9},
                 {"PCID", 11}, {"INVPCID", 11}, {"SGX", 17},      {"AVX2", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(vhv_feature_find(cases[i].name)->first_hardware_version, cases[i].version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feature_find_known_name_is_the_manuals_bit),
        cmocka_unit_test(feature_find_takes_any_case_and_dashes),
        cmocka_unit_test(feature_find_other_text_is_null),
        cmocka_unit_test(feature_of_bit_each_feature_is_found_by_its_place),
        cmocka_unit_test(feature_of_bit_any_vendor_takes_the_first),
        cmocka_unit_test(feature_of_bit_nameless_is_null),
        cmocka_unit_test(feature_at_table_is_sorted_without_a_bit_twice),
        cmocka_unit_test(feature_at_each_name_finds_its_own_entry),
        cmocka_unit_test(feature_at_each_entry_is_well_formed),
        cmocka_unit_test(cpuid_has_is_true_for_its_bit_alone),
        cmocka_unit_test(feature_first_hardware_version_is_vmwares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
