/* SPDX-License-Identifier: MIT */
/*
 * Whether a VM may go from one host to another: each register is held to the masks on it, and what
 * these leave to the fields' rules.
 */
#include <inttypes.h>
#include <libvhv/feature.h>
#include <libvhv/migration.h>

#include "base/options.h"
#include "cpuid/capture.h"
#include "cpuid/guest.h"
#include "cpuid/migration.h"
#include "cpuid/vendor.h"
#include "cpuid/vmx.h"

enum { FIELD_BYTES = 160, TEXT_BYTES = VHV_ERROR_MESSAGE_BYTES };

/* What is looked at: a register on both hosts and in the guest. */
struct values {
    struct vhv_place place;
    uint64_t guest;
    uint64_t from;
    uint64_t to;
};

struct check {
    const struct vhv_cpuid *guest;
    const struct vhv_capture *from;
    const struct vhv_capture *to;
    struct vhv_migration_options options;
    enum vhv_vendor vendor;
    vhv_migration_obstacle_fn obstacle;
    void *cookie;
    int count;
    int stop; /* what the program's function returned to stop; else 0 */
};

/* Tells an obstacle, whose text starts with the field's place and name. */
static void tell(struct check *check, struct vhv_migration_obstacle *found, const char *detail)
{
    char field[FIELD_BYTES], file[VHV_ERROR_MESSAGE_BYTES / 2] = "", text[TEXT_BYTES];

    check->count++;
    if (check->stop || !check->obstacle)
        return;
    if (found->origin.file)
        snprintf(file, sizeof(file), "%s:%u: ", found->origin.file, found->origin.line);
    vhv_capture_field_format(&found->field, field, sizeof(field));
    snprintf(text, sizeof(text), "%s%s %s", file, field, detail);
    found->text = text;
    check->stop = check->obstacle(found, check->cookie);
}

/* Bits of a register as an obstacle has them. */
static struct vhv_migration_obstacle obstacle_of(const struct check *check,
                                                 const struct values *values,
                                                 const struct vhv_field *field, uint64_t bits)
{
    int shift = __builtin_ctzll(bits);

    return (struct vhv_migration_obstacle){
        .field = vhv_field_make(&values->place, field, bits, check->vendor),
        .guest = (values->guest & bits) >> shift,
        .from = (values->from & bits) >> shift,
        .to = (values->to & bits) >> shift,
    };
}

static void tell_unserved(struct check *check, const struct values *values,
                          const struct vhv_field *field, uint64_t bits)
{
    struct vhv_migration_obstacle found = obstacle_of(check, values, field, bits);
    char detail[TEXT_BYTES / 2], to[VHV_VALUE_BYTES], guest[VHV_VALUE_BYTES];

    vhv_field_format_value(found.to, to);
    vhv_field_format_value(found.guest, guest);
    snprintf(detail, sizeof(detail), "is %s on %s, and %s in the guest", to,
             vhv_capture_name(check->to), guest);
    tell(check, &found, detail);
}

/* Whether the other host does not serve what the guest reads. Of CPUID, a mask can show what the
 * first host does not serve either: that is not lost. KVM takes no such MSR. */
static bool is_unserved(const struct values *values, enum vhv_rule rule, uint64_t bits)
{
    return !vhv_rule_allows(rule, values->guest & bits, values->to & bits) &&
           (values->place.msr || vhv_rule_allows(rule, values->guest & bits, values->from & bits));
}

/* Holds what the guest reads to the field's rule, but for bits that a mask has settled. */
static void check_field(struct check *check, const struct values *values,
                        const struct vhv_field *field, uint64_t settled)
{
    uint64_t left = field->bits & ~settled;

    if (!vhv_rule_is_bitwise(field->rule)) {
        if (left == field->bits && is_unserved(values, field->rule, field->bits))
            tell_unserved(check, values, field, field->bits);
        return;
    }
    for (uint64_t bits = left & (values->guest ^ values->to); bits; bits &= bits - 1) {
        if (is_unserved(values, field->rule, bits & -bits))
            tell_unserved(check, values, field, bits & -bits);
    }
}

static void tell_forbidden(struct check *check, const struct values *values,
                           const struct vhv_field *field, unsigned bit,
                           const struct vhv_mask_demand *demand)
{
    struct vhv_migration_obstacle found = obstacle_of(check, values, field, UINT64_C(1) << bit);
    char detail[TEXT_BYTES / 2];

    found.op = demand->op;
    if (demand->request)
        found.origin = demand->request->origin;
    if (demand->op == VHV_MASK_HOST || demand->op == VHV_MASK_RESERVED)
        snprintf(detail, sizeof(detail),
                 "is %" PRIu64 " on %s and %" PRIu64 " on %s, but '%c' wants it the same",
                 found.from, vhv_capture_name(check->from), found.to, vhv_capture_name(check->to),
                 demand->op == VHV_MASK_HOST ? 'h' : 'r');
    else
        snprintf(detail, sizeof(detail), "is %" PRIu64 " on %s, but '%c' wants it to be %d",
                 found.to, vhv_capture_name(check->to), demand->op == VHV_MASK_TRUE ? 't' : 'f',
                 demand->op == VHV_MASK_TRUE);
    tell(check, &found, detail);
}

