/* SPDX-License-Identifier: MIT */
/* Names of CPUID's feature bits, as data. */
#ifndef LIBVHV_FEATURE_H
#define LIBVHV_FEATURE_H

#include <libvhv/cpuid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A feature is a bit of a register of a leaf. The structs belong to the library, which may add
 * members at the end. */
struct vhv_feature {
    const char *name; /* as the manuals and the kernel call it: "VMX", "SVM", "NRIPS", "AVX512F" */
    uint32_t leaf;
    uint32_t subleaf;
    enum vhv_cpuid_reg reg;
    uint8_t bit;
    enum vhv_vendor vendor; /* VHV_VENDOR_ANY where both have it or it is not in dispute */
    const char *section;    /* the specification's section, by title */
    /* The first version of VMware's virtual hardware that has it: a lower virtualHW.version takes
     * it away. 0: not known, and taken as every version. */
    uint8_t first_hardware_version;
};

/**
 * vhv_feature_find() - a feature by its name
 * @name: in any case, '-' and '_' taken as one ("vmx", "tsc_deadline")
 *
 * Return: the feature, for the life of the program; NULL if no feature has the name.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_feature *vhv_feature_find(const char *name);

/**
 * vhv_feature_of_bit() - a feature by its place
 * @leaf: EAX
 * @subleaf: ECX; 0 for a leaf without subleaves
 * @reg: the register
 * @bit: 0 to 31
 * @vendor: of the processor, for bits that the vendors use differently; VHV_VENDOR_ANY takes the
 * first
 *
 * Return: the feature, for the life of the program; NULL if the bit has no name here.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_feature *vhv_feature_of_bit(uint32_t leaf, uint32_t subleaf,
                                                     enum vhv_cpuid_reg reg, unsigned bit,
                                                     enum vhv_vendor vendor);

/**
 * vhv_feature_at() - go through all features
 * @index: from 0
 *
 * Return: the feature at that place of the table, sorted by leaf, subleaf, register and bit; NULL
 * beyond the last one.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_feature *vhv_feature_at(size_t index);

/**
 * vhv_cpuid_has() - whether a table has a feature
 * @cpuid: the table
 * @feature: the feature
 *
 * Return: true if its bit is 1.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API bool vhv_cpuid_has(const struct vhv_cpuid *cpuid, const struct vhv_feature *feature);

#ifdef __cplusplus
}
#endif

#endif
