/* SPDX-License-Identifier: MIT */
/*
 * Inside of struct vhv_baseline, and how it is made: register by register, over all hosts.
 *
 * The first failure is kept, and what is recorded after it is void: so no step needs a check of its
 * own.
 */
#ifndef VHV_CPUID_BASELINE_H
#define VHV_CPUID_BASELINE_H

#include <libvhv/baseline.h>

#include "cpuid/capture.h"
#include "cpuid/rules.h"

/* What a mask has to say of a register. */
struct vhv_baseline_mask {
    struct vhv_place place;
    uint32_t hide;
    uint32_t force;
};

/* A list of hosts has up to four names, which are cut at 80 bytes. */
enum { VHV_HOST_LIST_BYTES = 400 };

struct vhv_baseline {
    struct vhv_capture *capture;
    struct vhv_baseline_nesting nesting;
    char because[VHV_ERROR_MESSAGE_BYTES];
    char hosts[VHV_HOST_LIST_BYTES]; /* all of them, for people */
    size_t host_count;
    struct vhv_baseline_difference *differences;
    size_t difference_count, difference_room;
    struct vhv_baseline_mask *masks; /* by place */
    size_t mask_count, mask_room;
    int failure; /* 0, or the first negative errno; its message is set */
};

/* A register on all hosts, while it is looked at. */
struct vhv_join {
    struct vhv_baseline *baseline;
    const struct vhv_capture *const *captures;
    size_t count;
    enum vhv_vendor vendor;
    struct vhv_place place;
    uint64_t *values;   /* by host; 0 where it lacks the register */
    bool is_everywhere; /* no host lacks the register */
    bool is_quiet;      /* another register tells the differences */
};

/* Chooses hosts by their value of the register. */
struct vhv_host_choice {
    uint64_t bits;
    uint64_t value; /* of those bits */
    bool is_other;  /* the hosts that have something else */
};

/* baseline_join.c */

/* What all hosts can give of the register; tells the differences, and what masks have to say. */
uint64_t vhv_join_register(struct vhv_join *join);
/* Loads the hosts' values of an MSR. */
void vhv_join_load_msr(struct vhv_join *join, uint32_t msr);

/* baseline_difference.c */

/* Makes room for one more in an array of @bytes each. NULL with the failure kept. */
void *vhv_baseline_grow(struct vhv_baseline *baseline, void *array, size_t count, size_t *room,
                        size_t bytes);
/* Writes "esx1, esx2 and 7 more". */
void vhv_join_list(const struct vhv_join *join, const struct vhv_host_choice *choice,
                   char text[VHV_HOST_LIST_BYTES]);
/* Records that the hosts differ in some bits of a field, of which the baseline has @value. */
void vhv_join_report(struct vhv_join *join, const struct vhv_field *field, uint64_t bits,
                     uint64_t value);
/* Records that a bit of the register must be 1 on some hosts and cannot be on others: those that
 * have 0 at @may_bit of @may_msr. */
void vhv_join_report_impossible(struct vhv_join *join, unsigned bit, uint32_t may_msr,
                                unsigned may_bit);

/* baseline_nesting.c */

/* Joins the VMX capability MSRs into parts, if they are known and of use; gives the verdict. */
void vhv_join_nesting(struct vhv_join *join, struct vhv_capture_parts *parts);

#endif
