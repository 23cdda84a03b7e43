/* SPDX-License-Identifier: MIT */
#ifndef VHV_CPUID_VENDOR_H
#define VHV_CPUID_VENDOR_H

#include <libvhv/cpuid.h>

/* A vendor's text and a NUL. */
enum { VHV_VENDOR_BYTES = 13 };

/* Whether two tables have the same vendor's text. */
bool vhv_cpuid_same_vendor(const struct vhv_cpuid *a, const struct vhv_cpuid *b);

/* The text, such as "GenuineIntel"; what cannot be printed is '?'. */
void vhv_cpuid_vendor_text(const struct vhv_cpuid *cpuid, char text[VHV_VENDOR_BYTES]);

#endif
