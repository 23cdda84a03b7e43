/* SPDX-License-Identifier: MIT */
/* What a configuration says of CPUID, bit by bit, in the order in which the guest's is made. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "config/config.h"
#include "config/convert.h"
#include "config/masks.h"
#include "cpuid/guest.h"
#include "cpuid/mask_text.h"

/* In the register of VMX. */
#define HYPERVISOR_BIT (UINT32_C(1) << 31)

const struct vhv_mask_key vhv_convert_vmx = {.leaf = 1, .reg = VHV_ECX};
const struct vhv_mask_key vhv_convert_svm = {.leaf = 0x80000001, .reg = VHV_ECX};

/* What follows from settings, by vendor: VMX or SVM, and the hypervisor bit. */
enum { DERIVED = 4 };

/* A mask, and how specific its key is. */
struct layer {
    struct vhv_mask_key key; /* of the register, without vendor */
    unsigned rank;
    size_t index;
    const struct vhv_mask *mask;
    const struct vhv_cpuid_request *request; /* NULL: derived */
};

struct layers {
    struct layer *layers;
    size_t count;
    struct vhv_mask derived[DERIVED];
    size_t derived_count;
};

/* "bit 5", "bits 31-28, 5": enough of them to know which are meant. */
static void name_bits(char *text, size_t bytes, uint32_t bits)
{
    size_t used = (size_t)snprintf(text, bytes, "bit%s", bits & (bits - 1) ? "s" : "");
    const char *separator = " ";

    for (int high = 31; high >= 0; high--) {
        int low = high;

        if (!(bits >> high & 1))
            continue;
        while (low > 0 && bits >> (low - 1) & 1)
            low--;
        if (used < bytes)
            used += (size_t)snprintf(text + used, bytes - used, low == high ? "%s%d" : "%s%d-%d",
                                     separator, high, low);
        separator = ", ";
        high = low;
    }
}

static uint32_t bits_of(const struct vhv_mask *mask, uint8_t op)
{
    uint32_t bits = 0;

    for (unsigned bit = 0; bit < 32; bit++)
        bits |= (uint32_t)(mask->op[bit] == op) << bit;
    return bits;
}

static int lose(struct vhv_export *export, const struct vhv_origin *origin, const char *what,
                const char *why, const char *remedy)
{
    const struct vhv_config_warning loss = {
        .origin = origin ? *origin : (struct vhv_origin){0},
        .what = what,
        .why = why,
        .remedy = remedy,
    };

    return vhv_lose(&export->losses, &loss);
}

static bool begins_with(const char *key, const char *prefix)
{
    while (*prefix && vhv_ascii_lower(*key) == vhv_ascii_lower(*prefix)) {
        key++;
        prefix++;
    }
    return !*prefix;
}

/* Settings that decide bits, but of which no form has more than vhv_export_begin() derives. */
static bool is_lost(const char *key)
{
    static const char *const said[] = {"vhv.enable", "hypervisor.cpuid.v0"};
    static const char *const prefixes[] = {"vhv.", "cpuid.", "vpmc.", "virtualHW.version",
                                           "guestOS"};
    bool found = false;

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        found = found || begins_with(key, prefixes[i]);
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
        found = found && vhv_key_compare(key, said[i]) != 0;
    return found && !vhv_is_mask_key(key);
}

static int lose_settings(struct vhv_export *export, const struct vhv_config *layer)
{
    int result = 0;

    for (size_t i = 0; i < layer->dictionary.item_count && result >= 0; i++) {
        const struct vhv_line *line = layer->dictionary.items[i];
        const struct vhv_origin origin = vhv_config_origin(layer, line);
        bool is_overridden = false;

        for (const struct vhv_config *above = export->config; above != layer; above = above->policy)
            is_overridden = is_overridden || vhv_dictionary_find(&above->dictionary, line->key);
        if (is_lost(line->key) && !is_overridden)
            result = lose(export, &origin, "the setting is not a mask",
                          "bits alone are written, and of settings only whether the guest has "
                          "virtualized HV and finds a hypervisor",
                          "write masks for what it does, which vhv-cpuid diff tells");
    }
    return result;
}

