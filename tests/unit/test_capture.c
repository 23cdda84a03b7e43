/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libvhv/capture.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

#define REGISTERS "\"eax\": 1, \"ebx\": 2, \"ecx\": 3, \"edx\": 4"
#define CPUID     "\"cpuid\": [{\"leaf\": 0, " REGISTERS "}]"
#define REST      " ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n"

static int parse(struct vhv_capture **ret, const char *text, const char *name, unsigned cpu)
{
    const struct vhv_capture_options options = {.size = sizeof(options), .name = name, .cpu = cpu};

    return vhv_capture_parse(ret, text, strlen(text), &options);
}

static struct vhv_capture *parsed(const char *text, unsigned cpu)
{
    struct vhv_capture *capture = NULL;

    if (parse(&capture, text, "esx1", cpu) < 0)
        fail_msg("%s", vhv_error_message());
    return capture;
}

static void assert_refused(const char *text, const char *message)
{
    struct vhv_capture *capture = NULL;

    assert_fails(parse(&capture, text, "esx1", 0), EINVAL, message);
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);
    assert_null(capture);
}

static struct vhv_cpuid *small_table(void)
{
    struct vhv_cpuid *cpuid;
    const struct vhv_cpuid_entry entries[] = {
        {.leaf = 0, .reg = {0xd, 0x756e6547, 0x6c65746e, 0x49656e69}},
        {.leaf = 7, .has_subleaf = true, .reg = {0, 0x27ab, 0, 0x9c000400}},
    };

