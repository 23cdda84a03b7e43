/* SPDX-License-Identifier: MIT */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "config/convert.h"
#include "cpuid/registers.h"

static bool add_number(cJSON *object, const char *name, uint32_t number)
{
    char text[16];

    snprintf(text, sizeof(text), "0x%" PRIx32, number);
    return cJSON_AddStringToObject(object, name, text);
}

/* What KVM can give is what a template leaves alone. Returns false if that is all of it. */
static bool make_bitmap(char bitmap[35], const struct vhv_export_register *found)
{
    static const char characters[] = {
        [VHV_MASK_HIDE] = '0',  [VHV_MASK_RESERVED] = '0', [VHV_MASK_FALSE] = '0',
        [VHV_MASK_FORCE] = '1', [VHV_MASK_TRUE] = '1',     [VHV_MASK_HOST] = 'x',
        [VHV_MASK_PASS] = 'x',
    };
    char *at = stpcpy(bitmap, "0b");
    bool says_something = false;

    for (int bit = 31; bit >= 0; bit--) {
        *at = characters[found->mask.op[bit]];
        says_something = says_something || *at != 'x';
        at++;
    }
    *at = 0;
    return says_something;
}

/* Adds an object to @array; NULL if there is no memory. */
static cJSON *add_object(cJSON *array)
{
    cJSON *object = cJSON_CreateObject();

    if (cJSON_AddItemToArray(array, object))
        return object;
    cJSON_Delete(object);
    return NULL;
}

/* Returns the array for its registers. */
static cJSON *add_leaf(cJSON *leaves, const struct vhv_mask_key *key)
{
    cJSON *object = add_object(leaves);
    bool added = add_number(object, "leaf", key->leaf) &&
                 add_number(object, "subleaf", key->subleaf) &&
                 cJSON_AddNumberToObject(object, "flags", key->has_subleaf);

    return added ? cJSON_AddArrayToObject(object, "modifiers") : NULL;
}

static bool add_register(cJSON *registers, enum vhv_cpuid_reg reg, const char *bitmap)
{
    cJSON *object = add_object(registers);

    return cJSON_AddStringToObject(object, "register", vhv_cpuid_registers[reg]) &&
           cJSON_AddStringToObject(object, "bitmap", bitmap);
}

static bool add_all(cJSON *root, struct vhv_export *export)
{
    cJSON *leaves = cJSON_AddArrayToObject(root, "cpuid_modifiers"), *registers = NULL;
    const struct vhv_mask_key *last = NULL;

    for (size_t i = 0; i < export->count; i++) {
        struct vhv_export_register *found = &export->registers[i];
        const struct vhv_mask_key *key = &found->key;
        char bitmap[35];

        found->written = UINT32_MAX;
        if (!make_bitmap(bitmap, found))
            continue;
        if (!last || last->leaf != key->leaf || last->subleaf != key->subleaf)
            registers = add_leaf(leaves, key);
        if (!add_register(registers, key->reg, bitmap))
            return false;
        last = key;
    }
    return leaves && cJSON_AddArrayToObject(root, "msr_modifiers");
}

int vhv_firecracker_export(struct vhv_export *export)
{
    cJSON *root = cJSON_CreateObject();
    char *text = add_all(root, export) ? cJSON_Print(root) : NULL;

    cJSON_Delete(root);
    if (!text)
        return vhv_fail(ENOMEM, VHV_CAUSE_NONE, "out of memory: could not write the template");
    fprintf(export->stream, "%s\n", text);
    cJSON_free(text);
    return 0;
}