/* Operations that say more than the bit's value. */
static int lose_requirements(struct vhv_export *export, const struct vhv_cpuid_request *request)
{
    static const struct {
        enum vhv_mask_op op;
        char character;
        const char *why;
    } more[] = {
        {VHV_MASK_TRUE, 't', "it is written as 1, which refuses no host that lacks it"},
        {VHV_MASK_FALSE, 'f', "it is written as 0, which refuses no host that has it"},
        {VHV_MASK_RESERVED, 'r', "it is written as 0, and hosts need not agree for a migration"},
        {VHV_MASK_IGNORE, 'x', "nothing is written for what matters to migrations alone"},
    };
    int result = 0;

    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]) && result >= 0; i++) {
        uint32_t bits = bits_of(&request->mask, more[i].op);
        char what[160], names[128];

        if (!bits)
            continue;
        name_bits(names, sizeof(names), bits);
        snprintf(what, sizeof(what), "%s: '%c'", names, more[i].character);
        result = lose(export, &request->origin, what, more[i].why,
                      "compare hosts before the guest runs on them");
    }
    return result;
}

static int add_request(struct vhv_export *export, struct layers *layers,
                       const struct vhv_cpuid_request *request)
{
    const struct vhv_mask_key *key = &request->key;

    if (key->vendor != VHV_VENDOR_ANY && export->vendor == VHV_VENDOR_ANY)
        return lose(export, &request->origin, "the mask is for one vendor's hosts",
                    "what is written is for hosts of any vendor",
                    "convert for the hosts of one vendor");
    if (key->vendor != VHV_VENDOR_ANY && key->vendor != export->vendor)
        return 0;
    layers->layers[layers->count] = (struct layer){
        .key = {.leaf = key->leaf,
                .subleaf = key->subleaf,
                .has_subleaf = key->subleaf > 0 || vhv_cpuid_leaf_has_subleaves(key->leaf),
                .reg = key->reg},
        .rank = 1 + (key->vendor != VHV_VENDOR_ANY ? 2u : 0) + (key->has_subleaf ? 1u : 0),
        .index = layers->count,
        .mask = &request->mask,
        .request = request,
    };
    layers->count++;
    return lose_requirements(export, request);
}

static void derive(struct layers *layers, const struct vhv_mask_key *key, uint32_t bit, uint8_t op)
{
    struct vhv_mask *mask = &layers->derived[layers->derived_count++];

    mask->op[__builtin_ctz(bit)] = op;
    layers->layers[layers->count] = (struct layer){.key = *key, .mask = mask};
    layers->count++;
}

/* Makes the guest's CPUID as settings alone have it, on a host of @vendor that can nest. */
static int make_guest(struct vhv_guest_cpuid **ret, const struct vhv_config *config,
                      enum vhv_vendor vendor)
{
    static const uint32_t intel[] = {0x80000008, 0x756e6547, 0x6c65746e, 0x49656e69};
    static const uint32_t amd[] = {0x80000008, 0x68747541, 0x444d4163, 0x69746e65};
    struct vhv_cpuid_entry entries[] = {
        {.leaf = 0},
        {.leaf = 1, .reg = {[VHV_ECX] = VHV_CONVERT_VMX_BIT | HYPERVISOR_BIT}},
        {.leaf = 0x80000001, .reg = {[VHV_ECX] = VHV_CONVERT_SVM_BIT}},
        {.leaf = 0x8000000a, .reg = {[VHV_EAX] = 1}},
    };
    struct vhv_guest_cpuid_options all = {.size = sizeof(all)}, options = {.size = sizeof(options)};
    struct vhv_cpuid *host;
    int result = vhv_cpuid_new(&host);

    if (result < 0)
        return result;
    vhv_config_cpuid(config, &all);
    options.vhv_enable = all.vhv_enable;
    options.hypervisor_v0 = all.hypervisor_v0;
    options.hardware_version = all.hardware_version;
    options.guest_os = all.guest_os;
    memcpy(entries[0].reg, vendor == VHV_VENDOR_AMD ? amd : intel, sizeof(entries[0].reg));
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]) && result >= 0; i++)
        result = vhv_cpuid_set(host, &entries[i]);
    if (result >= 0)
        result = vhv_guest_cpuid_new(ret, host, &options);
    vhv_cpuid_free(host);
    return result;
}