static bool is_forbidden(const struct values *values, unsigned bit, enum vhv_mask_op op)
{
    uint64_t from = values->from >> bit & 1, to = values->to >> bit & 1;

    switch (op) {
    case VHV_MASK_HOST:
    case VHV_MASK_RESERVED:
        return from != to;
    case VHV_MASK_TRUE:
        return !to;
    case VHV_MASK_FALSE:
        return to;
    default:
        return false;
    }
}

/* Holds both hosts to what masks demand. Returns the bits that are settled by that. */
static uint64_t check_masks(struct check *check, const struct values *values,
                            const struct vhv_field *fields, size_t count)
{
    struct vhv_mask_demand demands[32];
    uint64_t settled = vhv_mask_demands(&values->place, check->vendor, check->options.requests,
                                        check->options.request_count, demands);

    for (size_t i = 0; i < count; i++) {
        /* What a host's table does not tell cannot be held to a mask. */
        uint64_t bits = fields[i].rule == VHV_RULE_UNTOLD ? 0 : settled & fields[i].bits;

        for (; bits; bits &= bits - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(bits);

            if (is_forbidden(values, bit, demands[bit].op))
                tell_forbidden(check, values, &fields[i], bit, &demands[bit]);
        }
    }
    return settled;
}

/* A component of XSAVE's area that the guest cannot turn on. */
static bool is_unused(const struct check *check, const struct vhv_place *place)
{
    uint32_t low, high;

    if (place->leaf != 0xd || place->subleaf < 2)
        return false;
    low =
        vhv_cpuid_get(check->guest, 0xd, 0, VHV_EAX) | vhv_cpuid_get(check->guest, 0xd, 1, VHV_ECX);
    high =
        vhv_cpuid_get(check->guest, 0xd, 0, VHV_EDX) | vhv_cpuid_get(check->guest, 0xd, 1, VHV_EDX);
    return place->subleaf > 63 || !(((uint64_t)high << 32 | low) >> place->subleaf & 1);
}

static void check_register(struct check *check, const struct values *values)
{
    struct vhv_field fields[VHV_FIELDS];
    size_t count = vhv_fields_of(&values->place, fields);
    uint64_t settled = 0;

    if (!values->place.msr && check->options.request_count)
        settled = check_masks(check, values, fields, count);
    if (is_unused(check, &values->place))
        return;
    for (size_t i = 0; i < count; i++)
        check_field(check, values, &fields[i], settled);
}

static void check_cpuid(struct check *check, const struct vhv_cpuid *places)
{
    const struct vhv_cpuid *from = vhv_capture_cpuid(check->from);
    const struct vhv_cpuid *to = vhv_capture_cpuid(check->to);
    const struct vhv_cpuid_entry *at;

    for (size_t i = 0; !check->stop && (at = vhv_cpuid_at(places, i)); i++) {
        for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++) {
            const struct values values = {
                .place = {.leaf = at->leaf, .subleaf = at->subleaf, .reg = reg},
                .guest = vhv_cpuid_get(check->guest, at->leaf, at->subleaf, reg),
                .from = vhv_cpuid_get(from, at->leaf, at->subleaf, reg),
                .to = vhv_cpuid_get(to, at->leaf, at->subleaf, reg),
            };

            check_register(check, &values);
        }
    }
}

static bool knows_vmx(struct check *check, const struct vhv_capture *capture)
{
    struct vhv_migration_obstacle found = {.field = {.msr = VHV_VMX_BASIC, .bits = 64}};
    char detail[TEXT_BYTES / 2];
    size_t count;
    const struct vhv_msr *msrs = vhv_capture_msrs(capture, &count);

    if (vhv_vmx_is_complete(msrs, count))
        return true;
    snprintf(detail, sizeof(detail), "and the other VMX capability MSRs of %s are not known",
             vhv_capture_name(capture));
    tell(check, &found, detail);
    return false;
}

/* KVM makes these itself: from CPUID, and from the controls with TRUE in their name. */
static bool is_made_by_kvm(uint32_t msr, uint64_t basic)
{
    return msr == VHV_VMX_CR0_FIXED1 || msr == VHV_VMX_CR4_FIXED1 ||
           (vhv_vmx_is_made_from_true(msr) && basic >> 55 & 1);
}

