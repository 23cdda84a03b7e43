/* SPDX-License-Identifier: MIT */
/* Firecracker's CPU templates. */
#include "convert.h"

#define LEAF(leaf, subleaf, flags, modifiers)                                        \
    "{\"cpuid_modifiers\": [{\"leaf\": \"" leaf "\", \"subleaf\": \"" subleaf "\", " \
    "\"flags\": " flags ", \"modifiers\": [" modifiers "]}]}"
#define MODIFIER(reg, bitmap) "{\"register\": \"" reg "\", \"bitmap\": \"" bitmap "\"}"

/* What a template leaves alone is as KVM has it, virtualized HV too. */
#define VMX "cpuid.1.ecx = \"----:----:----:----:----:----:--h-:----\"\n"
#define SVM "cpuid.80000001.ecx = \"----:----:----:----:----:----:----:-h--\"\n"

static void assert_read(const char *text, const char *vmx)
{
    assert_imported(VHV_CONVERT_FIRECRACKER, text, vmx, "");
}

static void assert_refused(const char *text, const char *says)
{
    assert_import_refused(VHV_CONVERT_FIRECRACKER, text, says);
}

static void import_template_bitmaps_are_masks(void **state)
{
    (void)state;
    assert_read(LEAF("0x1", "0x0", "0", MODIFIER("eax", "0bxxxx000000000011xx00011011110010")),
                "cpuid.1.eax = \"----:0000:0000:0011:--00:0110:1111:0010\"\n" VMX SVM);
    assert_read(LEAF("0x7", "0b1", "1", MODIFIER("edx", "0bx_1_0") "," MODIFIER("eax", "1")),
                VMX "cpuid.7.1.eax = \"----:----:----:----:----:----:----:---1\"\n"
                    "cpuid.7.1.edx = \"----:----:----:----:----:----:----:--10\"\n" SVM);
    assert_read(LEAF("0x80000001", "0x0", "0", MODIFIER("ecx", "0b0xx")),
                VMX "cpuid.80000001.ecx = \"----:----:----:----:----:----:----:-0--\"\n");
    assert_read("{}", VMX SVM);
    assert_read("{\"cpuid_modifiers\": [], \"msr_modifiers\": [], \"kvm_capabilities\": []}",
                VMX SVM);
}

static void import_template_later_modifier_wins(void **state)
{
    (void)state;
    assert_read(LEAF("0x1", "0x0", "0", MODIFIER("eax", "0b00") "," MODIFIER("eax", "0bx1")),
                "cpuid.1.eax = \"----:----:----:----:----:----:----:--01\"\n" VMX SVM);
}

static void import_template_what_is_no_mask_is_lost(void **state)
{
    (void)state;
    assert_imported(VHV_CONVERT_FIRECRACKER,
                    "{\"msr_modifiers\": [{\"addr\": \"0x10a\", \"bitmap\": \"0b1\"}, {}],"
                    "\"kvm_capabilities\": [\"!56\", 1]}",
                    VMX SVM,
                    "test:0: msr_modifiers[0]: MSR 0x10a is modified\n"
                    "test:0: msr_modifiers[1]: MSR ? is modified\n"
                    "test:0: kvm_capabilities[0]: KVM's capability !56 is asked for\n"
                    "test:0: kvm_capabilities[1]: KVM's capability ? is asked for\n");
    assert_imported(VHV_CONVERT_FIRECRACKER, LEAF("0x2", "0x0", "6", MODIFIER("eax", "0b0")),
                    VMX "cpuid.2.eax = \"----:----:----:----:----:----:----:---0\"\n" SVM,
                    "test:0: cpuid_modifiers[0]: flags are 6\n");
    assert_imported(VHV_CONVERT_FIRECRACKER, LEAF("0x7", "0x0", "0", ""), VMX SVM,
                    "test:0: cpuid_modifiers[0]: flags are 0\n");
}

