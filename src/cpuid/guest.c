/* SPDX-License-Identifier: MIT */
#include "cpuid/guest.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/options.h"
#include "cpuid/hypervisors.h"

/* The order in which a guest's table is made. */
static void (*const order[])(struct vhv_guest_build *) = {
    vhv_guest_offer_steps,   vhv_guest_hardware_steps, vhv_guest_default_steps,
    vhv_guest_profile_steps, vhv_guest_setting_steps,  vhv_guest_topology_steps,
    vhv_guest_mask_steps,    vhv_guest_runtime_steps,  vhv_guest_gate_steps,
};

int vhv_guest_check_requests(const struct vhv_cpuid_request *requests, size_t count)
{
    if (count && !requests)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "request_count is %zu, but requests is NULL",
                        count);
    for (size_t i = 0; i < count; i++) {
        const struct vhv_cpuid_request *request = &requests[i];

        if ((unsigned)request->key.reg >= VHV_CPUID_REGS ||
            (unsigned)request->key.vendor > VHV_VENDOR_INTEL)
            return vhv_fail(EINVAL, VHV_CAUSE_NONE, "requests[%zu].key: no such register or vendor",
                            i);
        for (int bit = 0; bit < 32; bit++) {
            if (request->mask.op[bit] > VHV_MASK_INSTALL)
                return vhv_fail(EINVAL, VHV_CAUSE_NONE, "requests[%zu].mask.op[%d]: no such op", i,
                                bit);
        }
    }
    return 0;
}

static int check_setting(const struct vhv_cpuid_setting *setting, const char *name)
{
    if ((unsigned)setting->value > VHV_SETTING_TRUE)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "%s.value is %d: neither unset, false nor true",
                        name, setting->value);
    return 0;
}

static int check_hypervisor_vendor(const char *name)
{
    if (name && vhv_hypervisor_find(name) == VHV_HYPERVISOR_UNKNOWN)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "hypervisor_vendor is neither KVM nor VMware");
    return 0;
}

static int check_brand_string(const char *text)
{
    if (text && strlen(text) > VHV_BRAND_STRING_MAX_BYTES)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "brand_string has %zu bytes, more than %d",
                        strlen(text), VHV_BRAND_STRING_MAX_BYTES);
    return 0;
}

static int read_options(struct vhv_guest_cpuid_options *options,
                        const struct vhv_guest_cpuid_options *given)
{
    int result = vhv_options_read(options, sizeof(*options), given, "vhv_guest_cpuid_options");

    if (result == 0)
        result = check_setting(&options->vhv_enable, "vhv_enable");
    if (result == 0)
        result = check_setting(&options->hypervisor_v0, "hypervisor_v0");
    if (result == 0)
        result = check_setting(&options->nested_paging, "nested_paging");
    if (result == 0)
        result = check_setting(&options->vhv_allow, "vhv_allow");
    if (result == 0)
        result = check_setting(&options->vpmc_enable, "vpmc_enable");
    if (result == 0)
        result = check_brand_string(options->brand_string.value);
    if (result == 0)
        result = check_hypervisor_vendor(options->hypervisor_vendor.value);
    if (result == 0)
        result = vhv_guest_check_requests(options->requests, options->request_count);
    return result;
}

