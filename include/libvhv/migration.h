/* SPDX-License-Identifier: MIT */
/*
 * Migration: whether a VM that was saved on one host may run on another one. Pure: works on
 * captures and on what is known of the VM.
 */
#ifndef LIBVHV_MIGRATION_H
#define LIBVHV_MIGRATION_H

#include <libvhv/capture.h>
#include <libvhv/guest_cpuid.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vhv_migration_options {
    size_t size; /* sizeof(struct vhv_migration_options) */
    /* The VM's masks; of two with the same key the later one wins. */
    const struct vhv_cpuid_request *requests;
    size_t request_count;
    /* The guest's VMX capability MSRs; none: as a VM's power-on on the first host leaves them. */
    const struct vhv_msr *msrs;
    size_t msr_count;
    /* The VM has vhv.nestedPaging = FALSE; not looked at if there are @msrs. */
    bool hides_nested_paging;
};

/* Something that keeps a VM from the other host. Strings live for the time of the call. */
struct vhv_migration_obstacle {
    struct vhv_capture_field field;
    enum vhv_mask_op op;      /* 'h', 'r', 't' or 'f' of the mask that demands it; else '-' */
    struct vhv_origin origin; /* of that mask; else all zero */
    uint64_t guest;           /* the field's value that the guest reads */
    uint64_t from;            /* what the host can give that it was saved on */
    uint64_t to;              /* what the other host can give */
    const char *text;         /* the whole of it, with the hosts' names */
};

/* Told each obstacle, in the order of leaves, then MSRs; returns 0 to go on, anything else to stop
 * with that value. */
typedef int (*vhv_migration_obstacle_fn)(const struct vhv_migration_obstacle *obstacle,
                                         void *cookie);

/**
 * vhv_migration_check() - whether a VM may go from one host to another
 * @guest: what the VM's guest reads, such as vhv_guest_cpuid_table() of any of its vCPUs
 * @from: the host that it was started on
 * @to: the host that it is to run on
 * @options: NULL = defaults
 * @obstacle: called for each; NULL only counts
 * @cookie: handed to @obstacle
 *
 * A bit is held to the most specific mask that does not leave it alone. `h` and `r`: both hosts
 * have the same. `t`: @to has 1. `f`: @to has 0. `x`: it is not compared. Where there is no such
 * mask, or `0` or `1`, what the guest reads can be had on @to: a feature that is 1 is there, a
 * number is no less, what it reads as not lacking is not lacking. What @from does not offer
 * either, as a bit that a mask forces, is not lost by going. What tells which processor it is
 * stays with the guest and is not compared unless a mask demands it; vCPUs' ids and what is
 * computed while the guest runs are not compared at all.
 *
 * If the guest has VMX, its capability MSRs are compared by the rules that KVM applies when it
 * restores them; but for the FIXED1 ones, which KVM makes from CPUID.
 *
 * Return: the number of obstacles, 0 if the VM may go; what @obstacle returned to stop; or a
 * negative errno:
 *   -EINVAL  the options are malformed
 *   -ENOMEM  no memory
 *   -ENOSPC  tables and masks together name more than VHV_CPUID_MAX_ENTRIES leaves and subleaves
 *
 * Thread: any; @obstacle is called on it. Stage: any. Since: 0.1.
 * Source: [SDM "VMX Capability Reporting Facility"], [KVM-API KVM_SET_MSRS].
 */
VHV_API int vhv_migration_check(const struct vhv_cpuid *guest, const struct vhv_capture *from,
                                const struct vhv_capture *to,
                                const struct vhv_migration_options *options,
                                vhv_migration_obstacle_fn obstacle, void *cookie);

#ifdef __cplusplus
}
#endif

#endif