/* The lowest layer: what a form would not give by itself. */
static int add_derived(struct vhv_export *export, struct layers *layers, enum vhv_vendor vendor)
{
    struct vhv_guest_cpuid *guest;
    int result = make_guest(&guest, export->config, vendor);
    uint8_t op;

    if (result < 0)
        return result;
    op = vhv_guest_cpuid_has_vhv(guest) ? VHV_MASK_HOST : VHV_MASK_HIDE;
    if (vendor == VHV_VENDOR_AMD)
        derive(layers, &vhv_convert_svm, VHV_CONVERT_SVM_BIT, op);
    else
        derive(layers, &vhv_convert_vmx, VHV_CONVERT_VMX_BIT, op);
    if (vhv_guest_cpuid_hides_hypervisor(guest))
        derive(layers, &vhv_convert_vmx, HYPERVISOR_BIT, VHV_MASK_HIDE);
    vhv_guest_cpuid_free(guest);
    return 0;
}

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static int compare_registers(const struct vhv_mask_key *a, const struct vhv_mask_key *b)
{
    if (a->leaf != b->leaf)
        return ORDER(a->leaf, b->leaf);
    return a->subleaf != b->subleaf ? ORDER(a->subleaf, b->subleaf) : ORDER(a->reg, b->reg);
}

static int compare_layers(const void *left, const void *right)
{
    const struct layer *a = left, *b = right;
    int by_register = compare_registers(&a->key, &b->key);

    if (by_register)
        return by_register;
    return a->rank != b->rank ? ORDER(a->rank, b->rank) : ORDER(a->index, b->index);
}

/* Masks do not reach some fields, here or elsewhere. */
static int lose_fixed(struct vhv_export *export, struct vhv_export_register *found)
{
    int result = 0;

    for (unsigned bit = 0; bit < 32 && result >= 0; bit++) {
        const struct vhv_mask_key *key = &found->key;
        const struct vhv_guest_fixed *fixed =
            vhv_guest_fixed(key->leaf, key->subleaf, key->reg, 1u << bit);
        char what[160], names[128];
        uint32_t bits;

        if (!fixed || found->mask.op[bit] == VHV_MASK_PASS)
            continue;
        bits = fixed->field.bits & vhv_export_decided(found);
        name_bits(names, sizeof(names), bits);
        snprintf(what, sizeof(what), "the mask does not reach %s", names);
        result = lose(export, &found->by[bit]->origin, what, fixed->text, "write '-' there");
        for (unsigned other = 0; other < 32; other++) {
            if (bits >> other & 1)
                found->mask.op[other] = VHV_MASK_PASS;
        }
    }
    return result;
}

/* What the host has of a feature that no processor of its vendor has. */
static bool is_nothing(const struct vhv_export *export, const struct vhv_mask_key *key,
                       unsigned bit, uint8_t op)
{
    const struct vhv_feature *feature =
        vhv_feature_of_bit(key->leaf, key->subleaf, key->reg, bit, export->vendor);

    return op == VHV_MASK_HOST && export->vendor != VHV_VENDOR_ANY && feature &&
           feature->vendor != VHV_VENDOR_ANY && feature->vendor != export->vendor;
}

/* Lays the layers over each other, the most specific one last. */
static int fold(struct vhv_export *export, const struct layers *layers)
{
    struct vhv_export_register *found = NULL;
    int result = 0;

    for (size_t i = 0; i < layers->count; i++) {
        const struct layer *layer = &layers->layers[i];

        if (!found || compare_registers(&found->key, &layer->key) != 0) {
            found = &export->registers[export->count++];
            *found = (struct vhv_export_register){.key = layer->key};
        }
        for (unsigned bit = 0; bit < 32; bit++) {
            uint8_t op = layer->mask->op[bit];

            if (!vhv_mask_op_decides(op))
                continue;
            found->mask.op[bit] = is_nothing(export, &layer->key, bit, op) ? VHV_MASK_PASS : op;
            found->by[bit] = layer->request;
        }
    }
    for (size_t i = 0; i < export->count && result >= 0; i++)
        result = lose_fixed(export, &export->registers[i]);
    return result;
}

