/* SPDX-License-Identifier: MIT */
/*
 * Baselines: what many hosts have in common, so that a VM that is given no more may move between
 * all of them. Pure: works on captures.
 */
#ifndef LIBVHV_BASELINE_H
#define LIBVHV_BASELINE_H

#include <libvhv/capture.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a field in which the hosts differ. */
enum vhv_baseline_change {
    VHV_BASELINE_LOST,     /* some hosts do not have it, or have less of it */
    VHV_BASELINE_REQUIRED, /* some hosts cannot do without it, or need more of it */
    VHV_BASELINE_CONFLICT, /* no value suits all hosts */
    VHV_BASELINE_IDENTITY  /* tells which processor it is: left to each host */
};

/* A field in which the hosts differ. It lives as long as the baseline. */
struct vhv_baseline_difference {
    enum vhv_baseline_change change;
    struct vhv_capture_field field;
    uint64_t value; /* the field's in the baseline; means nothing for a conflict or identity */
    /* The hosts that are the cause, as places in the array of captures: those that have the value.
     * Of a control that some need and others lack, those that need it; of other conflicts and of an
     * identity, those that are not as the first host. */
    const size_t *hosts;
    size_t host_count;
    const char *text; /* the whole of it in words, with the hosts' names */
};

/* What the hosts can have in common for guests that are hypervisors. It lives as long as the
 * baseline. */
struct vhv_baseline_nesting {
    enum vhv_answer vhv;    /* virtualized HV; unknown if VMX capability MSRs are */
    enum vhv_answer paging; /* nested paging with it: NPT or EPT */
    const char *because;    /* what is in the way or not known, as a clause; "" if nothing is */
};

/* A baseline. Immutable: any number of threads may read it. */
struct vhv_baseline;

/**
 * vhv_baseline_new() - find what hosts have in common
 * @ret: the baseline, on success; free it with vhv_baseline_free()
 * @captures: the hosts, of one vendor; not needed any more when the call returns
 * @count: their number, from 1
 *
 * Of features the baseline has those that all hosts have; of the highest leaf, of ASIDs, address
 * bits, counters and other numbers the least; of what says that something is lacking (such as
 * ZERO_FCS_FDS) that which any host says. Of VMX capability MSRs, controls that may be 1 are those
 * that may be on all hosts, controls that must be 1 those that must be on any, and every other
 * field has the rule that KVM applies when an MSR is set. What tells which processor it is, such as
 * family, brand and caches, is left to the host.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  no captures, or processors of several vendors; the message names the hosts
 *   -ENOMEM  no memory
 *   -ENOSPC  the hosts together have more than VHV_CPUID_MAX_ENTRIES leaves and subleaves
 *
 * Thread: any. Stage: any. Since: 0.1.
 * Source: [SDM "VMX Capability Reporting Facility"], [SDM "CPUID—CPU Identification"], [APM3
 * "CPUID"].
 */
VHV_API int vhv_baseline_new(struct vhv_baseline **ret, const struct vhv_capture *const *captures,
                             size_t count);

/**
 * vhv_baseline_free() - free a baseline
 * @baseline: the baseline; NULL is fine
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_baseline_free(struct vhv_baseline *baseline);

/**
 * vhv_baseline_capture() - the baseline as if it were a host
 * @baseline: the baseline
 *
 * Leaves that not all hosts have are left out; so are the VMX capability MSRs unless all hosts have
 * VMX, their MSRs are known, and there is no conflict in them. What is left to the host is as on
 * the first one.
 *
 * Return: a capture, to be printed, compared, or made the host of a guest's CPUID; valid as long as
 * @baseline.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_capture *vhv_baseline_capture(const struct vhv_baseline *baseline);

/**
 * vhv_baseline_difference() - go through the fields in which the hosts differ
 * @baseline: the baseline
 * @index: from 0, in the order of leaves, then MSRs
 *
 * Return: the difference, valid as long as @baseline; NULL beyond the last one.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_baseline_difference *vhv_baseline_difference(
    const struct vhv_baseline *baseline, size_t index);

/**
 * vhv_baseline_nesting() - whether virtualized HV survives
 * @baseline: the baseline
 *
 * Return: the answer, valid as long as @baseline.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_baseline_nesting *vhv_baseline_nesting(
    const struct vhv_baseline *baseline);

/**
 * vhv_baseline_print_masks() - write masks that turn each of the hosts into the baseline
 * @baseline: the baseline
 * @stream: receives lines of a .vmx file
 * @vhv: for VMs with vhv.enable: masks on what an SVM guest reads of nesting, too, and
 * vhv.nestedPaging if the hosts cannot all offer that. Without virtualized HV a VM reads none of it
 *
 * There is a mask for each register in which a host has something else than the baseline: `0` for
 * what the baseline lacks, the exact bits of a number that is not the same everywhere, `-` for the
 * rest. Masks do not reach the VMX capability MSRs: where these differ, a comment says so.
 *
 * Return: 0, or a negative errno:
 *   -EIO  the stream has an error
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_baseline_print_masks(const struct vhv_baseline *baseline, FILE *stream, bool vhv);

#ifdef __cplusplus
}
#endif

#endif
