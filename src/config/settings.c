/* SPDX-License-Identifier: MIT */
#include "config/settings.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"
#include "config/masks.h"
#include "cpuid/guest.h"
#include "cpuid/hypervisors.h"
#include "cpuid/mask_text.h"
#include "cpuid/profiles.h"

#define MIB            (UINT64_C(1) << 20)
#define MAX_MEMORY_MIB ((UINT64_C(16) << 40) / MIB)

/* Of a wrong value, this much is shown. */
enum { SHOWN_BYTES = 64 };

enum type { BOOLEAN, NUMBER, TEXT, HYPERVISOR };

enum setting_id {
    ENCODING,
    BRAND_STRING,
    CORES_PER_SOCKET,
    DISPLAY_NAME,
    GUEST_OS,
    HYPERVISOR_V0,
    HYPERVISOR_VENDOR,
    MEMSIZE,
    NUMVCPUS,
    RESTRICT_BACKDOOR,
    VCPU_HOTADD,
    VHV_ALLOW,
    VHV_ENABLE,
    VHV_NESTED_PAGING,
    HARDWARE_VERSION,
    ALLOW_NESTED,
    VPMC_ENABLE
};

#define MACHINES VHV_SETTING_OF_MACHINES
#define POLICIES VHV_SETTING_OF_POLICIES
#define BOTH     VHV_SETTING_OF_BOTH

static const struct setting {
    const char *name;
    enum type type;
    enum vhv_setting_layer layer;
    uint64_t least; /* of a number */
    uint64_t most;  /* of a number; of a text the number of bytes, 0: any */
    uint64_t unset; /* what a number is where it is not set */
} settings[] = {
    [ENCODING] = {".encoding", TEXT, BOTH, 0, 0, 0},
    [BRAND_STRING] = {"cpuid.brandString", TEXT, BOTH, 0, VHV_BRAND_STRING_MAX_BYTES, 0},
    [CORES_PER_SOCKET] = {"cpuid.coresPerSocket", NUMBER, MACHINES, 1, 64, 0},
    [DISPLAY_NAME] = {"displayName", TEXT, MACHINES, 0, 0, 0},
    [GUEST_OS] = {"guestOS", TEXT, MACHINES, 0, 0, 0},
    [HYPERVISOR_V0] = {"hypervisor.cpuid.v0", BOOLEAN, BOTH, 0, 0, 0},
    [HYPERVISOR_VENDOR] = {"hypervisor.cpuid.vendor", HYPERVISOR, BOTH, 0, 0, 0},
    [MEMSIZE] = {"memsize", NUMBER, MACHINES, 1, MAX_MEMORY_MIB, 0},
    [NUMVCPUS] = {"numvcpus", NUMBER, MACHINES, 1, 64, 1},
    [RESTRICT_BACKDOOR] = {"monitor_control.restrict_backdoor", BOOLEAN, BOTH, 0, 0, 0},
    [VCPU_HOTADD] = {"vcpu.hotadd", BOOLEAN, BOTH, 0, 0, 0},
    [VHV_ALLOW] = {"vhv.allow", BOOLEAN, POLICIES, 0, 0, 0},
    [VHV_ENABLE] = {"vhv.enable", BOOLEAN, BOTH, 0, 0, 0},
    [VHV_NESTED_PAGING] = {"vhv.nestedPaging", BOOLEAN, BOTH, 0, 0, 0},
    [HARDWARE_VERSION] = {"virtualHW.version", NUMBER, BOTH, 1, 255, 0},
    [ALLOW_NESTED] = {"vmx.allowNested", BOOLEAN, BOTH, 0, 0, 0},
    [VPMC_ENABLE] = {"vpmc.enable", BOOLEAN, BOTH, 0, 0, 0},
};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

static bool read_boolean(enum vhv_setting *setting, const char *value)
{
    if (vhv_key_compare(value, "true") == 0)
        *setting = VHV_SETTING_TRUE;
    else if (vhv_key_compare(value, "false") == 0)
        *setting = VHV_SETTING_FALSE;
    else
        return false;
    return true;
}