/* Here, what hides the bit hides the leaves behind it. */
static int lose_hypervisor(struct vhv_export *export)
{
    const struct vhv_export_register *found = vhv_export_find(export, 1, 0, VHV_ECX);
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    const struct vhv_cpuid_request *by;

    if (!found || !(vhv_export_zeros(found) & HYPERVISOR_BIT))
        return 0;
    by = found->by[__builtin_ctz(HYPERVISOR_BIT)];
    vhv_config_cpuid(export->config, &options);
    return lose(export, by ? &by->origin : &options.hypervisor_v0.origin,
                "the hypervisor is hidden",
                "only its bit is written, 31 of CPUID.1:ECX: leaves from 40000000h on stay",
                "have them hidden by other means");
}

static int collect(struct vhv_export *export, struct layers *layers)
{
    const struct vhv_config *config = export->config;
    int result = 0;

    for (const struct vhv_config *layer = config; layer && result >= 0; layer = layer->policy)
        result = lose_settings(export, layer);
    for (size_t i = 0; i < config->request_count && result >= 0; i++)
        result = add_request(export, layers, &config->requests[i]);
    if (result >= 0 && export->vendor != VHV_VENDOR_AMD)
        result = add_derived(export, layers, VHV_VENDOR_INTEL);
    if (result >= 0 && export->vendor != VHV_VENDOR_INTEL)
        result = add_derived(export, layers, VHV_VENDOR_AMD);
    if (result < 0)
        return result;
    qsort(layers->layers, layers->count, sizeof(layers->layers[0]), compare_layers);
    result = fold(export, layers);
    return result < 0 ? result : lose_hypervisor(export);
}

int vhv_export_begin(struct vhv_export *export)
{
    size_t most = export->config->request_count + DERIVED;
    struct layers layers = {.layers = calloc(most, sizeof(layers.layers[0]))};
    int result;

    export->registers = calloc(most, sizeof(export->registers[0]));
    if (layers.layers && export->registers)
        result = collect(export, &layers);
    else
        result = vhv_fail_memory(most * sizeof(export->registers[0]));
    free(layers.layers);
    return result;
}

struct vhv_export_register *vhv_export_find(const struct vhv_export *export, uint32_t leaf,
                                            uint32_t subleaf, enum vhv_cpuid_reg reg)
{
    const struct vhv_mask_key key = {.leaf = leaf, .subleaf = subleaf, .reg = reg};

    for (size_t i = 0; i < export->count; i++) {
        if (compare_registers(&export->registers[i].key, &key) == 0)
            return &export->registers[i];
    }
    return NULL;
}

uint32_t vhv_export_decided(const struct vhv_export_register *found)
{
    return ~bits_of(&found->mask, VHV_MASK_PASS);
}

uint32_t vhv_export_zeros(const struct vhv_export_register *found)
{
    return bits_of(&found->mask, VHV_MASK_HIDE) | bits_of(&found->mask, VHV_MASK_RESERVED) |
           bits_of(&found->mask, VHV_MASK_FALSE);
}

uint32_t vhv_export_ones(const struct vhv_export_register *found)
{
    return bits_of(&found->mask, VHV_MASK_FORCE) | bits_of(&found->mask, VHV_MASK_TRUE);
}

/* Tells of those of @bits together that one mask has decided. */
static int lose_bits(struct vhv_export *export, const struct vhv_export_register *found,
                     uint32_t bits, const char *why, const char *remedy)
{
    int result = 0;

    while (bits && result >= 0) {
        const struct vhv_cpuid_request *by = found->by[__builtin_ctz(bits)];
        uint32_t together = 0;
        char names[128];

        for (unsigned bit = 0; bit < 32; bit++) {
            if (bits >> bit & 1 && found->by[bit] == by)
                together |= 1u << bit;
        }
        bits &= ~together;
        name_bits(names, sizeof(names), together);
        result = lose(export, by ? &by->origin : NULL, names, why, remedy);
    }
    return result;
}

int vhv_export_end(struct vhv_export *export)
{
    char unnamed[48], unforced[64];
    int result = 0;

    snprintf(unnamed, sizeof(unnamed), "%s has no name for that", export->form);
    snprintf(unforced, sizeof(unforced), "%s gives a guest nothing that its host lacks",
             export->form);
    for (size_t i = 0; i < export->count && result >= 0; i++) {
        const struct vhv_export_register *found = &export->registers[i];

        result = lose_bits(export, found, vhv_export_decided(found) & ~found->written, unnamed,
                           "use a form that has every bit");
        if (result >= 0)
            result =
                lose_bits(export, found, found->unforced, unforced, "see that its hosts have it");
    }
    return result;
}
