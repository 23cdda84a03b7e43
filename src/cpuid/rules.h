/* SPDX-License-Identifier: MIT */
/*
 * How the fields of CPUID and of the VMX capability MSRs compare between hosts: what many hosts
 * have in common, and what a guest of one can be given by another.
 */
#ifndef VHV_CPUID_RULES_H
#define VHV_CPUID_RULES_H

#include <libvhv/capture.h>

enum vhv_rule {
    VHV_RULE_FEATURE,      /* each bit of its own: can be given where the host has 1 */
    VHV_RULE_DEFICIT,      /* each bit of its own: 1 says what is lacking, or must be */
    VHV_RULE_LEAST,        /* a number: a host can give less than it has */
    VHV_RULE_LEAST_SET,    /* a number, of which 0 tells nothing */
    VHV_RULE_MOST,         /* a number: a host can give more than it has */
    VHV_RULE_SAME,         /* cannot be given but as it is */
    VHV_RULE_SAME_OR_NONE, /* the same, and 0 is to do without what it is about */
    VHV_RULE_IMPLIED,      /* a number that follows from other fields */
    VHV_RULE_HOST,         /* tells which processor it is, and is left to the host */
    VHV_RULE_OWN,          /* is by the guest's vCPUs, or of no use to a guest */
    VHV_RULE_UNTOLD        /* is computed while the guest runs, or not told by KVM's table */
};

/* A register of CPUID, or an MSR. */
struct vhv_place {
    uint32_t msr; /* 0: of CPUID */
    uint32_t leaf;
    uint32_t subleaf;
    enum vhv_cpuid_reg reg;
};

struct vhv_field {
    uint64_t bits;
    enum vhv_rule rule;
    const char *name; /* NULL: none, or that of a feature */
};

/* No register has more. */
enum { VHV_FIELDS = 12 };

/* Room for vhv_field_format_value(). */
enum { VHV_VALUE_BYTES = 24 };

/* Every field of a register: together they are all of its bits. Returns their number. */
size_t vhv_fields_of(const struct vhv_place *place, struct vhv_field fields[VHV_FIELDS]);

/* Whether the bits of a field are to be looked at one by one. */
bool vhv_rule_is_bitwise(enum vhv_rule rule);

/* What can be given on both a host that has @a and one that has @b; bits out of place are 0. */
uint64_t vhv_rule_join(enum vhv_rule rule, uint64_t a, uint64_t b);

/*
 * Whether a guest that was told @guest is served by a host that has @host; for a rule whose bits
 * are looked at one by one, these are 0 or one bit.
 */
bool vhv_rule_allows(enum vhv_rule rule, uint64_t guest, uint64_t host);

/* Adds a table's leaves and subleaves to those of @places, where all have a subleaf, if only 0, and
 * no values. Returns 0, or -ENOSPC with a message. */
int vhv_cpuid_add_places(struct vhv_cpuid *places, const struct vhv_cpuid *table);

/* Writes a field's value as people read it: small numbers in decimal. */
void vhv_field_format_value(uint64_t value, char text[VHV_VALUE_BYTES]);

/* A public field, of those bits, with the name that they have for @vendor. */
struct vhv_capture_field vhv_field_make(const struct vhv_place *place,
                                        const struct vhv_field *field, uint64_t bits,
                                        enum vhv_vendor vendor);

#endif
