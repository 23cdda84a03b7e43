/* SPDX-License-Identifier: MIT */
/* What there is to say of a guest's CPUID beside what it is. */
#include <inttypes.h>
#include <string.h>

#include "vhv-cpuid.h"

/* "5 (AVX2), 13, 16 (AVX512F)" */
static void print_bits(const struct place *where, uint32_t bits, enum vhv_vendor vendor)
{
    const char *separator = "";

    for (unsigned bit = 0; bit < 32; bit++) {
        const struct vhv_feature *feature;

        if (!(bits >> bit & 1))
            continue;
        fprintf(stderr, "%s%u", separator, bit);
        feature = vhv_feature_of_bit(where->leaf, where->subleaf, where->reg, bit, vendor);
        if (feature)
            fprintf(stderr, " (%s)", feature->name);
        separator = ", ";
    }
    fputc('\n', stderr);
}

static bool is_same_origin(const struct vhv_origin *a, const struct vhv_origin *b)
{
    /* A configuration has a key once. */
    return a->key && b->key ? strcmp(a->key, b->key) == 0 : a->key == b->key;
}

static bool is_same_of_another_bit(const struct vhv_cpuid_finding *a,
                                   const struct vhv_cpuid_finding *b)
{
    return a->is_error == b->is_error && a->leaf == b->leaf && a->subleaf == b->subleaf &&
           a->reg == b->reg && is_same_origin(&a->origin, &b->origin) &&
           strcmp(a->detail, b->detail) == 0;
}

int tell_findings(const struct subject *subject)
{
    const struct vhv_cpuid_finding *found, *next;
    int status = FINE;

    for (size_t i = 0; (found = vhv_guest_cpuid_finding(subject->guest, i));) {
        const struct place where = {found->leaf, found->subleaf, found->reg, found->bit};
        uint32_t more = 0;

        while ((next = vhv_guest_cpuid_finding(subject->guest, ++i)) &&
               is_same_of_another_bit(found, next))
            more |= 1u << next->bit;
        fprintf(stderr, "vhv-cpuid: %s: %s%s", found->is_error ? "error" : "warning", found->text,
                more ? "; likewise " : "\n");
        if (more)
            print_bits(&where, more, vhv_cpuid_vendor(subject->supported));
        if (found->is_error)
            status = NOT_SO;
    }
    return status;
}

void print_origin(FILE *stream, const struct vhv_origin *origin)
{
    if (origin->file && origin->line)
        fprintf(stream, "%s:%u: ", origin->file, origin->line);
    else if (origin->file)
        fprintf(stream, "%s: ", origin->file);
    fputs(origin->key, stream);
}

static int tell_warning(const struct vhv_config_warning *warning, void *cookie)
{
    const struct subject *subject = cookie;
    const struct vhv_cpuid_finding *found;

    for (size_t i = 0; (found = vhv_guest_cpuid_finding(subject->guest, i)); i++) {
        if (is_same_origin(&found->origin, &warning->origin))
            return 0; /* told with what it comes to on this host */
    }
    fputs("vhv-cpuid: warning: ", stderr);
    print_origin(stderr, &warning->origin);
    fprintf(stderr, ": %s: %s; %s\n", warning->what, warning->why, warning->remedy);
    return 0;
}

void tell_warnings(const struct subject *subject)
{
    vhv_config_lint(subject->config, tell_warning, (void *)subject);
}

static int find_read_back(const struct vhv_cpuid_reason *reason, void *cookie)
{
    bool *is_read_back = cookie;

    *is_read_back |= reason->source == VHV_SOURCE_READBACK;
    return 0;
}

/* Bits of a register that KVM gives otherwise than they were set. */
static uint32_t changed_bits(const struct vhv_guest_cpuid *guest, const struct place *where)
{
    uint32_t changed = 0;

    for (unsigned bit = 0; bit < 32; bit++) {
        bool is_read_back = false;

        vhv_guest_cpuid_explain(guest, where->leaf, where->subleaf, where->reg, bit, find_read_back,
                                &is_read_back);
        if (is_read_back)
            changed |= 1u << bit;
    }
    return changed;
}

void tell_read_back(const struct subject *subject)
{
    const struct vhv_cpuid *table = vhv_guest_cpuid_table(subject->guest);
    const struct vhv_cpuid_entry *entry;

    for (size_t i = 0; subject->vm && (entry = vhv_cpuid_at(table, i)); i++) {
        for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++) {
            const struct place where = {entry->leaf, entry->subleaf, reg, 0};
            uint32_t changed = changed_bits(subject->guest, &where);

            if (!changed)
                continue;
            fprintf(stderr, "vhv-cpuid: note: KVM changed %" PRIx32, where.leaf);
            if (entry->has_subleaf)
                fprintf(stderr, ".%" PRIx32, where.subleaf);
            fprintf(stderr, ".%s in bits ", register_names[reg]);
            print_bits(&where, changed, vhv_cpuid_vendor(subject->supported));
        }
    }
}
