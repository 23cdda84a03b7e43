/* SPDX-License-Identifier: MIT */
#include "config/settings.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"
#include "config/masks.h"
#include "cpuid/mask_text.h"

#define MIB            (UINT64_C(1) << 20)
#define MAX_MEMORY_MIB ((UINT64_C(16) << 40) / MIB)

/* Of a wrong value, this much is shown. */
enum { SHOWN_BYTES = 64 };

enum type { BOOLEAN, NUMBER, TEXT };

enum setting_id {
    ENCODING,
    DISPLAY_NAME,
    HYPERVISOR_V0,
    MEMSIZE,
    NUMVCPUS,
    VHV_ENABLE,
    VHV_NESTED_PAGING
};

static const struct setting {
    const char *name;
    enum type type;
    uint64_t least; /* of a number */
    uint64_t most;
    uint64_t unset; /* what a number is where it is not set */
} settings[] = {
    [ENCODING] = {".encoding", TEXT, 0, 0, 0},
    [DISPLAY_NAME] = {"displayName", TEXT, 0, 0, 0},
    [HYPERVISOR_V0] = {"hypervisor.cpuid.v0", BOOLEAN, 0, 0, 0},
    [MEMSIZE] = {"memsize", NUMBER, 1, MAX_MEMORY_MIB, 0},
    [NUMVCPUS] = {"numvcpus", NUMBER, 1, 64, 1},
    [VHV_ENABLE] = {"vhv.enable", BOOLEAN, 0, 0, 0},
    [VHV_NESTED_PAGING] = {"vhv.nestedPaging", BOOLEAN, 0, 0, 0},
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

/* Every value in a configuration was checked. */
static uint64_t number_of(const struct vhv_config *config, enum setting_id id)
{
    const char *value = vhv_config_get(config, settings[id].name);
    uint64_t number;

    return value && read_number(&number, value, &settings[id]) ? number : settings[id].unset;
}

unsigned vhv_config_vcpus(const struct vhv_config *config)
{
    return (unsigned)number_of(config, NUMVCPUS);
}

uint64_t vhv_config_memory_bytes(const struct vhv_config *config)
{
    return number_of(config, MEMSIZE) * MIB;
}

const char *vhv_config_display_name(const struct vhv_config *config)
{
    const char *name = vhv_config_get(config, settings[DISPLAY_NAME].name);

    return name ? name : "";
}

static void read_cpuid_setting(struct vhv_cpuid_setting *setting, const struct vhv_config *config,
                               enum setting_id id)
{
    const struct vhv_line *line = vhv_dictionary_find(&config->dictionary, settings[id].name);

    *setting = (struct vhv_cpuid_setting){.value = VHV_SETTING_UNSET};
    if (line && read_boolean(&setting->value, line->value))
        setting->origin = vhv_config_origin(config, line);
}

void vhv_config_cpuid(const struct vhv_config *config, struct vhv_guest_cpuid_options *options)
{
    size_t bytes = vhv_options_bytes(options, sizeof(*options));
    struct vhv_guest_cpuid_options filled = {0};

    memcpy(&filled, options, bytes);
    read_cpuid_setting(&filled.vhv_enable, config, VHV_ENABLE);
    read_cpuid_setting(&filled.hypervisor_v0, config, HYPERVISOR_V0);
    read_cpuid_setting(&filled.nested_paging, config, VHV_NESTED_PAGING);
    filled.requests = config->requests;
    filled.request_count = config->request_count;
    memcpy(options, &filled, bytes);
}
