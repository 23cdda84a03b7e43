/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libvhv/cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

static struct vhv_cpuid *table(const struct vhv_cpuid_entry *entries, size_t count)
{
    struct vhv_cpuid *cpuid = NULL;

    assert_int_equal(vhv_cpuid_new(&cpuid), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(vhv_cpuid_set(cpuid, &entries[i]), 0);
    return cpuid;
}

static void assert_prints(struct vhv_cpuid *cpuid, enum vhv_cpuid_style style, const char *wanted)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    assert_non_null(stream);
    assert_int_equal(vhv_cpuid_print(cpuid, stream, style), 0);
    fclose(stream);
    assert_string_equal(text, wanted);
    free(text);
}

static void cpuid_print_raw_is_a_line_an_entry(void **state)
{
    static const struct vhv_cpuid_entry entries[] = {
        {.leaf = 1, .reg = {0x306c3, 0x800, 0x20, 0x1}},
        {.leaf = 0xd, .subleaf = 0x3f, .has_subleaf = true, .reg = {0xffffffff, 0, 0, 0}},
    };
    struct vhv_cpuid *cpuid = table(entries, 2);

    (void)state;
    assert_prints(cpuid, VHV_CPUID_RAW,
                  "0x00000001 0x00: eax=0x000306c3 ebx=0x00000800 ecx=0x00000020 edx=0x00000001\n"
                  "0x0000000d 0x3f: eax=0xffffffff ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n");
    vhv_cpuid_free(cpuid);
}

static void cpuid_print_decoded_names_the_bits_that_are_set(void **state)
{
    static const struct vhv_cpuid_entry entries[] = {
        {.leaf = 1, .reg = {[VHV_ECX] = 1U << 5 | 1U << 16 | 1U << 31, [VHV_EDX] = 1}},
        {.leaf = 2, .reg = {1, 1, 1, 1}},
        {.leaf = 7, .subleaf = 1, .has_subleaf = true, .reg = {[VHV_EAX] = 1U << 4}},
    };
    struct vhv_cpuid *cpuid = table(entries, 3);

    (void)state;
    assert_prints(cpuid, VHV_CPUID_DECODED,
                  "0x00000001 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x80010020 edx=0x00000001\n"
                  "    ecx: VMX HYPERVISOR\n"
                  "    edx: FPU\n"
                  "0x00000002 0x00: eax=0x00000001 ebx=0x00000001 ecx=0x00000001 edx=0x00000001\n"
                  "0x00000007 0x01: eax=0x00000010 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n"
                  "    eax: AVX_VNNI\n");
    vhv_cpuid_free(cpuid);
}

static void cpuid_print_decoded_names_kvms_bits_under_kvm_alone(void **state)
{
    struct vhv_cpuid_entry entries[] = {
        {.leaf = 0x40000000, .reg = {0x40000001, 0, 0, 0}},
        {.leaf = 0x40000001, .reg = {[VHV_EAX] = 1U << 6}},
    };
    struct vhv_cpuid *cpuid;

    (void)state;
    memcpy(&entries[0].reg[VHV_EBX], "KVMKVMKVM\0\0", 12);
    cpuid = table(entries, 2);
    assert_prints(cpuid, VHV_CPUID_DECODED,
                  "0x40000000 0x00: eax=0x40000001 ebx=0x4b4d564b ecx=0x564b4d56 edx=0x0000004d\n"
                  "0x40000001 0x00: eax=0x00000040 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n"
                  "    eax: KVM_PV_EOI\n");
    vhv_cpuid_free(cpuid);

    memcpy(&entries[0].reg[VHV_EBX], "Microsoft Hv", 12);
    cpuid = table(entries, 2);
    assert_prints(cpuid, VHV_CPUID_DECODED,
                  "0x40000000 0x00: eax=0x40000001 ebx=0x7263694d ecx=0x666f736f edx=0x76482074\n"
                  "0x40000001 0x00: eax=0x00000040 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n");
    vhv_cpuid_free(cpuid);
}

static void cpuid_print_full_device_is_an_error(void **state)
{
    static const struct vhv_cpuid_entry entry = {.leaf = 1};
    struct vhv_cpuid *cpuid;
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    if (!full) {
        print_message("needs /dev/full\n");
        skip();
    }
    cpuid = table(&entry, 1);
    assert_fails(vhv_cpuid_print(cpuid, full, VHV_CPUID_RAW), EIO, "stream");
    clearerr(full);
    setvbuf(full, NULL, _IONBF, 0);
    assert_fails(vhv_cpuid_print(cpuid, full, VHV_CPUID_JSON), EIO, "stream");
    fclose(full);
    vhv_cpuid_free(cpuid);
}

static void cpuid_print_unknown_style_is_refused(void **state)
{
    struct vhv_cpuid *cpuid = table(NULL, 0);

    (void)state;
    assert_fails(vhv_cpuid_print(cpuid, stdout, (enum vhv_cpuid_style)7), EINVAL, "7");
    vhv_cpuid_free(cpuid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpuid_print_raw_is_a_line_an_entry),
        cmocka_unit_test(cpuid_print_decoded_names_the_bits_that_are_set),
        cmocka_unit_test(cpuid_print_decoded_names_kvms_bits_under_kvm_alone),
        cmocka_unit_test(cpuid_print_full_device_is_an_error),
        cmocka_unit_test(cpuid_print_unknown_style_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