/* The bounds are far from where the sum could wrap. */
static bool read_number(uint64_t *number, const char *value, const struct setting *setting)
{
    if (!*value)
        return false;
    *number = 0;
    for (; *value; value++) {
        if (*value < '0' || *value > '9' || *number > setting->most)
            return false;
        *number = *number * 10 + (uint64_t)(*value - '0');
    }
    return *number >= setting->least && *number <= setting->most;
}

static int check_setting(const struct setting *setting, const char *value)
{
    char shown[SHOWN_BYTES];
    enum vhv_setting boolean;
    uint64_t number;

    vhv_text_printable(shown, sizeof(shown), value);
    if (setting->type == BOOLEAN && !read_boolean(&boolean, value))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: \"%s\" is neither TRUE nor FALSE",
                        setting->name, shown);
    if (setting->type == NUMBER && !read_number(&number, value, setting))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                        "%s: \"%s\" is not a decimal number from %" PRIu64 " to %" PRIu64,
                        setting->name, shown, setting->least, setting->most);
    if (setting->type == HYPERVISOR && vhv_hypervisor_find(value) == VHV_HYPERVISOR_UNKNOWN)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: \"%s\" is neither KVM nor VMware",
                        setting->name, shown);
    if (setting->type == TEXT && setting->most && strlen(value) > setting->most)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: %zu bytes are more than %" PRIu64,
                        setting->name, strlen(value), setting->most);
    return 0;
}

static int check_mask(const char *key, const char *value)
{
    struct vhv_mask_key mask_key;
    struct vhv_mask mask;
    int result = vhv_mask_key_parse(&mask_key, key);

    if (result < 0)
        return result;
    result = vhv_mask_parse(&mask, value);
    return result < 0 ? vhv_fail_within(result, "%s", key) : result;
}

static const struct setting *find_setting(const char *key)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        if (vhv_key_compare(key, settings[i].name) == 0)
            return &settings[i];
    }
    return NULL;
}

int vhv_setting_check(const char *key, const char *value)
{
    const struct setting *setting = find_setting(key);

    if (vhv_is_mask_key(key))
        return check_mask(key, value);
    return setting ? check_setting(setting, value) : 0;
}

bool vhv_setting_is_boolean(const char *key)
{
    const struct setting *setting = find_setting(key);

    return setting && setting->type == BOOLEAN;
}

bool vhv_setting_is_number(const char *key)
{
    const struct setting *setting = find_setting(key);

    return setting && setting->type == NUMBER;
}

const char *vhv_setting_name(size_t index)
{
    return index < SETTINGS ? settings[index].name : NULL;
}

static bool is_heeded(const struct setting *setting, const struct vhv_config *layer)
{
    return setting->layer & (layer->is_policy ? VHV_SETTING_OF_POLICIES : VHV_SETTING_OF_MACHINES);
}

bool vhv_setting_is_heeded(const char *key, const struct vhv_config *layer)
{
    const struct setting *setting = find_setting(key);

    return !setting || is_heeded(setting, layer);
}

/* The value in the highest layer that has one, and where it is from; NULL: it is not set. */
static const char *find(const struct vhv_config *config, enum setting_id id,
                        struct vhv_origin *origin)
{
    for (; config; config = config->policy) {
        const struct vhv_line *line =
            is_heeded(&settings[id], config)
                ? vhv_dictionary_find(&config->dictionary, settings[id].name)
                : NULL;

        if (line) {
            *origin = vhv_config_origin(config, line);
            return line->value;
        }
    }
    *origin = (struct vhv_origin){0};
    return NULL;
}

/* Every value in a configuration was checked. */
static uint64_t number_of(const struct vhv_config *config, enum setting_id id,
                          struct vhv_origin *origin)
{
    const char *value = find(config, id, origin);
    uint64_t number;

    return value && read_number(&number, value, &settings[id]) ? number : settings[id].unset;
}

