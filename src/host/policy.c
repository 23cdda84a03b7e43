/* SPDX-License-Identifier: MIT */
/* The host's policy: which files it is made of, and reading them. */
#include <stdlib.h>

#include "base/error.h"
#include "config/config.h"
#include "host/paths.h"
#include "host/probe.h"

/* A program with more rights than its caller is not to be told by the caller where to look. NULL if
 * there is no such place. [XDG Base Directory Specification "Environment variables"] */
static const char *find_user_policy(char path[PATH_MAX])
{
    const char *config = secure_getenv("XDG_CONFIG_HOME"), *home = secure_getenv("HOME");
    int length;

    if (config && config[0] == '/')
        length = snprintf(path, PATH_MAX, "%s/libvhv/host.vmx", config);
    else if (home && home[0] == '/')
        length = snprintf(path, PATH_MAX, "%s/.config/libvhv/host.vmx", home);
    else
        return NULL;
    return length < PATH_MAX ? path : NULL;
}

void vhv_host_choose_policy(struct vhv_host_paths *paths, const char *given, char room[PATH_MAX])
{
    if (!given) {
        paths->system_policy = SYSTEM_POLICY;
        paths->user_policy = find_user_policy(room);
    } else if (given[0]) {
        paths->policy = given;
    }
}

/* Puts the policy of a file over @policy. */
static int add_layer(struct vhv_config **policy, const char *path, bool may_be_missing)
{
    struct vhv_config *layer;
    int result = vhv_config_load(&layer, path);

    if (may_be_missing && (result == -ENOENT || result == -ENOTDIR))
        return 0;
    if (result < 0)
        return vhv_fail_within(result, "the host's policy");
    result = vhv_config_set_policy(layer, *policy);
    if (result < 0) {
        vhv_config_free(layer);
        return result;
    }
    vhv_config_free(*policy);
    *policy = layer;
    return 0;
}

int vhv_host_load_policy(struct vhv_config **ret, const struct vhv_host_paths *paths)
{
    struct vhv_config *policy;
    int result = vhv_config_new(&policy);

    if (result < 0)
        return result;
    if (paths->system_policy)
        result = add_layer(&policy, paths->system_policy, true);
    if (result >= 0 && paths->user_policy)
        result = add_layer(&policy, paths->user_policy, true);
    if (result >= 0 && paths->policy)
        result = add_layer(&policy, paths->policy, false);
    if (result < 0) {
        vhv_config_free(policy);
        return result;
    }
    policy->is_policy = true;
    *ret = policy;
    return 0;
}
