/* SPDX-License-Identifier: MIT */
/*
 * Inside of struct vhv_guest_cpuid: the table, and the steps that made it.
 *
 * Each part of the order (guest_defaults.c, guest_topology.c, guest_masks.c) decides bits and
 * records a step for them; the reasons that a program is told are read off the steps
 * (guest_explain.c). The first failure while an object is made or read back is kept in it, and what
 * is decided after that is void: so no step needs a check of its own.
 */
#ifndef VHV_CPUID_GUEST_H
#define VHV_CPUID_GUEST_H

#include <libvhv/guest_cpuid.h>

/* Bits of one register. */
struct vhv_cpuid_field {
    uint32_t leaf;
    uint32_t subleaf;
    enum vhv_cpuid_reg reg;
    uint32_t bits;
};

/* The decision on some bits of one register. */
struct vhv_guest_step {
    struct vhv_cpuid_field field; /* subleaf 0 for a leaf without subleaves */
    uint32_t values;              /* of field.bits; means nothing if not applied */
    enum vhv_cpuid_source source;
    enum vhv_mask_op op; /* of a mask */
    bool applied;
    const struct vhv_origin *origin;        /* NULL: neither a setting nor a mask */
    const struct vhv_origin *overridden_by; /* of a mask that is not applied; may be NULL */
    const char *text;                       /* static */
};

/* Places in the array of origins. Those of the requests come last, in their order. */
enum vhv_guest_origin {
    VHV_ORIGIN_VHV_ENABLE,
    VHV_ORIGIN_HYPERVISOR_V0,
    VHV_ORIGIN_NESTED_PAGING,
    VHV_ORIGIN_REQUESTS
};

struct vhv_guest_finding {
    struct vhv_cpuid_finding found;
    enum vhv_cause cause; /* of an error */
};

struct vhv_guest_cpuid {
    struct vhv_cpuid *processor; /* NULL: not known */
    struct vhv_cpuid *supported;
    struct vhv_cpuid *table;
    enum vhv_vendor vendor;     /* of the host */
    struct vhv_origin *origins; /* by enum vhv_guest_origin */
    struct vhv_guest_step *steps;
    size_t step_count, step_room;
    struct vhv_guest_finding *findings;
    size_t finding_count, finding_room;
    bool hides_hypervisor;
    bool hides_nested_paging;
    bool is_read_back;
    int failure; /* 0, or the first negative errno; its message is set */
};

/* What is known only while the object is made. */
struct vhv_guest_build {
    struct vhv_guest_cpuid *guest;
    struct vhv_guest_cpuid_options options;
    /* What KVM can give to this VM: as supported, with what depends on its local APIC. */
    struct vhv_cpuid *offered;
    struct vhv_guest_target *targets; /* of the requests, sorted; see guest_masks.c */
};

/* guest_step.c */

/* Records @step and, if it is applied, changes the table. */
void vhv_guest_decide(struct vhv_guest_cpuid *guest, const struct vhv_guest_step *step);
/* Records @step alone. */
void vhv_guest_record(struct vhv_guest_cpuid *guest, const struct vhv_guest_step *step);
/* Changes the table alone. A leaf that it lacks is added. */
void vhv_guest_write(struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *field,
                     uint32_t values);
/* Keeps the failure @result, if it is one and the first. */
void vhv_guest_keep_failure(struct vhv_guest_cpuid *guest, int result);
/* "file:line: key", or as much of it as there is. The key is made from @field if there is no
 * origin. */
void vhv_guest_print_origin(char *text, size_t bytes, const struct vhv_origin *origin,
                            const struct vhv_cpuid_field *field);
/*
 * Adds a finding. Of @about, everything but text is filled in; the text becomes "origin bit 5 (VMX)
 * <format>", or "origin <format>" if @names_bit is false.
 */
void vhv_guest_report(struct vhv_guest_cpuid *guest, const struct vhv_guest_finding *about,
                      bool names_bit, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Takes findings back, and frees their texts, until @count are left. */
void vhv_guest_forget_findings(struct vhv_guest_cpuid *guest, size_t count);

/* guest_defaults.c */

/* The bit by which the host's vendor shows virtualized HV; NULL if the vendor is not known. */
const struct vhv_cpuid_field *vhv_guest_vhv_bit(const struct vhv_guest_cpuid *guest);
/* Whether @table has any of the bits. */
bool vhv_cpuid_field_is_set(const struct vhv_cpuid *table, const struct vhv_cpuid_field *field);
/* Gives what belongs to virtualized HV beyond its bit KVM's values, or 0. @why fills in source,
 * origin, op and text. */
void vhv_guest_decide_companions(struct vhv_guest_build *build, bool on,
                                 const struct vhv_guest_step *why);

/* The steps of the order, each after the ones before it. */
void vhv_guest_default_steps(struct vhv_guest_build *build);
void vhv_guest_setting_steps(struct vhv_guest_build *build);

/* guest_topology.c */

void vhv_guest_topology_steps(struct vhv_guest_build *build);

/* guest_fixed.c */

/* A field that keeps its value, whatever masks say. */
struct vhv_guest_fixed {
    struct vhv_cpuid_field field;
    bool any_subleaf;
    enum vhv_cpuid_source source; /* VHV_SOURCE_VCPU or VHV_SOURCE_RUNTIME */
    const char *text;
};

/* The field that the bit belongs to; NULL if masks reach it. */
const struct vhv_guest_fixed *vhv_guest_fixed(uint32_t leaf, uint32_t subleaf,
                                              enum vhv_cpuid_reg reg, uint32_t bit);
/* Bits of a register that are computed while the guest runs. */
uint32_t vhv_guest_runtime_bits(uint32_t leaf, uint32_t subleaf, enum vhv_cpuid_reg reg);
/* Records a step for each field that is computed at run time. */
void vhv_guest_runtime_steps(struct vhv_guest_build *build);

/* guest_masks.c */

void vhv_guest_mask_steps(struct vhv_guest_build *build);
/* Whether a mask decides a bit by @op; '-', 'x' and 'i' leave it to others. */
bool vhv_mask_op_decides(uint8_t op);

#endif
