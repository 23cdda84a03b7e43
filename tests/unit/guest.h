/* SPDX-License-Identifier: MIT */
/* Two hosts' tables, and short ways to make a guest's CPUID from them and to look into it. */
#ifndef VHV_TESTS_UNIT_GUEST_H
#define VHV_TESTS_UNIT_GUEST_H

#include <errno.h>
#include <libvhv/guest_cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

struct host_row {
    uint32_t leaf;
    int subleaf; /* -1: none */
    uint32_t reg[VHV_CPUID_REGS];
};

/* What KVM of Linux 6.1 supports on a Zen 2 with nested=1: the host's topology shines through. */
static const struct host_row amd_rows[] = {
    {0x0, -1, {0x10, 0x68747541, 0x444d4163, 0x69746e65}},
    {0x1, -1, {0x830f10, 0x0d200800, 0x76f83203, 0x178bfbff}},
    {0x7, 0, {0, 0x219c91a9, 0x00400004, 0}},
    {0xb, 0, {0x1, 0x2, 0x100, 0xd}},
    {0xb, 1, {0x7, 0x20, 0x201, 0xd}},
    {0xd, 0, {0x7, 0x340, 0x340, 0}},
    {0xd, 1, {0xf, 0x340, 0, 0}},
    {0xd, 2, {0x100, 0x240, 0, 0}},
    {0x40000000, -1, {0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d}},
    {0x40000001, -1, {0x01007efb, 0, 0, 0}},
    {0x80000000, -1, {0x8000001f, 0x68747541, 0x444d4163, 0x69746e65}},
    {0x80000001, -1, {0x830f10, 0x40000000, 0x00c003f7, 0x2fd3fbff}},
    {0x80000002, -1, {0x20444d41, 0x43595045, 0x32423720, 0x20202020}},
    {0x80000008, -1, {0x3030, 0x0111f20d, 0x701f, 0}},
    {0x8000000a, -1, {0x1, 0x8, 0, 0x29}},
    {0x8000001d, 0, {0x4121, 0x01c0003f, 0x3f, 0}},
    {0x8000001d, 1, {0xc163, 0x03c0003f, 0x3fff, 1}},
    {0x8000001e, -1, {0xd, 0x106, 0x300, 0}},
    {0x8000001f, -1, {0x1000b, 0x16f, 0x1fd, 1}},
};

/* A Haswell with nested=1 and a newer kernel, which gives no topology. */
static const struct host_row intel_rows[] = {
    {0x0, -1, {0xd, 0x756e6547, 0x6c65746e, 0x49656e69}},
    {0x1, -1, {0x306c3, 0x03100800, 0xf7fa3223, 0x1f8bfbff}},
    {0x4, 0, {0x1c004121, 0x01c0003f, 0x3f, 0}},
    {0x4, 1, {0x1c004143, 0x01c0003f, 0x1ff, 0}},
    {0x4, 2, {0x1c03c163, 0x03c0003f, 0x1fff, 6}},
    {0x4, 3, {0, 0, 0, 0}},
    {0x7, 0, {0, 0x27ab, 0, 0x9c000400}},
    {0xb, 0, {0, 0, 0, 0}},
    {0xd, 0, {0x7, 0x340, 0x340, 0}},
    {0xd, 1, {0x1, 0, 0, 0}},
    {0x40000000, -1, {0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d}},
    {0x40000001, -1, {0x01007efb, 0, 0, 0}},
    {0x80000000, -1, {0x80000008, 0, 0, 0}},
    {0x80000001, -1, {0, 0, 0x21, 0x2c100800}},
    {0x80000008, -1, {0x3027, 0, 0, 0}},
};

static inline struct vhv_cpuid *table_of(const struct host_row *rows, size_t count)
{
    struct vhv_cpuid *table;

    assert_int_equal(vhv_cpuid_new(&table), 0);
    for (size_t i = 0; i < count; i++) {
        struct vhv_cpuid_entry entry = {.leaf = rows[i].leaf,
                                        .subleaf = rows[i].subleaf < 0 ? 0 : rows[i].subleaf,
                                        .has_subleaf = rows[i].subleaf >= 0};

        memcpy(entry.reg, rows[i].reg, sizeof(entry.reg));
        assert_int_equal(vhv_cpuid_set(table, &entry), 0);
    }
    return table;
}

/* What a guest is made from: a host, which a test may change, and what is asked for. */
struct scene {
    struct vhv_cpuid *host;
    struct vhv_guest_cpuid_options options;
    struct vhv_cpuid_request requests[300];
    struct vhv_guest_cpuid *guest; /* NULL until made() */
};

static inline struct scene *scene_on(const struct host_row *rows, size_t count)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    scene->host = table_of(rows, count);
    scene->options = (struct vhv_guest_cpuid_options){.size = sizeof(scene->options),
                                                      .requests = scene->requests,
                                                      .kernel_lapic = true,
                                                      .tsc_deadline = true};
    return scene;
}

static inline struct scene *on_amd(void)
{
    return scene_on(amd_rows, sizeof(amd_rows) / sizeof(amd_rows[0]));
}

static inline struct scene *on_intel(void)
{
    return scene_on(intel_rows, sizeof(intel_rows) / sizeof(intel_rows[0]));
}

static inline void scene_end(struct scene *scene)
{
    vhv_guest_cpuid_free(scene->guest);
    vhv_cpuid_free(scene->host);
    free(scene);
}

