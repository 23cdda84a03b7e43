/* SPDX-License-Identifier: MIT */
/* How the readers of captures make one. */
#ifndef VHV_CPUID_CAPTURE_H
#define VHV_CPUID_CAPTURE_H

#include <libvhv/capture.h>

enum { VHV_VMX_MSR_COUNT = VHV_VMX_MSR_LAST - VHV_VMX_MSR_FIRST + 1 };

/* What a capture is made from. */
struct vhv_capture_parts {
    const char *name;        /* NULL: not told */
    struct vhv_cpuid *cpuid; /* NULL: not told */
    struct vhv_msr msrs[VHV_VMX_MSR_COUNT];
    size_t count;
};

/* Adds an MSR. Returns 0, or -EINVAL with a message. */
int vhv_capture_add_msr(struct vhv_capture_parts *parts, const struct vhv_msr *msr);
/* Makes a capture. Takes parts->cpuid, also on failure. */
int vhv_capture_make(struct vhv_capture **ret, const struct vhv_capture_parts *parts);

/* The forms of vhv_capture_parse(): they fill in @parts, whose cpuid is to be freed in any case. */

/* parts->name points into *root, which is to be freed by cJSON_Delete() in any case. */
struct cJSON;
int vhv_capture_parse_json(struct vhv_capture_parts *parts, struct cJSON **root, const char *text,
                           size_t bytes);
int vhv_capture_parse_dump(struct vhv_capture_parts *parts, const char *text, size_t bytes,
                           unsigned cpu);

#endif
