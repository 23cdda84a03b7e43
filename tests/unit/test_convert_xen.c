/* SPDX-License-Identifier: MIT */
/* Xen's cpuid=, by names and by registers. */
#include "convert.h"

static void assert_read(const char *text, const char *vmx)
{
    assert_imported(VHV_CONVERT_XEN, text, vmx, "");
    assert_imported(VHV_CONVERT_XEN_REGISTERS, text, vmx, "");
}

static void import_xen_names_are_bits(void **state)
{
    (void)state;
    assert_read("cpuid = \"host,tm=0,sse3=0\"\n",
                "cpuid.1.ecx = \"----:----:----:----:----:----:----:---0\"\n"
                "cpuid.1.edx = \"--0-:----:----:----:----:----:----:----\"\n");
    assert_read("host,vmx=1,avx=k,aes=s",
                "cpuid.1.ecx = \"---h:--h-:----:----:----:----:--1-:----\"\n");
    assert_read("cpuid='host,avx2=0'",
                "cpuid.7.0.ebx = \"----:----:----:----:----:----:--0-:----\"\n");
    assert_read("host", "");
}

static void import_xen_default_takes_back_what_was_before(void **state)
{
    (void)state;
    assert_read("host,vmx=1,avx=0,vmx=x",
                "cpuid.1.ecx = \"---0:----:----:----:----:----:----:----\"\n");
    assert_read("host,vmx=1,vmx=x", "");
}

static void import_xen_old_and_new_names_are_the_same(void **state)
{
    static const char *const names[] = {"cmpxchg16", "cx16", "CX16"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[32];

        snprintf(text, sizeof(text), "host,%s=0", names[i]);
        assert_read(text, "cpuid.1.ecx = \"----:----:----:----:--0-:----:----:----\"\n");
    }
    assert_read("host,perfctr_core=0",
                "cpuid.80000001.ecx = \"----:----:0---:----:----:----:----:----\"\n");
    assert_read("host,perfctr-core=0",
                "cpuid.80000001.ecx = \"----:----:0---:----:----:----:----:----\"\n");
}

static void import_xen_numbers_are_fields(void **state)
{
    (void)state;
    assert_read("host,family=6,model=0x8e,stepping=10",
                "cpuid.1.eax = \"----:0000:0000:1000:----:0110:1110:1010\"\n");
    assert_read("host,family=15", "cpuid.1.eax = \"----:0000:0000:----:----:1111:----:----\"\n");
    assert_read("host,family=k,model=x",
                "cpuid.1.eax = \"----:hhhh:hhhh:----:----:hhhh:----:----\"\n");
    /* The field, not the feature, which is clfsh. */
    assert_read("host,clflush=8", "cpuid.1.ebx = \"----:----:----:----:0000:1000:----:----\"\n");
    assert_read("host,clfsh=0", "cpuid.1.edx = \"----:----:----:0---:----:----:----:----\"\n");
    assert_read("host,maxleaf=0xd", "cpuid.0.eax = \"0000:0000:0000:0000:0000:0000:0000:1101\"\n");
    assert_read("host,procpkg=3", "cpuid.4.0.eax = \"0000:11--:----:----:----:----:----:----\"\n");
}

static void import_xen_registers_are_masks(void **state)
{
    (void)state;
    assert_read("cpuid = [ \"1:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0,\n"
                "edx=xx0xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",\n"
                "'0x80000001:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxx1xx' ]\n",
                "cpuid.1.ecx = \"----:----:----:----:----:----:----:---0\"\n"
                "cpuid.1.edx = \"--0-:----:----:----:----:----:----:----\"\n"
                "cpuid.80000001.ecx = \"----:----:----:----:----:----:----:-1--\"\n");
    assert_read("[\"7,0:ebx=kxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxs\"]",
                "cpuid.7.0.ebx = \"h---:----:----:----:----:----:----:---h\"\n");
    assert_read("[\"7:ebx=0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]",
                "cpuid.7.0.ebx = \"0---:----:----:----:----:----:----:----\"\n");
    assert_read("1:eax=0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "cpuid.1.eax = \"0---:----:----:----:----:----:----:----\"\n");
    assert_read("[]", "");
    assert_read("[\"1:\"]", "");
}

static void import_xen_later_register_wins(void **state)
{
    (void)state;
    assert_read("[\"1:eax=00xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\","
                "\"1:eax=x1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]",
                "cpuid.1.eax = \"-1--:----:----:----:----:----:----:----\"\n");
}

static void import_xen_unknown_name_is_lost(void **state)
{
    (void)state;
    assert_imported(VHV_CONVERT_XEN, "host,rdcl-no=1,vmx=0",
                    "cpuid.1.ecx = \"----:----:----:----:----:----:--0-:----\"\n",
                    "test:0: rdcl-no: no bit of CPUID has this name here\n");
}

