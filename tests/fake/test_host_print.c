/* SPDX-License-Identifier: MIT */
/* What programs and people read of a host. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"
#include "machine.h"

static char *print(const struct vhv_host *host, bool json)
{
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);

    assert_int_equal(vhv_host_print(host, stream, json), 0);
    fclose(stream);
    return text;
}

static void print_json_has_every_fact_and_the_verdict(void **state)
{
    static const char *const members[] = {
        "device",        "permission",    "open_errno",   "api_version",  "vendor",
        "cpu_has",       "firmware_off",  "kvm_offers",   "nested_state", "feature_msrs",
        "module_loaded", "module_nested", "slat",         "guest_slat",   "module",
        "backend",       "hypervisor",    "failed_probe", "kernel"};
    struct vhv_host *host = machine_probe(*state);
    char *text = print(host, true);
    cJSON *root = cJSON_Parse(text);
    const cJSON *facts = cJSON_GetObjectItem(root, "facts");

    assert_non_null(root);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(root, "can_nest")));
    assert_string_equal(cJSON_GetObjectItem(root, "nesting")->valuestring, "yes");
    assert_string_equal(cJSON_GetObjectItem(root, "because")->valuestring, "");
    assert_string_equal(cJSON_GetObjectItem(root, "remedy")->valuestring, "");
    assert_string_equal(cJSON_GetObjectItem(root, "notes")->valuestring, "");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        assert_true(cJSON_HasObjectItem(facts, members[i]));
    assert_int_equal(cJSON_GetArraySize(facts), sizeof(members) / sizeof(members[0]));
    assert_string_equal(cJSON_GetObjectItem(facts, "vendor")->valuestring, "intel");
    assert_string_equal(cJSON_GetObjectItem(facts, "firmware_off")->valuestring, "no");
    assert_int_equal(cJSON_GetObjectItem(facts, "api_version")->valueint, 12);
    cJSON_Delete(root);
    free(text);
    vhv_host_free(host);
}

static void print_text_has_verdict_and_facts(void **state)
{
    struct machine *machine = *state;
    struct vhv_host *host;
    char *text;

    fake_kvm.nested = false;
    machine_write_text(machine, "sys/module/kvm_amd/parameters/nested", "0\n");
    host = machine_probe(machine);
    text = print(host, false);
    assert_non_null(strstr(text, "nesting        module-off\n"));
    assert_non_null(strstr(text, "because        kvm_amd was loaded with nested=0\n"));
    assert_non_null(strstr(text, "module_nested  no\n"));
    assert_null(strstr(text, "hypervisor"));
    free(text);
    vhv_host_free(host);
}

static void print_to_a_full_device_is_an_error(void **state)
{
    struct vhv_host *host = machine_probe(*state);
    FILE *full = fopen("/dev/full", "we");

    assert_non_null(full);
    assert_fails(vhv_host_print(host, full, true), EIO, "could not write");
    assert_fails(vhv_host_print(host, full, false), EIO, "could not write");
    fclose(full);
    vhv_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(print_json_has_every_fact_and_the_verdict,
                                        machine_setup_intel, machine_teardown),
        cmocka_unit_test_setup_teardown(print_text_has_verdict_and_facts, machine_setup_amd,
                                        machine_teardown),
        cmocka_unit_test_setup_teardown(print_to_a_full_device_is_an_error, machine_setup_amd,
                                        machine_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
