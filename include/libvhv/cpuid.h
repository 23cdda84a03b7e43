/* SPDX-License-Identifier: MIT */
/*
 * CPUID tables: a sorted list of leaves and subleaves with their four registers. Pure: no file, no
 * /dev/kvm, no global.
 *
 * A table is what a processor, KVM or a guest answers. How a guest's table is made from masks and
 * settings is in <libvhv/guest_cpuid.h>.
 */
#ifndef LIBVHV_CPUID_H
#define LIBVHV_CPUID_H

#include <libvhv/base.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The four registers that CPUID answers in, in the order of the mask files and of KVM's struct. */
enum vhv_cpuid_reg { VHV_EAX, VHV_EBX, VHV_ECX, VHV_EDX };

enum { VHV_CPUID_REGS = 4 };

/* A table's entries are at most this many: KVM's own limit is 256. */
enum { VHV_CPUID_MAX_ENTRIES = 256 };

enum vhv_vendor { VHV_VENDOR_ANY, VHV_VENDOR_AMD, VHV_VENDOR_INTEL };

/* The answer to one leaf and subleaf. */
struct vhv_cpuid_entry {
    uint32_t leaf;
    uint32_t subleaf;
    bool has_subleaf; /* the answer depends on ECX; else the entry answers every subleaf */
    uint32_t reg[VHV_CPUID_REGS];
};

/* A table. Not locked: one thread at a time, or many that only read. */
struct vhv_cpuid;

/* How vhv_cpuid_print() writes a table. */
enum vhv_cpuid_style {
    VHV_CPUID_RAW,     /* a line an entry: leaf, subleaf, four hexadecimal registers */
    VHV_CPUID_DECODED, /* the same, and below it the names of the features that are set */
    VHV_CPUID_JSON     /* what vhv_cpuid_parse_json() reads */
};

/* A register that differs between two tables. */
struct vhv_cpuid_difference {
    uint32_t leaf;
    uint32_t subleaf;
    enum vhv_cpuid_reg reg;
    uint32_t a;
    uint32_t b;
};

/* Told each difference, in the order of leaves; returns 0 to go on, anything else to stop with that
 * value. */
typedef int (*vhv_cpuid_difference_fn)(const struct vhv_cpuid_difference *difference, void *cookie);

/**
 * vhv_cpuid_new() - make an empty table
 * @ret: the table, on success; free it with vhv_cpuid_free()
 *
 * Return: 0, or a negative errno:
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_cpuid_new(struct vhv_cpuid **ret);

/**
 * vhv_cpuid_copy() - make a table equal to another one
 * @ret: the copy, on success
 * @from: the table to copy
 *
 * Return: 0, or a negative errno:
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_cpuid_copy(struct vhv_cpuid **ret, const struct vhv_cpuid *from);

/**
 * vhv_cpuid_free() - free a table
 * @cpuid: the table; NULL is fine
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_cpuid_free(struct vhv_cpuid *cpuid);

/**
 * vhv_cpuid_read_processor() - ask the processor that this program runs on
 * @ret: the table, on success
 *
 * Executes CPUID on every basic, hypervisor (4000_0000h) and extended leaf that the processor says
 * it has, and on every subleaf of the leaves that have them. What a hypervisor below us shows or
 * hides is in it. Fields that name a processor (APIC ids) are those of the processor that the
 * thread happens to run on.
 *
 * Return: 0, or a negative errno:
 *   -ENOMEM  no memory
 *   -ENOSPC  the processor has more than VHV_CPUID_MAX_ENTRIES leaves and subleaves
 *
 * Thread: any. Stage: any. Since: 0.1.
 * Source: [SDM "CPUID—CPU Identification"], [APM3 "CPUID"].
 */
VHV_API int vhv_cpuid_read_processor(struct vhv_cpuid **ret);