static void import_template_malformed_is_refused_with_its_path(void **state)
{
    (void)state;
    assert_refused("{", "JSON, line 1");
    assert_refused("[]", "this is not an object");
    assert_refused("{\"reg_modifiers\": []}", "reg_modifiers: there is no such member");
    assert_refused("{\"cpuid_modifiers\": {}}", "cpuid_modifiers: this is not an array");
    assert_refused("{\"msr_modifiers\": [], \"msr_modifiers\": []}", "msr_modifiers is given tw");
    assert_refused("{\"cpuid_modifiers\": [1]}", "cpuid_modifiers[0]: this is not an object");
    assert_refused("{\"cpuid_modifiers\": [{\"leaf\": \"0x1\"}]}",
                   "cpuid_modifiers[0]: subleaf is missing");
    assert_refused(LEAF("1", "0x0", "0", ""), "cpuid_modifiers[0]: leaf: this is not a string of");
    assert_refused(LEAF("0x", "0x0", "0", ""), "leaf: this is not a number");
    assert_refused(LEAF("0x100000000", "0x0", "0", ""), "leaf: the number has more than 32 bits");
    assert_refused(LEAF("0x1", "0b2", "0", ""), "subleaf: this is not a number");
    assert_refused(LEAF("0x1", "0x0", "\"0\"", ""), "flags: this is not an integer");
    assert_refused(LEAF("0x1", "0x0", "-1", ""), "flags: this is not an integer");
    assert_refused(LEAF("0x1", "0x0", "0", "1"),
                   "cpuid_modifiers[0]: modifiers[0]: this is not an object");
    assert_refused(LEAF("0x1", "0x0", "0", MODIFIER("efx", "0b0")),
                   "modifiers[0]: register: this is not eax");
    assert_refused(LEAF("0x1", "0x0", "0", MODIFIER("eax", "0b012")),
                   "modifiers[0]: bitmap: column 5: found what is none of");
    assert_refused(LEAF("0x1", "0x0", "0", MODIFIER("eax", "0b000000000000000000000000000000000")),
                   "bitmap: column 3: found a bit before bit 31");
}

static void export_template_bits_are_bitmaps(void **state)
{
    struct vhv_config *config =
        parse_vmx("cpuid.7.1.eax = \"1---:----:----:----:----:----:----:---0\"\n"
                  "cpuid.7.1.ebx = \"----:----:----:----:----:----:----:-hx-\"\n"
                  "cpuid.1.ecx = \"---r:----:----:----:----:----:----:--tf\"");
    struct losses losses;
    char *text = exported(config, VHV_CONVERT_FIRECRACKER, VHV_VENDOR_INTEL, &losses);

    (void)state;
    assert_string_equal(losses.text, "test.vmx:2: cpuid.7.1.ebx: bit 1: 'x'\n"
                                     "test.vmx:3: cpuid.1.ecx: bit 1: 't'\n"
                                     "test.vmx:3: cpuid.1.ecx: bit 0: 'f'\n"
                                     "test.vmx:3: cpuid.1.ecx: bit 28: 'r'\n");
    vhv_config_free(config);
    assert_read(text, "cpuid.1.ecx = \"---0:----:----:----:----:----:--0-:--10\"\n"
                      "cpuid.7.1.eax = \"1---:----:----:----:----:----:----:---0\"\n" SVM);
    assert_null(strstr(text, "ebx"));
    assert_non_null(strstr(text, "\"flags\":\t1"));
    free(text);
}

static void export_template_of_nothing_has_no_leaf(void **state)
{
    (void)state;
    assert_exported("vhv.enable = TRUE", VHV_CONVERT_FIRECRACKER, VHV_VENDOR_AMD,
                    "{\n\t\"cpuid_modifiers\":\t[],\n\t\"msr_modifiers\":\t[]\n}\n", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import_template_bitmaps_are_masks),
        cmocka_unit_test(import_template_later_modifier_wins),
        cmocka_unit_test(import_template_what_is_no_mask_is_lost),
        cmocka_unit_test(import_template_malformed_is_refused_with_its_path),
        cmocka_unit_test(export_template_bits_are_bitmaps),
        cmocka_unit_test(export_template_of_nothing_has_no_leaf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
