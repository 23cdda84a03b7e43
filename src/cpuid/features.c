/* SPDX-License-Identifier: MIT */
#include <libvhv/feature.h>

/* Sections of the manuals go by their title: numbers change from one edition to the next. */
#define SDM(eax)    "SDM \"CPUID—CPU Identification\", Initial EAX Value " eax
#define APM3(title) "APM3 \"" title "\""
#define KVM(title)  "KVM documentation \"" title "\""

/*
 * Hardware versions are given where VMware tells them: VMX and SVM in "Running Nested VMs", IBRS,
 * IBPB, STIBP, PCID and INVPCID in KB 52085, SSBD in KB 55111, SGX in KB 71367.
 */
#define FEATURE_SINCE(leaf, subleaf, reg, bit, name, vendor, section, hardware_version) \
    {name, leaf, subleaf, VHV_##reg, bit, VHV_VENDOR_##vendor, section, hardware_version},

#define FEATURE(leaf, subleaf, reg, bit, name, vendor, section) \
    FEATURE_SINCE(leaf, subleaf, reg, bit, name, vendor, section, 0)

static const struct vhv_feature features[] = {
#include "cpuid/features_basic.inc"
#include "cpuid/features_extended.inc"
};

enum { FEATURES = sizeof(features) / sizeof(features[0]) };

/* Unlike toupper(), the same in every locale. */
static char normal(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return c == '-' ? '_' : c;
}

static bool is_name(const char *name, const char *wanted)
{
    while (*name && normal(*name) == normal(*wanted)) {
        name++;
        wanted++;
    }
    return *name == *wanted;
}

const struct vhv_feature *vhv_feature_find(const char *name)
{
    for (size_t i = 0; i < FEATURES; i++) {
        if (is_name(features[i].name, name))
            return &features[i];
    }
    return NULL;
}

/* Below, at or above 0 as the feature's bit is before, at or behind the place. */
static int compare_place(const struct vhv_feature *feature, uint32_t leaf, uint32_t subleaf,
                         enum vhv_cpuid_reg reg, unsigned bit)
{
    if (feature->leaf != leaf)
        return feature->leaf < leaf ? -1 : 1;
    if (feature->subleaf != subleaf)
        return feature->subleaf < subleaf ? -1 : 1;
    if (feature->reg != reg)
        return feature->reg < reg ? -1 : 1;
    return feature->bit < bit ? -1 : feature->bit > bit;
}

const struct vhv_feature *vhv_feature_of_bit(uint32_t leaf, uint32_t subleaf,
                                             enum vhv_cpuid_reg reg, unsigned bit,
                                             enum vhv_vendor vendor)
{
    const struct vhv_feature *first = NULL;
    size_t low = 0, high = FEATURES;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_place(&features[middle], leaf, subleaf, reg, bit) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < FEATURES && !compare_place(&features[low], leaf, subleaf, reg, bit); low++) {
        if (features[low].vendor == vendor)
            return &features[low];
        if (!first)
            first = &features[low];
    }
    return first;
}

const struct vhv_feature *vhv_feature_at(size_t index)
{
    return index < FEATURES ? &features[index] : NULL;
}

bool vhv_cpuid_has(const struct vhv_cpuid *cpuid, const struct vhv_feature *feature)
{
    return vhv_cpuid_get(cpuid, feature->leaf, feature->subleaf, feature->reg) >> feature->bit & 1;
}
