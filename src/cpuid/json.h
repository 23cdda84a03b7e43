/* SPDX-License-Identifier: MIT */
/* The JSON side of vhv_cpuid_print(). */
#ifndef VHV_CPUID_JSON_H
#define VHV_CPUID_JSON_H

#include <libvhv/cpuid.h>

/*
 * Writes @cpuid as vhv_cpuid_parse_json() reads it, with a newline at the end. Returns 0, or
 * -ENOMEM with a message; errors of the stream are left to the caller.
 */
int vhv_cpuid_print_json(const struct vhv_cpuid *cpuid, FILE *stream);

#endif
