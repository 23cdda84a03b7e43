/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libvhv/mask.h>
#include <string.h>

#include "../cmocka.h"

#define assert_refused(text, says)                                        \
    do {                                                                  \
        struct vhv_mask_key untouched = {.leaf = 77};                     \
        assert_fails(vhv_mask_key_parse(&untouched, text), EINVAL, says); \
        assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);            \
        assert_int_equal(untouched.leaf, 77);                             \
    } while (0)

static struct vhv_mask_key parse(const char *text)
{
    struct vhv_mask_key key;

    if (vhv_mask_key_parse(&key, text) < 0)
        fail_msg("%s", vhv_error_message());
    return key;
}

static void assert_key(const char *text, uint32_t leaf, int subleaf, enum vhv_cpuid_reg reg,
                       enum vhv_vendor vendor)
{
    struct vhv_mask_key key = parse(text);

    assert_int_equal(key.leaf, leaf);
    assert_int_equal(key.has_subleaf, subleaf >= 0);
    assert_int_equal(key.subleaf, subleaf >= 0 ? subleaf : 0);
    assert_int_equal(key.reg, reg);
    assert_int_equal(key.vendor, vendor);
}

static void mask_key_parse_every_form_is_read(void **state)
{
    (void)state;
    assert_key("cpuid.1.eax", 1, -1, VHV_EAX, VHV_VENDOR_ANY);
    assert_key("cpuid.1.ebx", 1, -1, VHV_EBX, VHV_VENDOR_ANY);
    assert_key("cpuid.80000001.ecx.amd", 0x80000001, -1, VHV_ECX, VHV_VENDOR_AMD);
    assert_key("cpuid.1.ecx.intel", 1, -1, VHV_ECX, VHV_VENDOR_INTEL);
    assert_key("cpuid.7.0.edx", 7, 0, VHV_EDX, VHV_VENDOR_ANY);
    assert_key("cpuid.d.1f.eax.amd", 0xd, 0x1f, VHV_EAX, VHV_VENDOR_AMD);
    assert_key("CPUID.8000000A.EDX.AMD", 0x8000000a, -1, VHV_EDX, VHV_VENDOR_AMD);
    assert_key("cpuid.0000000000000001.ecx", 1, -1, VHV_ECX, VHV_VENDOR_ANY);
    assert_key("cpuid.deadbeef.ecx", 0xdeadbeef, -1, VHV_ECX, VHV_VENDOR_ANY);
}

static void mask_key_parse_decimal_leaf_offers_hexadecimal(void **state)
{
    (void)state;
    assert_refused("cpuid.2147483650.eax", "the decimal number 2147483650 is leaf 80000002");
    assert_refused("cpuid.1073741824.eax", "is leaf 40000000");
    assert_refused("cpuid.12345678.eax", "no processor has leaf 12345678");
}

static void mask_key_parse_decimal_looking_leaf_that_exists_is_taken(void **state)
{
    (void)state;
    assert_key("cpuid.80000008.ecx", 0x80000008, -1, VHV_ECX, VHV_VENDOR_ANY);
    assert_key("cpuid.40000000.ebx", 0x40000000, -1, VHV_EBX, VHV_VENDOR_ANY);
    assert_key("cpuid.10.1.ebx", 0x10, 1, VHV_EBX, VHV_VENDOR_ANY);
}

static void mask_key_parse_wrong_part_is_named(void **state)
{
    (void)state;
    assert_refused("cpuid.1.efx", "\"efx\" is not a register");
    assert_refused("cpuid.1.efx.amd", "\"efx\" is not a register");
    assert_refused("cpuid.1.ecx.via", "\"via\" is not a vendor");
    assert_refused("cpuid.1.ecx.", "\"\" is not a vendor");
    assert_refused("cpuid.zz.ecx", "leaf \"zz\" is not a hexadecimal number");
    assert_refused("cpuid..ecx", "leaf \"\" is not a hexadecimal number");
    assert_refused("cpuid.-1.ecx", "leaf \"-1\" is not a hexadecimal number");
    assert_refused("cpuid.7.g.ecx", "subleaf \"g\" is not a hexadecimal number");
    assert_refused("cpuid.0x1.ecx", "numbers are hexadecimal without 0x");
    assert_refused("cpuid.7.0x1.ecx", "subleaf \"0x1\": numbers are hexadecimal without 0x");
    assert_refused("cpuid.123456789a.ecx", "does not fit 32 bits");
    assert_refused("cpuid.7.123456789.ecx", "subleaf 123456789 does not fit 32 bits");
}

static void mask_key_parse_wrong_number_of_parts_is_refused(void **state)
{
    (void)state;
    assert_refused("", "does not begin with \"cpuid.\"");
    assert_refused("cpu.1.ecx", "does not begin with \"cpuid.\"");
    assert_refused("cpuid", "names no leaf");
    assert_refused("cpuid.1", "names no register");
    assert_refused("cpuid.7.0.ecx.amd.x", "more than 5 parts");
    assert_refused("cpuid.7.ecx.amd.x", "\"x\" is too much");
}

static void mask_key_parse_text_of_any_length_is_shown_in_part(void **state)
{
    char text[4096];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    memcpy(text, "cpuid.\x1b", 7);
    assert_refused(text, "key \"cpuid.?aaa");
    assert_non_null(strstr(vhv_error_message(), "too long"));
    assert_true(strlen(vhv_error_message()) < 400);
}

static void mask_key_format_any_key_reads_back_the_same(void **state)
{
    static const char *const keys[] = {"cpuid.1.eax", "cpuid.7.0.edx.amd", "cpuid.d.ebx.intel",
                                       "cpuid.ffffffff.ffffffff.ecx.intel"};
    char written[VHV_MASK_KEY_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct vhv_mask_key key = parse(keys[i]);

        vhv_mask_key_format(&key, written);
        assert_string_equal(written, keys[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mask_key_parse_every_form_is_read),
        cmocka_unit_test(mask_key_parse_decimal_leaf_offers_hexadecimal),
        cmocka_unit_test(mask_key_parse_decimal_looking_leaf_that_exists_is_taken),
        cmocka_unit_test(mask_key_parse_wrong_part_is_named),
        cmocka_unit_test(mask_key_parse_wrong_number_of_parts_is_refused),
        cmocka_unit_test(mask_key_parse_text_of_any_length_is_shown_in_part),
        cmocka_unit_test(mask_key_format_any_key_reads_back_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