static void import_xen_malformed_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_import_refused(VHV_CONVERT_XEN, "", "column 1: found nothing");
    assert_import_refused(VHV_CONVERT_XEN, "vmx=0", "column 1: found no \"host\"");
    assert_import_refused(VHV_CONVERT_XEN, "\"host,vmx\"", "column 7: found no '='");
    assert_import_refused(VHV_CONVERT_XEN, "host,vmx=2", "column 10: found none of 0, 1, x");
    assert_import_refused(VHV_CONVERT_XEN, "host,vmx=", "found none of 0, 1, x");
    assert_import_refused(VHV_CONVERT_XEN, "host,family=6k", "column 13: found no number");
    assert_import_refused(VHV_CONVERT_XEN, "host,stepping=16", "a number that is too large");
    assert_import_refused(VHV_CONVERT_XEN, "\"host", "column 1: found a quotation mark that is");
    assert_import_refused(VHV_CONVERT_XEN, "\"host\" x", "column 8: found more after");
    assert_import_refused(VHV_CONVERT_XEN, "[1:]", "column 2: found no quotation mark");
    assert_import_refused(VHV_CONVERT_XEN, "[\"1:\"", "column 6: found neither ',' nor ']'");
    assert_import_refused(VHV_CONVERT_XEN, "[\"1:\",", "column 7: found no quotation mark");
    assert_import_refused(VHV_CONVERT_XEN, "[\"x:\"]", "column 3: found no number");
    assert_import_refused(VHV_CONVERT_XEN, "[\"1\"]", "column 4: found no ':'");
    assert_import_refused(VHV_CONVERT_XEN, "[\"1,:\"]", "column 5: found no number");
    assert_import_refused(VHV_CONVERT_XEN, "[\"0x100000000:\"]", "more than 32 bits");
    assert_import_refused(VHV_CONVERT_XEN, "[\"1:efx=0\"]", "column 5: found none of eax=");
    assert_import_refused(VHV_CONVERT_XEN, "[\"1:eax=0\"]",
                          "column 10: found none of 0, 1, x, k "
                          "and s for bit 30");
    assert_import_refused(VHV_CONVERT_XEN, "[\"1:eax=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]",
                          "column 41: found more than 32 bits");
    assert_import_refused(VHV_CONVERT_XEN, "[\n \"1:eax=z\"]", "line 2: column 9: found none");
}

static void export_xen_masks_are_names(void **state)
{
    (void)state;
    assert_exported("cpuid.1.ecx = \"---0:----:----:----:----:----:--t-:---h\"\n"
                    "cpuid.1.eax = \"----:----:----:----:----:----:----:0101\"",
                    VHV_CONVERT_XEN, VHV_VENDOR_INTEL,
                    "cpuid = \"host,stepping=5,sse3=k,vmx=1,avx=0\"\n",
                    "test.vmx:1: cpuid.1.ecx: bit 5: 't'\n");
    assert_exported("cpuid.5.eax = \"----:----:----:----:----:----:----:---1\"", VHV_CONVERT_XEN,
                    VHV_VENDOR_AMD, "cpuid = \"host,svm=0\"\n", "test.vmx:1: cpuid.5.eax: bit 0\n");
}

static void export_xen_registers_have_every_bit(void **state)
{
    (void)state;
    assert_exported("cpuid.5.eax = \"1---:----:----:----:----:----:----:---h\"\n"
                    "cpuid.7.1.eax = \"----:----:----:----:----:----:----:---0\"\n"
                    "cpuid.7.edx = \"f---:----:----:----:----:----:----:----\"\n"
                    "cpuid.1.eax = \"r---:----:----:----:----:----:----:----\"",
                    VHV_CONVERT_XEN_REGISTERS, VHV_VENDOR_INTEL,
                    "cpuid = [\n"
                    "    \"0x1:eax=0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,"
                    "ecx=xxxxxxxxxxxxxxxxxxxxxxxxxx0xxxxx\",\n"
                    "    \"0x5:eax=1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxk\",\n"
                    "    \"0x7,0x0:edx=0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",\n"
                    "    \"0x7,0x1:eax=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0\"\n"
                    "]\n",
                    "test.vmx:3: cpuid.7.edx: bit 31: 'f'\n"
                    "test.vmx:4: cpuid.1.eax: bit 31: 'r'\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import_xen_names_are_bits),
        cmocka_unit_test(import_xen_default_takes_back_what_was_before),
        cmocka_unit_test(import_xen_old_and_new_names_are_the_same),
        cmocka_unit_test(import_xen_numbers_are_fields),
        cmocka_unit_test(import_xen_registers_are_masks),
        cmocka_unit_test(import_xen_later_register_wins),
        cmocka_unit_test(import_xen_unknown_name_is_lost),
        cmocka_unit_test(import_xen_malformed_is_refused_with_its_place),
        cmocka_unit_test(export_xen_masks_are_names),
        cmocka_unit_test(export_xen_registers_have_every_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
