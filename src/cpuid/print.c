/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <libvhv/feature.h>

#include "base/error.h"
#include "cpuid/json.h"
#include "cpuid/registers.h"

/* Source: [KVM documentation "KVM CPUID bits"]. */
enum { KVM_SIGNATURE = 0x40000000, KVM_FEATURES = 0x40000001 };
enum { KVM_SIGNATURE_EBX = 0x4b4d564b, KVM_SIGNATURE_ECX = 0x564b4d56 };

static void print_raw(const struct vhv_cpuid_entry *entry, FILE *stream)
{
    fprintf(stream, "0x%08" PRIx32 " 0x%02" PRIx32 ":", entry->leaf, entry->subleaf);
    for (int reg = 0; reg < VHV_CPUID_REGS; reg++)
        fprintf(stream, " %s=0x%08" PRIx32, vhv_cpuid_registers[reg], entry->reg[reg]);
    fputc('\n', stream);
}

/* Other hypervisors use KVM's leaf for something else. */
static bool has_names(const struct vhv_cpuid *cpuid, uint32_t leaf)
{
    return leaf != KVM_FEATURES ||
           (vhv_cpuid_get(cpuid, KVM_SIGNATURE, 0, VHV_EBX) == KVM_SIGNATURE_EBX &&
            vhv_cpuid_get(cpuid, KVM_SIGNATURE, 0, VHV_ECX) == KVM_SIGNATURE_ECX);
}

static void print_names(const struct vhv_cpuid_entry *entry, enum vhv_cpuid_reg reg,
                        enum vhv_vendor vendor, FILE *stream)
{
    bool is_first = true;

    for (unsigned bit = 0; bit < 32; bit++) {
        const struct vhv_feature *feature;

        if (!(entry->reg[reg] & 1U << bit))
            continue;
        feature = vhv_feature_of_bit(entry->leaf, entry->subleaf, reg, bit, vendor);
        if (!feature)
            continue;
        if (is_first)
            fprintf(stream, "    %s:", vhv_cpuid_registers[reg]);
        fprintf(stream, " %s", feature->name);
        is_first = false;
    }
    if (!is_first)
        fputc('\n', stream);
}

static void print_lines(const struct vhv_cpuid *cpuid, FILE *stream, bool with_names)
{
    enum vhv_vendor vendor = vhv_cpuid_vendor(cpuid);
    const struct vhv_cpuid_entry *entry;

    for (size_t i = 0; (entry = vhv_cpuid_at(cpuid, i)); i++) {
        print_raw(entry, stream);
        if (!with_names || !has_names(cpuid, entry->leaf))
            continue;
        for (enum vhv_cpuid_reg reg = VHV_EAX; reg <= VHV_EDX; reg++)
            print_names(entry, reg, vendor, stream);
    }
}

int vhv_cpuid_print(const struct vhv_cpuid *cpuid, FILE *stream, enum vhv_cpuid_style style)
{
    int result = 0;

    switch (style) {
    case VHV_CPUID_RAW:
    case VHV_CPUID_DECODED:
        print_lines(cpuid, stream, style == VHV_CPUID_DECODED);
        break;
    case VHV_CPUID_JSON:
        result = vhv_cpuid_print_json(cpuid, stream);
        break;
    default:
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "%d is not a style of printing CPUID", style);
    }
    if (result < 0)
        return result;
    if (fflush(stream) || ferror(stream))
        return vhv_fail(EIO, VHV_CAUSE_NONE, "could not write CPUID: the stream has an error");
    return 0;
}
