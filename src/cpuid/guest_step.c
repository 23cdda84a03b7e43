/* SPDX-License-Identifier: MIT */
#include <libvhv/feature.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpuid/guest.h"

bool vhv_cpuid_field_is_set(const struct vhv_cpuid *table, const struct vhv_cpuid_field *field)
{
    return vhv_cpuid_get(table, field->leaf, field->subleaf, field->reg) & field->bits;
}

void vhv_guest_keep_failure(struct vhv_guest_cpuid *guest, int result)
{
    if (result < 0 && guest->failure == 0)
        guest->failure = result;
}

/* Makes room for one more element. The array is as it was if there is no memory. */
static int grow(void **array, size_t *room, size_t count, size_t element_bytes)
{
    size_t wanted = *room ? 2 * *room : 32;
    void *grown;

    if (count < *room)
        return 0;
    grown = reallocarray(*array, wanted, element_bytes);
    if (!grown)
        return vhv_fail_memory(wanted * element_bytes);
    *array = grown;
    *room = wanted;
    return 0;
}

void vhv_guest_record(struct vhv_guest_cpuid *guest, const struct vhv_guest_step *step)
{
    void *steps = guest->steps;

    if (guest->failure)
        return;
    vhv_guest_keep_failure(
        guest, grow(&steps, &guest->step_room, guest->step_count, sizeof(guest->steps[0])));
    guest->steps = steps;
    if (!guest->failure)
        guest->steps[guest->step_count++] = *step;
}

/* An entry that answers every subleaf of its leaf answers subleaf 0 alone once there is another. */
static int make_way_for_subleaf(struct vhv_cpuid *table, uint32_t leaf)
{
    const struct vhv_cpuid_entry *entry = vhv_cpuid_find(table, leaf, 0);
    struct vhv_cpuid_entry changed;

    if (!entry || entry->has_subleaf)
        return 0;
    changed = *entry;
    changed.has_subleaf = true;
    return vhv_cpuid_set(table, &changed);
}

void vhv_guest_write(struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *field,
                     uint32_t values)
{
    const struct vhv_cpuid_entry *entry;
    struct vhv_cpuid_entry changed = {
        .leaf = field->leaf,
        .subleaf = field->subleaf,
        .has_subleaf = field->subleaf > 0 || vhv_cpuid_leaf_has_subleaves(field->leaf),
    };

    if (guest->failure)
        return;
    if (field->subleaf > 0)
        vhv_guest_keep_failure(guest, make_way_for_subleaf(guest->table, field->leaf));
    entry = vhv_cpuid_find(guest->table, field->leaf, field->subleaf);
    if (entry)
        changed = *entry;
    changed.reg[field->reg] = (changed.reg[field->reg] & ~field->bits) | (values & field->bits);
    vhv_guest_keep_failure(guest, vhv_cpuid_set(guest->table, &changed));
}

void vhv_guest_decide(struct vhv_guest_cpuid *guest, const struct vhv_guest_step *step)
{
    if (step->applied)
        vhv_guest_write(guest, &step->field, step->values);
    vhv_guest_record(guest, step);
}

void vhv_guest_decide_present(struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *field,
                              uint32_t values, const struct vhv_guest_step *why)
{
    struct vhv_guest_step step = *why;

    if (!vhv_cpuid_find(guest->table, field->leaf, field->subleaf))
        return;
    step.field = *field;
    step.values = values;
    vhv_guest_decide(guest, &step);
}

const struct vhv_guest_step *vhv_guest_decider(const struct vhv_guest_cpuid *guest, size_t count,
                                               const struct vhv_cpuid_field *bit)
{
    while (count > 0) {
        const struct vhv_guest_step *step = &guest->steps[--count];

        if (step->field.leaf == bit->leaf && step->field.subleaf == bit->subleaf &&
            step->field.reg == bit->reg && (step->field.bits & bit->bits) && step->applied &&
            step->op != VHV_MASK_IGNORE)
            return step;
    }
    return NULL;
}

void vhv_guest_print_origin(char *text, size_t bytes, const struct vhv_origin *origin,
                            const struct vhv_cpuid_field *field)
{
    char key[VHV_MASK_KEY_TEXT_BYTES];
    char line[16] = "";

    if (!origin) {
        vhv_mask_key_format(&(struct vhv_mask_key){.leaf = field->leaf,
                                                   .subleaf = field->subleaf,
                                                   .has_subleaf = field->subleaf > 0,
                                                   .reg = field->reg},
                            key);
        snprintf(text, bytes, "%s", key);
        return;
    }
    if (origin->file && origin->line)
        snprintf(line, sizeof(line), ":%u", origin->line);
    snprintf(text, bytes, "%s%s%s%s", origin->file ? origin->file : "", line,
             origin->file ? ": " : "", origin->key);
}

/* "origin bit 5 (VMX) detail", allocated; NULL without memory. */
static char *compose(const struct vhv_guest_cpuid *guest, const struct vhv_cpuid_finding *found,
                     bool names_bit, const char *detail)
{
    const struct vhv_cpuid_field field = {found->leaf, found->subleaf, found->reg, 0};
    const struct vhv_feature *feature =
        vhv_feature_of_bit(found->leaf, found->subleaf, found->reg, found->bit, guest->vendor);
    char origin[VHV_ERROR_MESSAGE_BYTES], bit[64] = "";
    size_t bytes;
    char *text;

    vhv_guest_print_origin(origin, sizeof(origin), found->origin.key ? &found->origin : NULL,
                           &field);
    if (names_bit)
        snprintf(bit, sizeof(bit), " bit %u%s%s%s", found->bit, feature ? " (" : "",
                 feature ? feature->name : "", feature ? ")" : "");
    bytes = strlen(origin) + strlen(bit) + strlen(detail) + 2;
    text = malloc(bytes);
    if (text)
        snprintf(text, bytes, "%s%s %s", origin, bit, detail);
    else
        vhv_fail_memory(bytes);
    return text;
}

void vhv_guest_report(struct vhv_guest_cpuid *guest, const struct vhv_guest_finding *about,
                      bool names_bit, const char *format, ...)
{
    void *findings = guest->findings;
    char detail[VHV_ERROR_MESSAGE_BYTES];
    va_list args;
    char *text;

    if (guest->failure)
        return;
    vhv_guest_keep_failure(guest, grow(&findings, &guest->finding_room, guest->finding_count,
                                       sizeof(guest->findings[0])));
    guest->findings = findings;
    if (guest->failure)
        return;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    text = compose(guest, &about->found, names_bit, detail);
    if (!text) {
        vhv_guest_keep_failure(guest, -ENOMEM);
        return;
    }
    guest->findings[guest->finding_count] = *about;
    guest->findings[guest->finding_count].found.text = text;
    guest->findings[guest->finding_count++].found.detail = text + strlen(text) - strlen(detail);
}

void vhv_guest_forget_findings(struct vhv_guest_cpuid *guest, size_t count)
{
    while (guest->finding_count > count)
        free((char *)guest->findings[--guest->finding_count].found.text);
}
