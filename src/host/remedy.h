/* SPDX-License-Identifier: MIT */
/* The words of a verdict. */
#ifndef VHV_HOST_REMEDY_H
#define VHV_HOST_REMEDY_H

#include <libvhv/host.h>

/* Writes @text with its names in braces, such as {module}, replaced by what the facts say. */
void vhv_host_expand(char *ret, size_t bytes, const char *text, const struct vhv_host_facts *facts);

#endif