/* Changes bits of the host's table, as another processor or module parameter would. */
static inline void host_bits(struct scene *scene, uint32_t leaf, enum vhv_cpuid_reg reg,
                             uint32_t bits, uint32_t values)
{
    struct vhv_cpuid_entry entry = *vhv_cpuid_find(scene->host, leaf, 0);

    entry.reg[reg] = (entry.reg[reg] & ~bits) | values;
    assert_int_equal(vhv_cpuid_set(scene->host, &entry), 0);
}

/* Line @line of hypervisor.vmx. */
static inline void ask(struct scene *scene, unsigned line, const char *key, const char *mask)
{
    struct vhv_cpuid_request *request = &scene->requests[scene->options.request_count++];

    if (vhv_mask_key_parse(&request->key, key) < 0 || vhv_mask_parse(&request->mask, mask) < 0)
        fail_msg("%s", vhv_error_message());
    request->origin = (struct vhv_origin){"hypervisor.vmx", line, key};
}

/* The mask that has @op at one bit and '-' elsewhere. */
static inline void ask_bit(struct scene *scene, unsigned line, const char *key, unsigned bit,
                           char op)
{
    char mask[33] = "--------------------------------";

    mask[31 - bit] = op;
    ask(scene, line, key, mask);
}

static inline struct vhv_cpuid_setting setting(bool value, unsigned line, const char *key)
{
    return (struct vhv_cpuid_setting){.value = value ? VHV_SETTING_TRUE : VHV_SETTING_FALSE,
                                      .origin = {"hypervisor.vmx", line, key}};
}

/* The five lines by which ESXi 5.0 enables virtualized HV. */
static inline void ask_as_esxi_5(struct scene *scene)
{
    ask_bit(scene, 1, "cpuid.1.ecx", 5, 'h');
    ask_bit(scene, 2, "cpuid.80000001.ecx.amd", 2, 'h');
    ask(scene, 3, "cpuid.8000000a.eax.amd", "hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh");
    ask(scene, 4, "cpuid.8000000a.ebx.amd", "hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh");
    ask(scene, 5, "cpuid.8000000a.edx.amd", "hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh");
}

static inline void made(struct scene *scene)
{
    vhv_guest_cpuid_free(scene->guest);
    scene->guest = NULL;
    if (vhv_guest_cpuid_new(&scene->guest, scene->host, &scene->options) < 0)
        fail_msg("%s", vhv_error_message());
}

static inline uint32_t reg_of(const struct scene *scene, uint32_t leaf, uint32_t subleaf,
                              enum vhv_cpuid_reg reg)
{
    return vhv_cpuid_get(vhv_guest_cpuid_table(scene->guest), leaf, subleaf, reg);
}

static inline unsigned bit_of(const struct scene *scene, uint32_t leaf, enum vhv_cpuid_reg reg,
                              unsigned bit)
{
    return reg_of(scene, leaf, 0, reg) >> bit & 1;
}

struct chain {
    char text[2048];  /* such as "kvm=1 default=0 mask:h=1 !mask:0=1": '!' is not applied */
    char words[2048]; /* origins and texts, a line each */
};

static inline int note_reason(const struct vhv_cpuid_reason *reason, void *cookie)
{
    struct chain *chain = cookie;
    char op[3] = "";

    if (reason->source == VHV_SOURCE_MASK)
        snprintf(op, sizeof(op), ":%c", "-01hrtfxi"[reason->op]);
    sprintf(chain->text + strlen(chain->text), "%s%s%s%s=%u", chain->text[0] ? " " : "",
            reason->applied ? "" : "!", vhv_cpuid_source_name(reason->source), op, reason->value);
    sprintf(chain->words + strlen(chain->words), "%s:%u:%s: %s\n",
            reason->origin.file ? reason->origin.file : "", reason->origin.line,
            reason->origin.key ? reason->origin.key : "", reason->text);
    return 0;
}

static inline struct chain chain_of(const struct scene *scene, uint32_t leaf, uint32_t subleaf,
                                    enum vhv_cpuid_reg reg, unsigned bit)
{
    struct chain chain = {"", ""};

    assert_int_equal(
        vhv_guest_cpuid_explain(scene->guest, leaf, subleaf, reg, bit, note_reason, &chain), 0);
    return chain;
}

#define assert_chain(scene, leaf, subleaf, reg, bit, wanted) \
    assert_string_equal(chain_of(scene, leaf, subleaf, reg, bit).text, wanted)

#define assert_contains(text, part)                               \
    do {                                                          \
        if (!strstr(text, part))                                  \
            fail_msg("\"%s\" is without \"%s\"", (text), (part)); \
    } while (0)

/* The finding whose text is @text, which must be there. */
static inline const struct vhv_cpuid_finding *finding(const struct scene *scene, const char *text)
{
    const struct vhv_cpuid_finding *found;

    for (size_t i = 0; (found = vhv_guest_cpuid_finding(scene->guest, i)); i++) {
        if (strcmp(found->text, text) == 0)
            return found;
    }
    for (size_t i = 0; (found = vhv_guest_cpuid_finding(scene->guest, i)); i++)
        print_error("found: %s\n", found->text);
    fail_msg("no finding \"%s\"", text);
    return NULL;
}

static inline size_t finding_count(const struct scene *scene)
{
    size_t count = 0;

    while (vhv_guest_cpuid_finding(scene->guest, count))
        count++;
    return count;
}

#endif