unsigned vhv_config_vcpus(const struct vhv_config *config)
{
    struct vhv_origin origin;

    return (unsigned)number_of(config, NUMVCPUS, &origin);
}

uint32_t vhv_config_vcpu_id(const struct vhv_config *config, uint32_t index)
{
    struct vhv_origin origin;

    return vhv_guest_vcpu_id(index, (uint32_t)number_of(config, CORES_PER_SOCKET, &origin));
}

uint64_t vhv_config_memory_bytes(const struct vhv_config *config)
{
    struct vhv_origin origin;

    return number_of(config, MEMSIZE, &origin) * MIB;
}

const char *vhv_config_display_name(const struct vhv_config *config)
{
    struct vhv_origin origin;
    const char *name = find(config, DISPLAY_NAME, &origin);

    return name ? name : "";
}

static struct vhv_cpuid_setting boolean_of(const struct vhv_config *config, enum setting_id id)
{
    struct vhv_cpuid_setting setting = {.value = VHV_SETTING_UNSET};
    const char *value = find(config, id, &setting.origin);

    if (value)
        read_boolean(&setting.value, value);
    return setting;
}

static struct vhv_cpuid_text text_of(const struct vhv_config *config, enum setting_id id)
{
    struct vhv_cpuid_text text;

    text.value = find(config, id, &text.origin);
    return text;
}

static struct vhv_cpuid_number cpuid_number_of(const struct vhv_config *config, enum setting_id id)
{
    struct vhv_cpuid_number number;

    number.value = (uint32_t)number_of(config, id, &number.origin);
    return number;
}

struct vhv_cpuid_setting vhv_config_allow_nested(const struct vhv_config *config)
{
    return boolean_of(config, ALLOW_NESTED);
}

bool vhv_config_restricts_backdoor(const struct vhv_config *config)
{
    const struct vhv_cpuid_setting restricted = boolean_of(config, RESTRICT_BACKDOOR);
    const struct vhv_cpuid_text guest_os = text_of(config, GUEST_OS);
    const struct vhv_profile *profile = guest_os.value ? vhv_profile_find(guest_os.value) : NULL;

    if (restricted.value != VHV_SETTING_UNSET)
        return restricted.value == VHV_SETTING_TRUE;
    return profile && profile->restricts_backdoor;
}

/* What a user's policy allows, the system's below it can still forbid. */
struct vhv_cpuid_setting vhv_config_vhv_allow(const struct vhv_config *policy)
{
    struct vhv_cpuid_setting allow = boolean_of(policy, VHV_ALLOW);

    for (policy = policy->policy; policy; policy = policy->policy) {
        const struct vhv_cpuid_setting below = boolean_of(policy, VHV_ALLOW);

        if (below.value == VHV_SETTING_FALSE)
            allow = below;
    }
    return allow;
}

void vhv_config_cpuid(const struct vhv_config *config, struct vhv_guest_cpuid_options *options)
{
    size_t bytes = vhv_options_bytes(options, sizeof(*options));
    struct vhv_guest_cpuid_options filled = {0};

    memcpy(&filled, options, bytes);
    filled.vhv_enable = boolean_of(config, VHV_ENABLE);
    filled.hypervisor_v0 = boolean_of(config, HYPERVISOR_V0);
    filled.nested_paging = boolean_of(config, VHV_NESTED_PAGING);
    filled.requests = config->requests;
    filled.request_count = config->request_count;
    filled.hardware_version = cpuid_number_of(config, HARDWARE_VERSION);
    filled.guest_os = text_of(config, GUEST_OS);
    filled.cores_per_socket = cpuid_number_of(config, CORES_PER_SOCKET);
    filled.brand_string = text_of(config, BRAND_STRING);
    filled.vpmc_enable = boolean_of(config, VPMC_ENABLE);
    filled.hypervisor_vendor = text_of(config, HYPERVISOR_VENDOR);
    memcpy(options, &filled, bytes);
}
