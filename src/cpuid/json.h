/* SPDX-License-Identifier: MIT */
/* CPUID tables in JSON: see vhv_cpuid_parse_json(). */
#ifndef VHV_CPUID_JSON_H
#define VHV_CPUID_JSON_H

#include <libvhv/cpuid.h>

struct cJSON;

/*
 * Writes @cpuid as vhv_cpuid_parse_json() reads it, with a newline at the end. Returns 0, or
 * -ENOMEM with a message; errors of the stream are left to the caller.
 */
int vhv_cpuid_print_json(const struct vhv_cpuid *cpuid, FILE *stream);

/* Adds the table to an object, as its member cpuid. False if there is no memory. */
bool vhv_cpuid_add_json(const struct vhv_cpuid *cpuid, struct cJSON *object);
/* Reads such a member. Returns 0, or a negative errno with a message. */
int vhv_cpuid_from_json(struct vhv_cpuid **ret, const struct cJSON *member);

#endif
