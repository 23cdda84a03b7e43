/* SPDX-License-Identifier: MIT */
/* The items that are masks, cpuid.* lines. */
#ifndef VHV_CONFIG_MASKS_H
#define VHV_CONFIG_MASKS_H

#include "config/config.h"

/* Whether a name is a mask's key, well formed or not: other names begin with "cpuid.", too, such as
 * cpuid.coresPerSocket. */
bool vhv_is_mask_key(const char *key);

/* Makes room for @count masks. Returns 0 or -ENOMEM. */
int vhv_masks_reserve(struct vhv_config *config, size_t count);

/* Makes room for the masks in the dictionary and collects them. Returns 0 or -ENOMEM. */
int vhv_masks_index(struct vhv_config *config);

/* Collects the masks anew after the dictionary has changed; needs room for each of them. */
void vhv_masks_collect(struct vhv_config *config);

#endif
