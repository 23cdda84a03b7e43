/* SPDX-License-Identifier: MIT */
/*
 * Inside of struct vhv_guest_cpuid: the table, and the steps that made it.
 *
 * Each part of the order decides bits and records a step for them; the reasons that a program is
 * told are read off the steps (guest_explain.c). The first failure while an object is made or read
 * back is kept in it, and what is decided after that is void: so no step needs a check of its own.
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
    VHV_ORIGIN_HARDWARE_VERSION,
    VHV_ORIGIN_VHV_ALLOW,
    VHV_ORIGIN_GUEST_OS,
    VHV_ORIGIN_CORES_PER_SOCKET,
    VHV_ORIGIN_BRAND_STRING,
    VHV_ORIGIN_VPMC_ENABLE,
    VHV_ORIGIN_HYPERVISOR_VENDOR,
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
    bool policy_refuses_vhv;
    bool is_read_back;
    bool is_measured;
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

/*
 * The steps of the order, each after the ones before it. Once there is a failure the rest are not
 * taken: they may count on build->offered.
 */
void vhv_guest_offer_steps(struct vhv_guest_build *build);
void vhv_guest_hardware_steps(struct vhv_guest_build *build);
void vhv_guest_default_steps(struct vhv_guest_build *build);
void vhv_guest_profile_steps(struct vhv_guest_build *build);
void vhv_guest_setting_steps(struct vhv_guest_build *build);
void vhv_guest_topology_steps(struct vhv_guest_build *build);
void vhv_guest_mask_steps(struct vhv_guest_build *build);
/* Records a step for each field that is computed at run time. */
void vhv_guest_runtime_steps(struct vhv_guest_build *build);
/* Reports what forbids virtualized HV, if that is on. */
void vhv_guest_gate_steps(struct vhv_guest_build *build);

/* guest.c */

/* As vhv_guest_cpuid_check(), for findings alone that a program cannot choose to disregard: the
 * policy's. */
int vhv_guest_check_policy(const struct vhv_guest_cpuid *guest);

/* guest.c */

/* Whether the masks that a program gives are such. Returns 0, or -EINVAL with a message. */
int vhv_guest_check_requests(const struct vhv_cpuid_request *requests, size_t count);

/* guest_step.c */

/* Whether @table has any of the bits. */
bool vhv_cpuid_field_is_set(const struct vhv_cpuid *table, const struct vhv_cpuid_field *field);
/* Records @step and, if it is applied, changes the table. */
void vhv_guest_decide(struct vhv_guest_cpuid *guest, const struct vhv_guest_step *step);
/* Decides bits of a leaf that the table has; a leaf that it has not stays absent. @why fills in
 * what field and values do not say. */
void vhv_guest_decide_present(struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *field,
                              uint32_t values, const struct vhv_guest_step *why);
/* Records @step alone. */
void vhv_guest_record(struct vhv_guest_cpuid *guest, const struct vhv_guest_step *step);
/* Changes the table alone. A leaf that it lacks is added. */
void vhv_guest_write(struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *field,
                     uint32_t values);
/* The last one of the first @count steps that decided the bit; NULL: it is as KVM supports it. */
const struct vhv_guest_step *vhv_guest_decider(const struct vhv_guest_cpuid *guest, size_t count,
                                               const struct vhv_cpuid_field *bit);
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

void vhv_guest_set_default(struct vhv_guest_cpuid *guest, const struct vhv_cpuid_field *field,
                           bool on, const char *text);

/* guest_vhv.c */

/* The bit by which the host's vendor shows virtualized HV; NULL if the vendor is not known. */
const struct vhv_cpuid_field *vhv_guest_vhv_bit(const struct vhv_guest_cpuid *guest);
/* Whether KVM can give it to this VM. */
bool vhv_guest_vhv_is_offered(const struct vhv_guest_build *build);
/* Turns all of it on, with KVM's values, or off; if @why is not applied, records the bit alone. */
void vhv_guest_decide_vhv(struct vhv_guest_build *build, bool on, const struct vhv_guest_step *why);
/* The same for what belongs to it beyond its bit. */
void vhv_guest_decide_companions(struct vhv_guest_build *build, bool on,
                                 const struct vhv_guest_step *why);
/* A finding on its bit, with VHV_CAUSE_CANNOT_NEST; to be completed. */
struct vhv_guest_finding vhv_guest_about_vhv(const struct vhv_guest_cpuid *guest);
void vhv_guest_report_not_offered(struct vhv_guest_build *build, enum vhv_guest_origin asked_by,
                                  bool is_error);
void vhv_guest_default_vhv(struct vhv_guest_build *build);
void vhv_guest_withhold_nested_paging(struct vhv_guest_build *build);
void vhv_guest_set_vhv_enable(struct vhv_guest_build *build);
void vhv_guest_set_nested_paging(struct vhv_guest_build *build);

/* guest_brand.c */

void vhv_guest_default_brand(struct vhv_guest_build *build);

/* guest_frequency.c */

void vhv_guest_default_frequency(struct vhv_guest_build *build);
void vhv_guest_set_brand(struct vhv_guest_build *build);

/* guest_counters.c */

void vhv_guest_set_vpmc_enable(struct vhv_guest_build *build);

/* guest_hypervisor.c */

void vhv_guest_default_hypervisor(struct vhv_guest_build *build);
/* Its bit and its leaves. @why fills in all but field and values. */
void vhv_guest_hide_hypervisor(struct vhv_guest_build *build, const struct vhv_guest_step *why);
void vhv_guest_set_hypervisor_v0(struct vhv_guest_build *build);
/* All leaves of the range that hypervisors have. @why fills in all but field and values. */
void vhv_guest_remove_hypervisor_leaves(struct vhv_guest_cpuid *guest,
                                        const struct vhv_guest_step *why);

/* guest_vendor.c */

void vhv_guest_set_hypervisor_vendor(struct vhv_guest_build *build);

/* guest_topology.c */

/* The id of a VM's vCPU number @index, from 0. @cores_per_socket may be 0. */
uint32_t vhv_guest_vcpu_id(uint32_t index, uint32_t cores_per_socket);

/* guest_gates.c */

/* Reports that the policy refuses virtualized HV; @how the guest comes to it goes in brackets. */
void vhv_guest_report_policy(struct vhv_guest_cpuid *guest, const char *how);

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

/* guest_masks.c */

/* Whether a mask decides a bit by @op; '-', 'x' and 'i' leave it to others. */
bool vhv_mask_op_decides(uint8_t op);

#endif
