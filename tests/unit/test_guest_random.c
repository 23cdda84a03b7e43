/* SPDX-License-Identifier: MIT */
/* Properties of a guest's table, on masks and settings made by a fixed generator. */
#include "guest.h"

enum { SCENES = 400, MAX_MASKS = 12 };

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Registers of every kind: with and without subleaves, absent, of virtualized HV, of a vCPU. */
static const char *const registers[] = {
    "1.ecx",        "1.ebx",        "7.ebx",        "7.0.ebx",
    "b.1.edx",      "d.ebx",        "d.5.eax",      "14.ebx",
    "6.eax",        "6.1.eax",      "40000001.eax", "80000001.ecx",
    "8000000a.edx", "8000000a.ebx", "8000001e.eax", "8000ffff.3.edx",
};
static const char *const vendors[] = {"", "", ".amd", ".intel"};

static void ask_at_random(struct scene *scene, uint32_t *state)
{
    unsigned count = next(state) % MAX_MASKS;
    char key[VHV_MASK_KEY_TEXT_BYTES], mask[33];

    for (unsigned i = 0; i < count; i++) {
        unsigned pass = next(state) % 4;

        for (int at = 0; at < 32; at++)
            mask[at] = next(state) % 4 < pass ? '-' : "-01hrtfxi"[next(state) % 9];
        mask[32] = 0;
        snprintf(key, sizeof(key), "cpuid.%s%s",
                 registers[next(state) % (sizeof(registers) / sizeof(registers[0]))],
                 vendors[next(state) % 4]);
        ask(scene, i + 1, key, mask);
        scene->requests[i].origin.key = NULL;
    }
    scene->options.vhv_enable.value = next(state) % 3;
    scene->options.hypervisor_v0.value = next(state) % 3;
    scene->options.kernel_lapic = next(state) % 2;
    scene->options.vcpu_id = next(state) % 64;
    scene->options.vcpu_count = next(state) % 65;
    host_bits(scene, 0x80000001, VHV_ECX, 1u << 2, next(state) % 2 << 2);
}

static struct scene *random_scene(uint32_t *state)
{
    struct scene *scene = next(state) % 2 ? on_amd() : on_intel();

    ask_at_random(scene, state);
    made(scene);
    return scene;
}

static int note_last(const struct vhv_cpuid_reason *reason, void *cookie)
{
    unsigned *value = cookie;

    if (reason->applied)
        *value = reason->value;
    else
        assert_int_equal(reason->value, *value);
    return 0;
}

/* The last reason that is applied is the value that the guest reads, for every bit. */
static void assert_reasons_agree(const struct scene *scene)
{
    const struct vhv_cpuid_entry *entry;

    for (size_t i = 0; (entry = vhv_cpuid_at(vhv_guest_cpuid_table(scene->guest), i)); i++) {
        for (unsigned at = 0; at < 32 * VHV_CPUID_REGS; at++) {
            unsigned value = 0;

            assert_int_equal(vhv_guest_cpuid_explain(scene->guest, entry->leaf, entry->subleaf,
                                                     at / 32, at % 32, note_last, &value),
                             0);
            if (value != (entry->reg[at / 32] >> at % 32 & 1))
                fail_msg("leaf %x.%x register %u bit %u is not as its reasons say", entry->leaf,
                         entry->subleaf, at / 32, at % 32);
        }
    }
}

static void guest_cpuid_new_any_masks_every_bit_has_its_reason(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (int i = 0; i < SCENES; i++) {
        struct scene *scene = random_scene(&seed);

        assert_reasons_agree(scene);
        scene_end(scene);
    }
}

/* The leaf goes with the bit, however the two were asked for. */
static void guest_cpuid_new_any_masks_vhv_is_whole_or_off(void **state)
{
    uint32_t seed = 2;

    (void)state;
    for (int i = 0; i < SCENES; i++) {
        struct scene *scene = random_scene(&seed);
        const struct vhv_cpuid *table = vhv_guest_cpuid_table(scene->guest);
        bool is_on = vhv_guest_cpuid_has_vhv(scene->guest);

        /* No mask of the generator is on EAX and ECX of the leaf. */
        if (vhv_cpuid_find(scene->host, 0x8000000a, 0))
            assert_int_equal(vhv_cpuid_get(table, 0x8000000a, 0, VHV_EAX), is_on ? 1 : 0);
        scene_end(scene);
    }
}

static unsigned scramble(struct vhv_cpuid *table, uint32_t *state)
{
    struct vhv_cpuid_entry entry = *vhv_cpuid_find(table, 7, 0);
    uint32_t bits = next(state) & next(state);

    entry.reg[VHV_EBX] ^= bits;
    assert_int_equal(vhv_cpuid_set(table, &entry), 0);
    return (unsigned)__builtin_popcount(bits);
}

static void guest_cpuid_read_back_any_answer_counts_and_explains_it(void **state)
{
    uint32_t seed = 3;

    (void)state;
    for (int i = 0; i < SCENES; i++) {
        struct scene *scene = random_scene(&seed);
        struct vhv_cpuid *answer;
        unsigned bits;

        assert_int_equal(vhv_cpuid_copy(&answer, vhv_guest_cpuid_table(scene->guest)), 0);
        bits = scramble(answer, &seed);
        assert_int_equal(vhv_guest_cpuid_read_back(scene->guest, answer), bits);
        assert_int_equal(vhv_cpuid_compare(vhv_guest_cpuid_table(scene->guest), answer, NULL, NULL),
                         0);
        assert_reasons_agree(scene);
        vhv_cpuid_free(answer);
        scene_end(scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guest_cpuid_new_any_masks_every_bit_has_its_reason),
        cmocka_unit_test(guest_cpuid_new_any_masks_vhv_is_whole_or_off),
        cmocka_unit_test(guest_cpuid_read_back_any_answer_counts_and_explains_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