/**
 * vhv_cpuid_count() - number of entries
 * @cpuid: the table
 *
 * Return: 0 to VHV_CPUID_MAX_ENTRIES.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API size_t vhv_cpuid_count(const struct vhv_cpuid *cpuid);

/**
 * vhv_cpuid_at() - the entry at a position
 * @cpuid: the table
 * @index: 0 to vhv_cpuid_count() - 1; entries are sorted by leaf, then subleaf
 *
 * Return: the entry, valid until the table is changed or freed; NULL beyond the last one.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_cpuid_entry *vhv_cpuid_at(const struct vhv_cpuid *cpuid, size_t index);

/**
 * vhv_cpuid_find() - the entry of a leaf and subleaf
 * @cpuid: the table
 * @leaf: EAX
 * @subleaf: ECX; not looked at for a leaf without subleaves
 *
 * Return: the entry, valid until the table is changed or freed; NULL if there is none.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_cpuid_entry *vhv_cpuid_find(const struct vhv_cpuid *cpuid, uint32_t leaf,
                                                     uint32_t subleaf);

/**
 * vhv_cpuid_get() - the value of one register
 * @cpuid: the table
 * @leaf: EAX
 * @subleaf: ECX
 * @reg: the register
 *
 * Return: the register's value; 0 where the table has no such entry, as KVM answers for a leaf that
 * it was not given.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API uint32_t vhv_cpuid_get(const struct vhv_cpuid *cpuid, uint32_t leaf, uint32_t subleaf,
                               enum vhv_cpuid_reg reg);

/**
 * vhv_cpuid_set() - add or replace an entry
 * @cpuid: the table
 * @entry: copied; an entry of the same leaf and subleaf is replaced. An entry without subleaves
 * (has_subleaf false) replaces all entries of its leaf, and one with a subleaf replaces one
 * without.
 *
 * Return: 0, or a negative errno:
 *   -ENOSPC  the table has VHV_CPUID_MAX_ENTRIES entries
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_cpuid_set(struct vhv_cpuid *cpuid, const struct vhv_cpuid_entry *entry);

/**
 * vhv_cpuid_remove() - take an entry out
 * @cpuid: the table
 * @leaf: EAX
 * @subleaf: ECX; not looked at for a leaf without subleaves
 *
 * Return: 1 if there was one, 0 if not.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_cpuid_remove(struct vhv_cpuid *cpuid, uint32_t leaf, uint32_t subleaf);

/**
 * vhv_cpuid_leaf_has_subleaves() - whether the architecture gives a leaf subleaves
 * @leaf: EAX
 *
 * Return: true for leaves 4, 7, Bh, Dh, Fh, 10h, 12h, 14h, 17h, 18h, 1Bh, 1Dh, 1Eh, 1Fh, 20h, 23h,
 * 24h, 8000_001Dh, 8000_0020h and 8000_0026h.
 *
 * Thread: any. Stage: any. Since: 0.1.
 * Source: [SDM "CPUID—CPU Identification"], [APM3 "CPUID"].
 */
VHV_API bool vhv_cpuid_leaf_has_subleaves(uint32_t leaf);

/**
 * vhv_cpuid_vendor() - whose processor a table describes
 * @cpuid: the table
 *
 * Return: by the vendor string of leaf 0: VHV_VENDOR_AMD for AuthenticAMD and HygonGenuine,
 * VHV_VENDOR_INTEL for GenuineIntel and CentaurHauls-compatible "  Shanghai  " and "CentaurHauls"
 * (which have VMX), VHV_VENDOR_ANY otherwise.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API enum vhv_vendor vhv_cpuid_vendor(const struct vhv_cpuid *cpuid);

/**
 * vhv_cpuid_compare() - find the registers in which two tables differ
 * @a: a table
 * @b: another one; an entry that only one of them has compares as zeros
 * @difference: called for each register that differs; NULL only counts
 * @cookie: handed to @difference
 *
 * Return: the number of registers that differ, 0 if equal; or what @difference returned to stop.
 *
 * Thread: any; @difference is called on it. Stage: any. Since: 0.1.
 */
VHV_API int vhv_cpuid_compare(const struct vhv_cpuid *a, const struct vhv_cpuid *b,
                              vhv_cpuid_difference_fn difference, void *cookie);

/**
 * vhv_cpuid_print() - write a table for people or programs
 * @cpuid: the table
 * @stream: where to
 * @style: raw, decoded or JSON
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  @style is none of them
 *   -EIO     the stream has an error
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_cpuid_print(const struct vhv_cpuid *cpuid, FILE *stream,
                            enum vhv_cpuid_style style);

/**
 * vhv_cpuid_parse_json() - read a table that vhv_cpuid_print() wrote
 * @ret: the table, on success
 * @text: JSON: {"cpuid": [{"leaf": "0x7", "subleaf": "0x0", "eax": "0x…", "ebx": …, "ecx": …,
 * "edx": …}, …]}. "subleaf" is left out for a leaf without subleaves; numbers are hexadecimal
 * strings, or JSON integers.
 * @bytes: length of @text
 *
 * Unknown members, missing registers, values that do not fit 32 bits and the same entry twice are
 * errors that name the member's path, such as cpuid[3].ebx.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  not such a table (cause: syntax)
 *   -ENOMEM  no memory
 *   -ENOSPC  more than VHV_CPUID_MAX_ENTRIES entries
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_cpuid_parse_json(struct vhv_cpuid **ret, const char *text, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
