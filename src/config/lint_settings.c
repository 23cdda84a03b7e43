/* SPDX-License-Identifier: MIT */
/* What is legal and probably not meant: settings that have no effect, or contradict each other. */
#include <libvhv/feature.h>
#include <stdio.h>

#include "config/lint.h"
#include "config/settings.h"
#include "cpuid/profiles.h"

/* Whether virtualized HV can come of it, on a host of either vendor. */
static bool asks_for_vhv(const struct vhv_guest_cpuid_options *options)
{
    const struct vhv_feature *const bits[] = {vhv_feature_find("VMX"), vhv_feature_find("SVM")};
    const struct vhv_profile *profile =
        options->guest_os.value ? vhv_profile_find(options->guest_os.value) : NULL;

    for (size_t i = 0; i < 2 * options->request_count; i++) {
        const struct vhv_cpuid_request *request = &options->requests[i / 2];
        const struct vhv_feature *bit = bits[i % 2];
        uint8_t op = request->mask.op[bit->bit];

        if (request->key.leaf == bit->leaf && request->key.reg == bit->reg &&
            (op == VHV_MASK_FORCE || op == VHV_MASK_HOST || op == VHV_MASK_TRUE))
            return true;
    }
    if (options->vhv_enable.value != VHV_SETTING_UNSET)
        return options->vhv_enable.value == VHV_SETTING_TRUE;
    return profile && profile->vhv_on &&
           options->hardware_version.value == VHV_PROFILE_HARDWARE_VERSION;
}

static int lint_hardware_version(struct vhv_lint *lint)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    const struct vhv_cpuid_number *version = &options.hardware_version;

    vhv_config_cpuid(lint->config, &options);
    /* A policy's may be overridden. */
    if (version->origin.key != lint->line->key || version->value > 8 || !asks_for_vhv(&options))
        return 0;
    if (version->value == 8)
        return vhv_lint_warn(
            lint, "virtualized HV on hardware version 8",
            "VMware's products other than those that brought it (ESXi 5.0, Workstation 8, Player "
            "4, Fusion 4) support it from version 9 on: the machine is not portable",
            "write virtualHW.version = \"9\" and vhv.enable = \"TRUE\"");
    return vhv_lint_warn(lint, "virtualized HV on a hardware version that does not have it",
                         "the machine is refused at power-on",
                         "write virtualHW.version = \"9\", or do without virtualized HV");
}

static int lint_guest_os(struct vhv_lint *lint)
{
    if (vhv_profile_find(lint->line->value))
        return 0;
    return vhv_lint_warn(lint, "no profile has this name",
                         "the guest is taken as one of which nothing is known",
                         "write other-64, or one of the names in vhv.vmx(5)");
}

static int lint_cores_per_socket(struct vhv_lint *lint)
{
    struct vhv_guest_cpuid_options options = {.size = sizeof(options)};
    unsigned vcpus = vhv_config_vcpus(lint->config);
    char what[80];

    vhv_config_cpuid(lint->config, &options);
    if (vcpus % options.cores_per_socket.value == 0)
        return 0;
    snprintf(what, sizeof(what), "%u vCPUs do not fill sockets of %u cores", vcpus,
             options.cores_per_socket.value);
    return vhv_lint_warn(lint, what, "the machine is refused at power-on",
                         "write a number that divides numvcpus");
}

static int lint_hotadd(struct vhv_lint *lint)
{
    if (vhv_key_compare(lint->line->value, "true") != 0)
        return 0;
    return vhv_lint_warn(lint, "vCPUs cannot be added to a machine that runs",
                         "there is no hot-add, whatever this says", "write FALSE");
}

static int warn_unheeded(struct vhv_lint *lint)
{
    if (lint->layer->is_policy)
        return vhv_lint_warn(lint, "no effect in a host's policy", "it is for a single machine",
                             "write it in the machine's configuration");
    return vhv_lint_warn(lint, "no effect in a machine's configuration",
                         "what a host allows is for the host to say",
                         "write it in the host's policy: see vhv.vmx(5)");
}

static int (*find_check(const char *key))(struct vhv_lint *)
{
    static const struct {
        const char *key;
        int (*check)(struct vhv_lint *lint);
    } checks[] = {
        {"cpuid.coresPerSocket", lint_cores_per_socket},
        {"guestOS", lint_guest_os},
        {"vcpu.hotadd", lint_hotadd},
        {"virtualHW.version", lint_hardware_version},
    };

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (vhv_key_compare(checks[i].key, key) == 0)
            return checks[i].check;
    }
    return NULL;
}

int vhv_lint_setting(struct vhv_lint *lint)
{
    int (*check)(struct vhv_lint *) = find_check(lint->line->key);

    if (!vhv_setting_is_heeded(lint->line->key, lint->layer))
        return warn_unheeded(lint);
    return check ? check(lint) : 0;
}
