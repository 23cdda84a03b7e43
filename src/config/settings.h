/* SPDX-License-Identifier: MIT */
/* The settings that libvhv knows. */
#ifndef VHV_CONFIG_SETTINGS_H
#define VHV_CONFIG_SETTINGS_H

#include "config/config.h"

/* Whether an item can have this value: a mask, a known setting, or anything else, which can have
 * every value. Returns 0 or -EINVAL. */
int vhv_setting_check(const char *key, const char *value);

/* Whether this is a known name whose values are TRUE and FALSE, or numbers. */
bool vhv_setting_is_boolean(const char *key);
bool vhv_setting_is_number(const char *key);

/* The known names one by one; NULL beyond the last one. */
const char *vhv_setting_name(size_t index);

#endif