/* Of everything that was asked for but the masks. */
static const struct {
    size_t offset; /* of its origin among the options */
    const char *key;
} known_origins[VHV_ORIGIN_REQUESTS] = {
#define ORIGIN(member, name)                                                           \
    {                                                                                  \
        .offset = offsetof(struct vhv_guest_cpuid_options, member.origin), .key = name \
    }
    [VHV_ORIGIN_VHV_ENABLE] = ORIGIN(vhv_enable, "vhv.enable"),
    [VHV_ORIGIN_HYPERVISOR_V0] = ORIGIN(hypervisor_v0, "hypervisor.cpuid.v0"),
    [VHV_ORIGIN_NESTED_PAGING] = ORIGIN(nested_paging, "vhv.nestedPaging"),
    [VHV_ORIGIN_HARDWARE_VERSION] = ORIGIN(hardware_version, "virtualHW.version"),
    [VHV_ORIGIN_VHV_ALLOW] = ORIGIN(vhv_allow, "vhv.allow"),
    [VHV_ORIGIN_GUEST_OS] = ORIGIN(guest_os, "guestOS"),
    [VHV_ORIGIN_CORES_PER_SOCKET] = ORIGIN(cores_per_socket, "cpuid.coresPerSocket"),
    [VHV_ORIGIN_BRAND_STRING] = ORIGIN(brand_string, "cpuid.brandString"),
    [VHV_ORIGIN_VPMC_ENABLE] = ORIGIN(vpmc_enable, "vpmc.enable"),
    [VHV_ORIGIN_HYPERVISOR_VENDOR] = ORIGIN(hypervisor_vendor, "hypervisor.cpuid.vendor"),
#undef ORIGIN
};

static const struct vhv_origin *known_origin(const struct vhv_guest_cpuid_options *options, int i)
{
    return (const struct vhv_origin *)((const char *)options + known_origins[i].offset);
}

static size_t origin_bytes(const struct vhv_origin *origin)
{
    size_t key = origin->key ? strlen(origin->key) + 1 : VHV_MASK_KEY_TEXT_BYTES;

    return key + (origin->file ? strlen(origin->file) + 1 : 0);
}

/* Copies an origin with its strings to *at, which moves on. An origin without a key gets one. */
static struct vhv_origin copy_origin(const struct vhv_origin *from, const char *key, char **at)
{
    struct vhv_origin copy = {.line = from->line, .key = *at};

    *at = stpcpy(*at, from->key ? from->key : key) + 1;
    if (from->file) {
        copy.file = *at;
        *at = stpcpy(*at, from->file) + 1;
    }
    return copy;
}

/* The origins of everything that was asked for, and behind them their strings, in one block. */
static int copy_origins(struct vhv_guest_cpuid *guest,
                        const struct vhv_guest_cpuid_options *options)
{
    size_t count = VHV_ORIGIN_REQUESTS + options->request_count, bytes;
    char key[VHV_MASK_KEY_TEXT_BYTES];
    char *at;

    if (vhv_multiply_overflows(count, sizeof(guest->origins[0]), &bytes))
        return vhv_fail_memory(SIZE_MAX);
    for (int i = 0; i < VHV_ORIGIN_REQUESTS; i++)
        bytes += origin_bytes(known_origin(options, i));
    for (size_t i = 0; i < options->request_count; i++)
        bytes += origin_bytes(&options->requests[i].origin);
    guest->origins = malloc(bytes);
    if (!guest->origins)
        return vhv_fail_memory(bytes);
    at = (char *)&guest->origins[count];
    for (int i = 0; i < VHV_ORIGIN_REQUESTS; i++)
        guest->origins[i] = copy_origin(known_origin(options, i), known_origins[i].key, &at);
    for (size_t i = 0; i < options->request_count; i++) {
        if (!options->requests[i].origin.key)
            vhv_mask_key_format(&options->requests[i].key, key);
        guest->origins[VHV_ORIGIN_REQUESTS + i] =
            copy_origin(&options->requests[i].origin, key, &at);
    }
    return 0;
}

static int copy_what_is_given(struct vhv_guest_cpuid *guest, const struct vhv_cpuid *supported,
                              const struct vhv_guest_cpuid_options *options)
{
    int result = copy_origins(guest, options);

    if (result == 0)
        result = vhv_cpuid_copy(&guest->supported, supported);
    if (result == 0)
        result = vhv_cpuid_copy(&guest->table, supported);
    if (result == 0 && options->processor)
        result = vhv_cpuid_copy(&guest->processor, options->processor);
    return result;
}

