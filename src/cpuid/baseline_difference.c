/* SPDX-License-Identifier: MIT */
/* What hosts differ in, and who is the cause, in words. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "cpuid/baseline.h"
#include "cpuid/vmx.h"

enum { LIST_NAMES = 4, FIELD_BYTES = 160, TEXT_BYTES = 2 * VHV_HOST_LIST_BYTES + FIELD_BYTES + 64 };

void *vhv_baseline_grow(struct vhv_baseline *baseline, void *array, size_t count, size_t *room,
                        size_t bytes)
{
    size_t wanted = *room ? *room * 2 : 16;
    void *grown;

    if (baseline->failure)
        return NULL;
    if (count < *room)
        return array;
    grown = reallocarray(array, wanted, bytes);
    if (!grown) {
        baseline->failure = vhv_fail_memory(wanted * bytes);
        return NULL;
    }
    *room = wanted;
    return grown;
}

static bool is_chosen(const struct vhv_join *join, const struct vhv_host_choice *choice, size_t i)
{
    return ((join->values[i] & choice->bits) != choice->value) == choice->is_other;
}

static size_t count_chosen(const struct vhv_join *join, const struct vhv_host_choice *choice)
{
    size_t count = 0;

    for (size_t i = 0; i < join->count; i++)
        count += is_chosen(join, choice, i);
    return count;
}

void vhv_join_list(const struct vhv_join *join, const struct vhv_host_choice *choice,
                   char text[VHV_HOST_LIST_BYTES])
{
    size_t left = count_chosen(join, choice), named = 0;
    char *at = text;

    *at = '\0';
    for (size_t i = 0; i < join->count && named < LIST_NAMES; i++) {
        if (!is_chosen(join, choice, i))
            continue;
        at += sprintf(at, "%s%.80s",
                      named == 0  ? ""
                      : left == 1 ? " and "
                                  : ", ",
                      vhv_capture_name(join->captures[i]));
        named++;
        left--;
    }
    if (left > 0)
        sprintf(at, " and %zu more", left);
}

/* Takes the text. */
static void record(struct vhv_join *join, const struct vhv_baseline_difference *difference,
                   const struct vhv_host_choice *choice, const char *text)
{
    struct vhv_baseline *baseline = join->baseline;
    struct vhv_baseline_difference *grown =
        vhv_baseline_grow(baseline, baseline->differences, baseline->difference_count,
                          &baseline->difference_room, sizeof(*grown));
    size_t count = count_chosen(join, choice), text_bytes = strlen(text) + 1;
    size_t *hosts;

    if (!grown)
        return;
    baseline->differences = grown;
    /* One block: the hosts, and behind them the text. */
    hosts = malloc(count * sizeof(*hosts) + text_bytes);
    if (!hosts) {
        baseline->failure = vhv_fail_memory(count * sizeof(*hosts) + text_bytes);
        return;
    }
    grown += baseline->difference_count++;
    *grown = *difference;
    grown->hosts = hosts;
    grown->host_count = count;
    grown->text = memcpy(&hosts[count], text, text_bytes);
    for (size_t i = 0; i < join->count; i++) {
        if (is_chosen(join, choice, i))
            *hosts++ = i;
    }
}

static enum vhv_baseline_change change_of(enum vhv_rule rule)
{
    switch (rule) {
    case VHV_RULE_FEATURE:
    case VHV_RULE_LEAST:
    case VHV_RULE_LEAST_SET:
        return VHV_BASELINE_LOST;
    case VHV_RULE_DEFICIT:
    case VHV_RULE_MOST:
        return VHV_BASELINE_REQUIRED;
    case VHV_RULE_HOST:
        return VHV_BASELINE_IDENTITY;
    default:
        return VHV_BASELINE_CONFLICT;
    }
}

static void write_text(const struct vhv_join *join, const struct vhv_baseline_difference *found,
                       const struct vhv_host_choice *choice, enum vhv_rule rule,
                       char text[TEXT_BYTES])
{
    const char *first = vhv_capture_name(join->captures[0]);
    char hosts[VHV_HOST_LIST_BYTES], field[FIELD_BYTES], value[VHV_VALUE_BYTES];

    vhv_field_format_value(found->value, value);
    vhv_join_list(join, choice, hosts);
    vhv_capture_field_format(&found->field, field, sizeof(field));
    if (rule == VHV_RULE_FEATURE)
        snprintf(text, TEXT_BYTES, "%s is not on %s", field, hosts);
    else if (rule == VHV_RULE_DEFICIT)
        snprintf(text, TEXT_BYTES, "%s must be 1, as on %s", field, hosts);
    else if (found->change == VHV_BASELINE_LOST)
        snprintf(text, TEXT_BYTES, "%s is %s at most, as on %s", field, value, hosts);
    else if (found->change == VHV_BASELINE_REQUIRED)
        snprintf(text, TEXT_BYTES, "%s is %s at least, as on %s", field, value, hosts);
    else if (found->change == VHV_BASELINE_CONFLICT)
        snprintf(text, TEXT_BYTES, "%s is %s on %.80s, and something else on %s", field, value,
                 first, hosts);
    else
        snprintf(text, TEXT_BYTES, "%s is left to each host: on %s it is not as on %.80s", field,
                 hosts, first);
}

void vhv_join_report(struct vhv_join *join, const struct vhv_field *field, uint64_t bits,
                     uint64_t value)
{
    struct vhv_baseline_difference found = {
        .change = change_of(field->rule),
        .field = vhv_field_make(&join->place, field, bits, join->vendor),
        .value = value >> __builtin_ctzll(bits),
    };
    struct vhv_host_choice choice = {bits, value, false};
    char text[TEXT_BYTES];

    if (join->is_quiet || join->baseline->failure)
        return;
    if (found.change == VHV_BASELINE_CONFLICT || found.change == VHV_BASELINE_IDENTITY)
        choice.is_other = true;
    write_text(join, &found, &choice, field->rule, text);
    record(join, &found, &choice, text);
}

void vhv_join_report_impossible(struct vhv_join *join, unsigned bit, uint32_t may_msr,
                                unsigned may_bit)
{
    const struct vhv_field field = {UINT64_C(1) << bit, VHV_RULE_SAME, NULL};
    const struct vhv_host_choice needs = {field.bits, field.bits, false};
    const struct vhv_host_choice lacks = {UINT64_C(1) << may_bit, 0, false};
    const struct vhv_baseline_difference found = {
        .change = VHV_BASELINE_CONFLICT,
        .field = vhv_field_make(&join->place, &field, field.bits, join->vendor),
    };
    char needing[VHV_HOST_LIST_BYTES], lacking[VHV_HOST_LIST_BYTES];
    char name[FIELD_BYTES], text[TEXT_BYTES];
    struct vhv_place place = join->place;

    vhv_join_list(join, &needs, needing);
    vhv_join_load_msr(join, may_msr);
    vhv_join_list(join, &lacks, lacking);
    vhv_join_load_msr(join, place.msr);
    vhv_capture_field_format(&found.field, name, sizeof(name));
    snprintf(text, sizeof(text), "%s must be 1 on %s, and cannot be 1 on %s", name, needing,
             lacking);
    record(join, &found, &needs, text);
}
