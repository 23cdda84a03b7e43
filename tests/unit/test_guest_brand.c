/* SPDX-License-Identifier: MIT */
/* The processor's name. */
#include "guest.h"

#define ZEN "AMD EPYC 7B12"

static void set_brand(struct vhv_cpuid *table, const char *name)
{
    char text[48] = "";

    strcpy(text, name);
    for (uint32_t i = 0; i < 3; i++) {
        struct vhv_cpuid_entry entry = {.leaf = 0x80000002 + i};

        memcpy(entry.reg, text + 16 * i, sizeof(entry.reg));
        assert_int_equal(vhv_cpuid_set(table, &entry), 0);
    }
}

/* What a guest reads, as a string. */
static const char *brand_of(const struct scene *scene)
{
    static char text[49];

    for (uint32_t i = 0; i < 12; i++) {
        uint32_t value = reg_of(scene, 0x80000002 + i / 4, 0, (enum vhv_cpuid_reg)(i % 4));

        memcpy(text + 4 * i, &value, 4);
    }
    return text;
}

static void brand_that_kvm_has_stays(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    set_brand(scene->host, "Common KVM processor");
    scene->options.processor = scene->host;
    made(scene);
    assert_string_equal(brand_of(scene), "Common KVM processor");
    assert_chain(scene, 0x80000002, 0, VHV_EAX, 0, "processor=1 kvm=1");
    scene_end(scene);
}

static void brand_that_kvm_lacks_is_the_processors(void **state)
{
    struct scene *scene = on_amd();
    struct vhv_cpuid *processor;

    (void)state;
    assert_int_equal(vhv_cpuid_copy(&processor, scene->host), 0);
    set_brand(processor, ZEN);
    set_brand(scene->host, "");
    made(scene);
    assert_string_equal(brand_of(scene), "");
    scene->options.processor = processor;
    made(scene);
    assert_string_equal(brand_of(scene), ZEN);
    assert_chain(scene, 0x80000002, 0, VHV_EAX, 0, "processor=1 kvm=0 default=1");
    assert_contains(chain_of(scene, 0x80000002, 0, VHV_EAX, 0).words,
                    "the processor's own name, as KVM has none");
    ask_bit(scene, 1, "cpuid.80000002.eax", 0, 'h');
    made(scene);
    assert_string_equal(brand_of(scene), ZEN);
    vhv_cpuid_free(processor);
    scene_end(scene);
}

static void brand_that_is_asked_for_wins(void **state)
{
    static const char longest[] = "0123456789abcdef0123456789abcdef0123456789abcde";
    struct scene *scene = on_amd();

    (void)state;
    scene->options.processor = scene->host;
    scene->options.brand_string = (struct vhv_cpuid_text){
        .value = longest, .origin = {"hypervisor.vmx", 4, "cpuid.brandString"}};
    made(scene);
    assert_string_equal(brand_of(scene), longest);
    assert_chain(scene, 0x80000004, 0, VHV_EDX, 8, "processor=0 kvm=0 setting=0");
    assert_contains(chain_of(scene, 0x80000004, 0, VHV_EDX, 8).words,
                    "hypervisor.vmx:4:cpuid.brandString: the name that was asked for");
    scene->options.brand_string.value = "";
    made(scene);
    assert_string_equal(brand_of(scene), "");
    ask(scene, 5, "cpuid.80000002.eax", "0110:0101:0111:0100:0110:1110:0100:1001");
    made(scene);
    assert_string_equal(brand_of(scene), "Inte");
    scene_end(scene);
}

static void brand_that_is_too_long_is_refused(void **state)
{
    struct scene *scene = on_amd();

    (void)state;
    scene->options.brand_string.value = "0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_fails(vhv_guest_cpuid_new(&scene->guest, scene->host, &scene->options), EINVAL,
                 "brand_string has 48 bytes, more than 47");
    scene_end(scene);
}

static void brand_without_leaves_for_it_is_told(void **state)
{
    struct scene *scene = scene_on(NULL, 0);
    struct vhv_cpuid *processor = table_of(amd_rows, sizeof(amd_rows) / sizeof(amd_rows[0]));
    const struct vhv_cpuid_entry range = {.leaf = 0x80000000, .reg = {0x80000001}};

    (void)state;
    assert_int_equal(vhv_cpuid_set(scene->host, &range), 0);
    scene->options.processor = processor;
    scene->options.brand_string.value = ZEN;
    made(scene);
    assert_false(finding(scene,
                         "cpuid.brandString is not applied: KVM has no leaves for it on this "
                         "host")
                     ->is_error);
    assert_int_equal(vhv_cpuid_count(vhv_guest_cpuid_table(scene->guest)), 1);
    vhv_cpuid_free(processor);
    scene_end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brand_that_kvm_has_stays),
        cmocka_unit_test(brand_that_kvm_lacks_is_the_processors),
        cmocka_unit_test(brand_that_is_asked_for_wins),
        cmocka_unit_test(brand_that_is_too_long_is_refused),
        cmocka_unit_test(brand_without_leaves_for_it_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