static int build(struct vhv_guest_cpuid *guest, const struct vhv_cpuid *supported,
                 const struct vhv_guest_cpuid_options *options)
{
    struct vhv_guest_build build = {.guest = guest, .options = *options};

    guest->vendor = vhv_cpuid_vendor(supported);
    guest->hides_nested_paging = options->nested_paging.value == VHV_SETTING_FALSE;
    guest->policy_refuses_vhv = options->vhv_allow.value == VHV_SETTING_FALSE;
    guest->failure = copy_what_is_given(guest, supported, options);
    for (size_t i = 0; !guest->failure && i < sizeof(order) / sizeof(order[0]); i++)
        order[i](&build);
    vhv_cpuid_free(build.offered);
    free(build.targets);
    return guest->failure;
}

int vhv_guest_cpuid_new(struct vhv_guest_cpuid **ret, const struct vhv_cpuid *supported,
                        const struct vhv_guest_cpuid_options *options)
{
    struct vhv_guest_cpuid_options known;
    struct vhv_guest_cpuid *guest;
    int result = read_options(&known, options);

    if (result < 0)
        return result;
    guest = calloc(1, sizeof(*guest));
    if (!guest)
        return vhv_fail_memory(sizeof(*guest));
    result = build(guest, supported, &known);
    if (result < 0) {
        vhv_guest_cpuid_free(guest);
        return result;
    }
    *ret = guest;
    return 0;
}

void vhv_guest_cpuid_free(struct vhv_guest_cpuid *guest)
{
    if (!guest)
        return;
    vhv_guest_forget_findings(guest, 0);
    free(guest->findings);
    free(guest->steps);
    free(guest->origins);
    vhv_cpuid_free(guest->table);
    vhv_cpuid_free(guest->supported);
    vhv_cpuid_free(guest->processor);
    free(guest);
}

const struct vhv_cpuid *vhv_guest_cpuid_table(const struct vhv_guest_cpuid *guest)
{
    return guest->table;
}

bool vhv_guest_cpuid_has_vhv(const struct vhv_guest_cpuid *guest)
{
    const struct vhv_cpuid_field *bit = vhv_guest_vhv_bit(guest);

    return bit && vhv_cpuid_field_is_set(guest->table, bit);
}

bool vhv_guest_cpuid_hides_hypervisor(const struct vhv_guest_cpuid *guest)
{
    return guest->hides_hypervisor;
}

bool vhv_guest_cpuid_hides_nested_paging(const struct vhv_guest_cpuid *guest)
{
    return guest->hides_nested_paging;
}

const struct vhv_cpuid_finding *vhv_guest_cpuid_finding(const struct vhv_guest_cpuid *guest,
                                                        size_t index)
{
    return index < guest->finding_count ? &guest->findings[index].found : NULL;
}

static int fail_of_finding(const struct vhv_guest_finding *finding)
{
    switch (finding->cause) {
    case VHV_CAUSE_NONE:
        return vhv_fail(EINVAL, finding->cause, "%s", finding->found.text);
    case VHV_CAUSE_POLICY:
        return vhv_fail(EPERM, finding->cause, "%s", finding->found.text);
    default:
        return vhv_fail(EOPNOTSUPP, finding->cause, "%s", finding->found.text);
    }
}

int vhv_guest_cpuid_check(const struct vhv_guest_cpuid *guest)
{
    for (size_t i = 0; i < guest->finding_count; i++) {
        if (guest->findings[i].found.is_error)
            return fail_of_finding(&guest->findings[i]);
    }
    return 0;
}

int vhv_guest_check_policy(const struct vhv_guest_cpuid *guest)
{
    for (size_t i = 0; i < guest->finding_count; i++) {
        if (guest->findings[i].cause == VHV_CAUSE_POLICY)
            return fail_of_finding(&guest->findings[i]);
    }
    return 0;
}
