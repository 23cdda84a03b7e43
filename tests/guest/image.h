/* SPDX-License-Identifier: MIT */
/* The nested guest's image, for programs that load it at GUEST_LOAD_GPA. */
#ifndef GUEST_IMAGE_H
#define GUEST_IMAGE_H

#include <stddef.h>

#include "protocol.h"

extern const unsigned char guest_image[], guest_image_end[];

static inline size_t guest_image_bytes(void)
{
    return (size_t)(guest_image_end - guest_image);
}

#endif