    assert_int_equal(vhv_cpuid_new(&cpuid), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(vhv_cpuid_set(cpuid, &entries[i]), 0);
    return cpuid;
}

static uint32_t eax_of(const struct vhv_capture *capture, uint32_t leaf, uint32_t subleaf)
{
    return vhv_cpuid_get(vhv_capture_cpuid(capture), leaf, subleaf, VHV_EAX);
}

static bool has_leaf(const struct vhv_capture *capture, uint32_t leaf, uint32_t subleaf)
{
    return vhv_cpuid_find(vhv_capture_cpuid(capture), leaf, subleaf);
}

static void capture_new_msrs_in_any_order_are_sorted(void **state)
{
    const struct vhv_msr msrs[] = {{0x48c, 3}, {0x480, 1}, {0x491, 4}, {0x48b, 2}};
    struct vhv_cpuid *cpuid = small_table();
    struct vhv_capture *capture;
    const struct vhv_msr *sorted;
    size_t count;

    (void)state;
    assert_int_equal(vhv_capture_new(&capture, "esx1", cpuid, msrs, 4), 0);
    sorted = vhv_capture_msrs(capture, &count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(sorted[i].value, i + 1);
    assert_int_equal(sorted[3].index, 0x491);
    assert_string_equal(vhv_capture_name(capture), "esx1");
    vhv_capture_free(capture);
    vhv_cpuid_free(cpuid);
}

static void capture_new_table_is_copied(void **state)
{
    struct vhv_cpuid *cpuid = small_table();
    struct vhv_capture *capture;

    (void)state;
    assert_int_equal(vhv_capture_new(&capture, "esx1", cpuid, NULL, 0), 0);
    vhv_cpuid_remove(cpuid, 7, 0);
    assert_true(has_leaf(capture, 7, 0));
    vhv_capture_free(capture);
    vhv_cpuid_free(cpuid);
}

static void capture_new_name_that_is_none_is_refused(void **state)
{
    struct vhv_capture *capture = NULL;
    struct vhv_cpuid *cpuid = small_table();
    char long_name[VHV_CAPTURE_NAME_BYTES + 1];

    (void)state;
    memset(long_name, 'a', sizeof(long_name));
    long_name[VHV_CAPTURE_NAME_BYTES] = '\0';
    assert_fails(vhv_capture_new(&capture, "", cpuid, NULL, 0), EINVAL, "1 to 255 bytes, not 0");
    assert_fails(vhv_capture_new(&capture, long_name, cpuid, NULL, 0), EINVAL, "not 256");
    assert_fails(vhv_capture_new(&capture, "a\nvhv.enable = \"TRUE\"", cpuid, NULL, 0), EINVAL,
                 "0x0a at byte 1");
    assert_null(capture);
    long_name[VHV_CAPTURE_NAME_BYTES - 1] = '\0';
    assert_int_equal(vhv_capture_new(&capture, long_name, cpuid, NULL, 0), 0);
    vhv_capture_free(capture);
    vhv_cpuid_free(cpuid);
}

static void capture_new_msr_that_is_none_of_vmx_is_refused(void **state)
{
    const struct vhv_msr before = {0x47f, 0}, behind = {0x492, 0};
    const struct vhv_msr twice[] = {{0x480, 1}, {0x485, 2}, {0x480, 1}};
    struct vhv_capture *capture = NULL;
    struct vhv_cpuid *cpuid = small_table();

    (void)state;
    assert_fails(vhv_capture_new(&capture, "a", cpuid, &before, 1), EINVAL, "0x47f is not a VMX");
    assert_fails(vhv_capture_new(&capture, "a", cpuid, &behind, 1), EINVAL, "0x492 is not a VMX");
    assert_fails(vhv_capture_new(&capture, "a", cpuid, twice, 3), EINVAL, "0x480 is given twice");
    assert_null(capture);
    vhv_cpuid_free(cpuid);
}

static void capture_print_reads_back_the_same(void **state)
{
    const struct vhv_msr msrs[] = {{0x480, 0x00d8100011e57ed0}, {0x48b, UINT64_MAX}};
    struct vhv_cpuid *cpuid = small_table();
    struct vhv_capture *capture, *back;
    const struct vhv_msr *read;
    char *text = NULL;
    size_t bytes = 0, count;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    assert_int_equal(vhv_capture_new(&capture, "esx \"1\" ü", cpuid, msrs, 2), 0);
    assert_int_equal(vhv_capture_print(capture, stream), 0);
    fclose(stream);
    back = parsed(text, 0);
    assert_string_equal(vhv_capture_name(back), "esx \"1\" ü");
    assert_int_equal(vhv_cpuid_compare(vhv_capture_cpuid(back), cpuid, NULL, NULL), 0);
    read = vhv_capture_msrs(back, &count);
    assert_int_equal(count, 2);
    assert_true(read[0].index == 0x480 && read[0].value == msrs[0].value);
    assert_true(read[1].index == 0x48b && read[1].value == UINT64_MAX);
    vhv_capture_free(back);
    vhv_capture_free(capture);
    vhv_cpuid_free(cpuid);
    free(text);
}

static void capture_print_full_device_is_an_error(void **state)
{
    struct vhv_capture *capture = parsed("{" CPUID "}", 0);
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    assert_fails(vhv_capture_print(capture, full), EIO, "the stream has an error");
    fclose(full);
    vhv_capture_free(capture);
}

static void capture_parse_table_alone_gets_the_name_given(void **state)
{
    struct vhv_cpuid *cpuid = small_table();
    struct vhv_capture *capture;
    char *text = NULL;
    size_t bytes = 0, count;
    FILE *stream = open_memstream(&text, &bytes);

    (void)state;
    assert_int_equal(vhv_cpuid_print(cpuid, stream, VHV_CPUID_JSON), 0);
    fclose(stream);
    capture = parsed(text, 0);
    assert_string_equal(vhv_capture_name(capture), "esx1");
    assert_int_equal(vhv_cpuid_compare(vhv_capture_cpuid(capture), cpuid, NULL, NULL), 0);
    vhv_capture_msrs(capture, &count);
    assert_int_equal(count, 0);
    vhv_capture_free(capture);
    assert_int_equal(vhv_capture_parse(&capture, text, bytes, NULL), 0);
    assert_string_equal(vhv_capture_name(capture), "unnamed");
    vhv_capture_free(capture);
    vhv_cpuid_free(cpuid);
    free(text);
}

static void capture_parse_name_of_the_text_is_preferred(void **state)
{
    struct vhv_capture *capture = parsed(" \n{\"name\": \"of the text\", " CPUID "}", 0);

    (void)state;
    assert_string_equal(vhv_capture_name(capture), "of the text");
    vhv_capture_free(capture);
}

static void capture_parse_json_error_is_named_by_its_path(void **state)
{
    (void)state;
    assert_refused("{}", "cpuid is missing");
    assert_refused("{\"name\": \"a\"}", "cpuid is missing");
    assert_refused("{" CPUID ", " CPUID "}", "cpuid is given twice");
    assert_refused("{" CPUID ", \"model\": 1}", "model: there is no such member");
    assert_refused("{" CPUID ", \"name\": 1}", "name is not a string");
    assert_refused("{" CPUID ", \"name\": \"\"}", "1 to 255 bytes");
    assert_refused("{\"cpuid\": {}}", "cpuid is not an array");
    assert_refused("{\"cpuid\": [{\"leaf\": 0}]}", "cpuid[0].eax is missing");
    assert_refused("{" CPUID ", \"msrs\": {}}", "msrs is not an array");
    assert_refused("{" CPUID ", \"msrs\": [1]}", "msrs[0]: this is not an object");
    assert_refused("{" CPUID ", \"msrs\": [{\"index\": \"0x480\"}]}", "msrs[0]: value is missing");
    assert_refused("{" CPUID ", \"msrs\": [{\"value\": 1}]}", "msrs[0]: index is missing");
    assert_refused("{" CPUID ", \"msrs\": [{\"index\": 1152, \"value\": 1, \"value\": 1}]}",
                   "msrs[0]: value is given twice");
    assert_refused("{" CPUID ", \"msrs\": [{\"index\": 1152, \"data\": 1}]}",
                   "msrs[0]: data: there is no such member");
    assert_refused("{" CPUID ", \"msrs\": [{\"index\": 1152, \"value\": "
                   "\"0x10000000000000000\"}]}",
                   "msrs[0]: value: the number has more than 64 bits");
    assert_refused("{" CPUID ", \"msrs\": [{\"index\": 58, \"value\": 1}]}",
                   "msrs[0]: 0x3a is not a VMX capability MSR");
}

static void capture_parse_dump_first_cpu_is_taken_unless_told(void **state)
{
    static const char dump[] = "CPU 0:\n"
                               "   0x00000000 0x00: eax=0x00000007" REST
                               "   0x00000007 0x00: eax=0x00000001" REST "CPU 1:\n"
                               "   0x00000000 0x00: eax=0x00000004" REST;
    struct vhv_capture *capture = parsed(dump, 0);

    (void)state;
    assert_int_equal(eax_of(capture, 0, 0), 7);
    assert_int_equal(eax_of(capture, 7, 0), 1);
    assert_true(vhv_cpuid_find(vhv_capture_cpuid(capture), 7, 0)->has_subleaf);
    assert_int_equal(vhv_cpuid_get(vhv_capture_cpuid(capture), 0, 0, VHV_EDX), 0x49656e69);
    vhv_capture_free(capture);
    capture = parsed(dump, 1);
    assert_int_equal(eax_of(capture, 0, 0), 4);
    assert_false(has_leaf(capture, 7, 0));
    vhv_capture_free(capture);
    capture = NULL;
    assert_fails(parse(&capture, dump, "esx1", 2), EINVAL, "has 2 CPUs");
    assert_null(capture);
}

/* `cpuid -1 -r` has no number, raw lines of vhv_cpuid_print() no head and no indentation. */
static void capture_parse_dump_of_one_cpu_is_read(void **state)
{
    struct vhv_capture *capture =
        parsed("\r\nCPU:\r\n   0x00000000 0x00: eax=0x1 ebx=0x2 ecx=0x3 edx=0x4\r\n", 0);

    (void)state;
    assert_int_equal(eax_of(capture, 0, 0), 1);
    vhv_capture_free(capture);
    capture = parsed("0x00000000 0x00: eax=0x0000000A ebx=0x2 ecx=0x3 edx=0x4", 0);
    assert_int_equal(eax_of(capture, 0, 0), 10);
    vhv_capture_free(capture);
}

/* As a processor of Intel's answers, with its last basic leaf. */
static void capture_parse_dump_leaf_beyond_its_range_is_left_out(void **state)
{
    struct vhv_capture *capture =
        parsed("   0x00000000 0x00: eax=0x00000016" REST "   0x00000016 0x00: eax=0x00000e10" REST
               "   0x00000017 0x00: eax=0x00000001" REST "   0x20000000 0x00: eax=0x00000e10" REST
               "   0x40000000 0x00: eax=0x40000001" REST "   0x40000001 0x00: eax=0x01007efb" REST
               "   0x40000100 0x00: eax=0x00000000" REST "   0x80000000 0x00: eax=0x80000008" REST
               "   0x80000008 0x00: eax=0x00003027" REST "   0x80860000 0x00: eax=0x00000e10" REST
               "   0xc0000000 0x00: eax=0xc0000005" REST "   0xc0000005 0x00: eax=0x00000001" REST
               "   0xc0000006 0x00: eax=0x00000e10" REST,
               0);

    (void)state;
    assert_true(has_leaf(capture, 0x16, 0));
    assert_false(has_leaf(capture, 0x17, 0));
    assert_false(has_leaf(capture, 0x20000000, 0));
    assert_true(has_leaf(capture, 0x40000001, 0));
    assert_false(has_leaf(capture, 0x40000100, 0));
    assert_true(has_leaf(capture, 0x80000008, 0));
    assert_false(has_leaf(capture, 0x80860000, 0));
    assert_true(has_leaf(capture, 0xc0000005, 0));
    assert_false(has_leaf(capture, 0xc0000006, 0));
    vhv_capture_free(capture);
}

static void capture_parse_dump_leaf_asked_again_counts_once(void **state)
{
    struct vhv_capture *capture =
        parsed("   0x00000000 0x00: eax=0x00000004" REST "   0x00000002 0x00: eax=0x00000002" REST
               "   0x00000002 0x01: eax=0x00000003" REST "   0x00000004 0x00: eax=0x1c004121" REST
               "   0x00000004 0x01: eax=0x1c004143" REST,
               0);

    (void)state;
    assert_int_equal(eax_of(capture, 2, 0), 2);
    assert_int_equal(eax_of(capture, 4, 1), 0x1c004143);
    assert_int_equal(vhv_cpuid_count(vhv_capture_cpuid(capture)), 4);
    vhv_capture_free(capture);
}

static void capture_parse_dump_malformed_line_is_named(void **state)
{
    static const char *const lines[] = {
        "CPU 0",
        "CPU x:",
        "CPUs:",
        "vendor_id = \"GenuineIntel\"",
        "0x00000000: eax=0x1 ebx=0x2 ecx=0x3 edx=0x4",
        "0x00000000 0x00 eax=0x1 ebx=0x2 ecx=0x3 edx=0x4",
        "0x00000000 0x00: eax=0x1 ebx=0x2 ecx=0x3",
        "0x00000000 0x00: eax=0x1 ebx=0x2 ecx=0x3 edx=0x4 # comment",
        "0x00000000 0x00: ebx=0x1 eax=0x2 ecx=0x3 edx=0x4",
        "0x000000000 0x00: eax=0x1 ebx=0x2 ecx=0x3 edx=0x4",
        "0x 0x00: eax=0x1 ebx=0x2 ecx=0x3 edx=0x4",
        "0x00000000 0x00: eax=1 ebx=0x2 ecx=0x3 edx=0x4",
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(text, sizeof(text), "CPU 0:\n%s%s\n", "   0x00000000 0x00: eax=0x00000001" REST,
                 lines[i]);
        assert_refused(text, "line 3: neither JSON nor a line of `cpuid -r`");
    }
}

static void capture_parse_dump_same_place_twice_is_refused(void **state)
{
    (void)state;
    assert_refused("   0x00000000 0x00: eax=0x00000001" REST
                   "   0x00000000 0x00: eax=0x00000001" REST,
                   "line 2: leaf 0x0, subleaf 0x0 is given twice");
}

static void capture_parse_dump_too_many_entries_are_refused(void **state)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    struct vhv_capture *capture = NULL;

    (void)state;
    for (unsigned i = 0; i <= VHV_CPUID_MAX_ENTRIES; i++)
        fprintf(stream, "0x00000004 0x%02x: eax=0x1 ebx=0x2 ecx=0x3 edx=0x4\n", i);
    fclose(stream);
    assert_fails(parse(&capture, text, "esx1", 0), ENOSPC, "line 257: no room");
    assert_null(capture);
    free(text);
}

static void capture_parse_text_without_cpuid_is_refused(void **state)
{
    (void)state;
    assert_refused("", "there is no CPUID in it");
    assert_refused("\n \n", "there is no CPUID in it");
    assert_refused("CPU 0:\n", "there is no CPUID in it");
    assert_refused("   0x00000001 0x00: eax=0x00000001" REST, "there is no CPUID in it");
}

static void capture_parse_options_malformed_are_refused(void **state)
{
    const struct vhv_capture_options options = {.size = 0};
    struct vhv_capture *capture = NULL;

    (void)state;
    assert_fails(vhv_capture_parse(&capture, "{" CPUID "}", strlen(CPUID) + 2, &options), EINVAL,
                 "struct vhv_capture_options");
    assert_null(capture);
}

static void assert_format(const struct vhv_capture_field *field, const char *wanted)
{
    char text[128];

    vhv_capture_field_format(field, text, sizeof(text));
    assert_string_equal(text, wanted);
}

static void capture_field_format_names_place_and_bits(void **state)
{
    char text[12];

    (void)state;
    assert_format(&(struct vhv_capture_field){.leaf = 1, .reg = VHV_ECX, .bit = 5, .bits = 1},
                  "cpuid.1.ecx bit 5");
    assert_format(
        &(struct vhv_capture_field){.leaf = 7, .reg = VHV_EBX, .bit = 5, .bits = 1, .name = "AVX2"},
        "cpuid.7.0.ebx bit 5 (AVX2)");
    assert_format(&(struct vhv_capture_field){.leaf = 0x8000000a, .reg = VHV_EBX, .bits = 32},
                  "cpuid.8000000a.ebx");
    assert_format(&(struct vhv_capture_field){.msr = 0x485, .bit = 16, .bits = 9, .name = "n"},
                  "IA32_VMX_MISC bits 24:16 (n)");
    assert_format(&(struct vhv_capture_field){.msr = 0x488, .bits = 64}, "IA32_VMX_CR4_FIXED0");
    assert_format(&(struct vhv_capture_field){.msr = 0x492, .bits = 64}, "MSR 0x492");
    vhv_capture_field_format(&(struct vhv_capture_field){.leaf = 1, .reg = VHV_ECX, .bits = 1},
                             text, sizeof(text));
    assert_string_equal(text, "cpuid.1.ecx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capture_new_msrs_in_any_order_are_sorted),
        cmocka_unit_test(capture_new_table_is_copied),
        cmocka_unit_test(capture_new_name_that_is_none_is_refused),
        cmocka_unit_test(capture_new_msr_that_is_none_of_vmx_is_refused),
        cmocka_unit_test(capture_print_reads_back_the_same),
        cmocka_unit_test(capture_print_full_device_is_an_error),
        cmocka_unit_test(capture_parse_table_alone_gets_the_name_given),
        cmocka_unit_test(capture_parse_name_of_the_text_is_preferred),
        cmocka_unit_test(capture_parse_json_error_is_named_by_its_path),
        cmocka_unit_test(capture_parse_dump_first_cpu_is_taken_unless_told),
        cmocka_unit_test(capture_parse_dump_of_one_cpu_is_read),
        cmocka_unit_test(capture_parse_dump_leaf_beyond_its_range_is_left_out),
        cmocka_unit_test(capture_parse_dump_leaf_asked_again_counts_once),
        cmocka_unit_test(capture_parse_dump_malformed_line_is_named),
        cmocka_unit_test(capture_parse_dump_same_place_twice_is_refused),
        cmocka_unit_test(capture_parse_dump_too_many_entries_are_refused),
        cmocka_unit_test(capture_parse_text_without_cpuid_is_refused),
        cmocka_unit_test(capture_parse_options_malformed_are_refused),
        cmocka_unit_test(capture_field_format_names_place_and_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