static void check_msr(struct check *check, uint32_t msr, uint64_t guest)
{
    size_t from_count, to_count;
    const struct vhv_msr *from = vhv_capture_msrs(check->from, &from_count);
    const struct vhv_msr *to = vhv_capture_msrs(check->to, &to_count);
    struct values values = {.place = {.msr = msr}, .guest = guest};

    values.from = vhv_vmx_get(from, from_count, msr);
    values.to = vhv_vmx_get(to, to_count, msr);
    check_register(check, &values);
}

static void check_msrs(struct check *check)
{
    const struct vhv_migration_options *options = &check->options;
    size_t count = options->msr_count;
    const struct vhv_msr *msrs = options->msrs;
    uint64_t basic;

    if (check->vendor != VHV_VENDOR_INTEL ||
        !vhv_cpuid_has(check->guest, vhv_feature_find("VMX")) || !knows_vmx(check, check->to))
        return;
    if (!count) {
        if (!knows_vmx(check, check->from))
            return;
        msrs = vhv_capture_msrs(check->from, &count);
    }
    basic = vhv_vmx_get(msrs, count, VHV_VMX_BASIC);
    for (size_t i = 0; i < count && !check->stop; i++) {
        uint64_t value = msrs[i].value;

        if (!options->msr_count)
            value =
                vhv_vmx_for_guest(msrs[i].index, value, check->guest, options->hides_nested_paging);
        if (!is_made_by_kvm(msrs[i].index, basic))
            check_msr(check, msrs[i].index, value);
    }
}

static void tell_vendors(struct check *check)
{
    struct vhv_migration_obstacle found = {
        .field = {.reg = VHV_EBX, .bits = 32, .name = "vendor"},
        .guest = vhv_cpuid_get(check->guest, 0, 0, VHV_EBX),
        .from = vhv_cpuid_get(vhv_capture_cpuid(check->from), 0, 0, VHV_EBX),
        .to = vhv_cpuid_get(vhv_capture_cpuid(check->to), 0, 0, VHV_EBX),
    };
    char from[VHV_VENDOR_BYTES], to[VHV_VENDOR_BYTES], detail[TEXT_BYTES];

    vhv_cpuid_vendor_text(vhv_capture_cpuid(check->from), from);
    vhv_cpuid_vendor_text(vhv_capture_cpuid(check->to), to);
    snprintf(detail, sizeof(detail), "is %s on %s, and %s on %s", from,
             vhv_capture_name(check->from), to, vhv_capture_name(check->to));
    tell(check, &found, detail);
}

/* Everything that the guest or a host has. */
static int find_places(const struct check *check, struct vhv_cpuid *places)
{
    int result = vhv_cpuid_add_places(places, check->guest);

    if (result == 0)
        result = vhv_cpuid_add_places(places, vhv_capture_cpuid(check->from));
    if (result == 0)
        result = vhv_cpuid_add_places(places, vhv_capture_cpuid(check->to));
    return result;
}

static int check_all(struct check *check)
{
    struct vhv_cpuid *places;
    int result;

    /* All else follows from this. */
    if (!vhv_cpuid_same_vendor(vhv_capture_cpuid(check->from), vhv_capture_cpuid(check->to))) {
        tell_vendors(check);
        return 0;
    }
    result = vhv_cpuid_new(&places);
    if (result < 0)
        return result;
    result = find_places(check, places);
    if (result == 0) {
        check_cpuid(check, places);
        check_msrs(check);
    }
    vhv_cpuid_free(places);
    return result;
}

static int check_options(const struct vhv_migration_options *options)
{
    struct vhv_capture_parts parts = {0};
    int result = vhv_guest_check_requests(options->requests, options->request_count);

    for (size_t i = 0; i < options->msr_count && result == 0; i++)
        result = vhv_capture_add_msr(&parts, &options->msrs[i]);
    return result;
}

int vhv_migration_check(const struct vhv_cpuid *guest, const struct vhv_capture *from,
                        const struct vhv_capture *to, const struct vhv_migration_options *options,
                        vhv_migration_obstacle_fn obstacle, void *cookie)
{
    struct check check = {
        .guest = guest,
        .from = from,
        .to = to,
        .vendor = vhv_cpuid_vendor(vhv_capture_cpuid(from)),
        .obstacle = obstacle,
        .cookie = cookie,
    };
    int result =
        vhv_options_read(&check.options, sizeof(check.options), options, "vhv_migration_options");

    if (result == 0)
        result = check_options(&check.options);
    if (result == 0)
        result = check_all(&check);
    if (result < 0)
        return result;
    return check.stop ? check.stop : check.count;
}
