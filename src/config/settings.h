/* SPDX-License-Identifier: MIT */
/* The settings that libvhv knows. */
#ifndef VHV_CONFIG_SETTINGS_H
#define VHV_CONFIG_SETTINGS_H

#include "config/config.h"

/* Where a setting has an effect. */
enum vhv_setting_layer {
    VHV_SETTING_OF_MACHINES = 1,
    VHV_SETTING_OF_POLICIES = 2,
    VHV_SETTING_OF_BOTH = VHV_SETTING_OF_MACHINES | VHV_SETTING_OF_POLICIES
};

/* Whether an item can have this value: a mask, a known setting, or anything else, which can have
 * every value. Returns 0 or -EINVAL. */
int vhv_setting_check(const char *key, const char *value);

/* Whether this is a known name whose values are TRUE and FALSE, or numbers. */
bool vhv_setting_is_boolean(const char *key);
bool vhv_setting_is_number(const char *key);

/* The known names one by one; NULL beyond the last one. */
const char *vhv_setting_name(size_t index);

/* Whether a setting has an effect in this layer; what is none has none to lose. */
bool vhv_setting_is_heeded(const char *key, const struct vhv_config *layer);

/* vhv.allow of a policy. */
struct vhv_cpuid_setting vhv_config_vhv_allow(const struct vhv_config *policy);

/* monitor_control.restrict_backdoor; if that is not set, as the profile of guestOS has it. */
bool vhv_config_restricts_backdoor(const struct vhv_config *config);

/* vmx.allowNested */
struct vhv_cpuid_setting vhv_config_allow_nested(const struct vhv_config *config);

#endif
