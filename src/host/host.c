/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"
#include "config/settings.h"
#include "cpuid/guest.h"
#include "host/probe.h"

static void note_policy(struct vhv_host *host)
{
    const struct vhv_cpuid_setting allow = vhv_config_vhv_allow(host->policy);
    char *notes = host->verdict.notes, origin[sizeof(host->verdict.notes)];
    size_t used = strlen(notes);

    if (allow.value != VHV_SETTING_FALSE)
        return;
    vhv_guest_print_origin(origin, sizeof(origin), &allow.origin, NULL);
    snprintf(notes + used, sizeof(host->verdict.notes) - used,
             "%sthe host's policy refuses virtualized HV: %s is FALSE", used ? "; " : "", origin);
}

static void judge(struct vhv_host *host)
{
    const struct vhv_verdict *verdict = &host->verdict;

    vhv_host_judge(&host->facts, &host->verdict);
    note_policy(host);
    if (host->facts.kvm_offers != VHV_YES)
        snprintf(host->why_not_nested, sizeof(host->why_not_nested), "%s%s%s", verdict->because,
                 verdict->remedy[0] ? "; " : "", verdict->remedy);
}

static void destroy(struct vhv_host *host)
{
    vhv_kvm_close(host->kvm);
    vhv_config_free(host->policy);
    vhv_cpuid_free(host->processor);
    vhv_cpuid_free(host->supported);
    free(host->indexes);
    free(host->feature_msrs);
    free(host);
}

int vhv_host_probe(struct vhv_host **ret, struct vhv_cpuid *processor,
                   const struct vhv_host_paths *paths)
{
    struct vhv_host *host = calloc(1, sizeof(*host));
    struct vhv_error before;
    int result;

    if (!host) {
        vhv_cpuid_free(processor);
        return vhv_fail_memory(sizeof(*host));
    }
    atomic_init(&host->references, 1);
    host->kvm = -1;
    host->processor = processor;
    vhv_error_hold(&before);
    result = vhv_host_load_policy(&host->policy, paths);
    if (result >= 0) {
        vhv_host_probe_system(host, paths);
        result = vhv_host_probe_kvm(host, paths->device);
    }
    if (result < 0) {
        destroy(host);
        return result;
    }
    vhv_error_restore(&before);
    judge(host);
    *ret = host;
    return 0;
}

int vhv_host_new(struct vhv_host **ret, const struct vhv_host_options *given)
{
    struct vhv_host_options options;
    struct vhv_host_paths paths = {
        .device = "/dev/kvm",
        .sysfs = "/sys",
        .msr = "/dev/cpu/0/msr",
        .cpuinfo = "/proc/cpuinfo",
    };
    char room[PATH_MAX];
    struct vhv_cpuid *processor;
    int result = vhv_options_read(&options, sizeof(options), given, "vhv_host_options");

    if (result < 0)
        return result;
    if (options.device)
        paths.device = options.device;
    if (options.sysfs)
        paths.sysfs = options.sysfs;
    vhv_host_choose_policy(&paths, options.policy, room);
    result = vhv_cpuid_read_processor(&processor);
    return result < 0 ? result : vhv_host_probe(ret, processor, &paths);
}

const struct vhv_host *vhv_host_ref(const struct vhv_host *host)
{
    atomic_fetch_add(&((struct vhv_host *)host)->references, 1);
    return host;
}

void vhv_host_unref(const struct vhv_host *host)
{
    struct vhv_host *counted = (struct vhv_host *)host;

    if (counted && atomic_fetch_sub(&counted->references, 1) == 1)
        destroy(counted);
}

void vhv_host_free(struct vhv_host *host)
{
    vhv_host_unref(host);
}

const struct vhv_host_facts *vhv_host_facts(const struct vhv_host *host)
{
    return &host->facts;
}

const struct vhv_verdict *vhv_host_verdict(const struct vhv_host *host)
{
    return &host->verdict;
}

const struct vhv_cpuid *vhv_host_processor(const struct vhv_host *host)
{
    return host->processor;
}

const struct vhv_cpuid *vhv_host_supported(const struct vhv_host *host)
{
    return host->supported;
}

int vhv_host_fail_without_kvm(const struct vhv_host *host)
{
    const struct vhv_verdict *verdict = &host->verdict;

    return vhv_fail(ENODEV, VHV_CAUSE_NO_KVM, "KVM cannot be used: %s%s%s", verdict->because,
                    verdict->remedy[0] ? "; " : "", verdict->remedy);
}

const struct vhv_config *vhv_host_policy(const struct vhv_host *host)
{
    return host->policy;
}

enum vhv_answer vhv_host_feature_msr(const struct vhv_host *host, uint32_t index, uint64_t *value)
{
    const struct kvm_msrs *msrs = host->feature_msrs;

    if (!msrs)
        return VHV_UNKNOWN;
    for (uint32_t i = 0; i < msrs->nmsrs; i++) {
        if (msrs->entries[i].index == index) {
            *value = msrs->entries[i].data;
            return VHV_YES;
        }
    }
    return VHV_NO;
}

int vhv_host_capture(struct vhv_capture **ret, const struct vhv_host *host, const char *name)
{
    struct vhv_msr msrs[VHV_VMX_MSR_LAST - VHV_VMX_MSR_FIRST + 1];
    size_t count = 0;

    if (!host->supported)
        return vhv_host_fail_without_kvm(host);
    for (uint32_t index = VHV_VMX_MSR_FIRST; index <= VHV_VMX_MSR_LAST; index++) {
        msrs[count].index = index;
        if (vhv_host_feature_msr(host, index, &msrs[count].value) == VHV_YES)
            count++;
    }
    return vhv_capture_new(ret, name, host->supported, msrs, count);
}

enum vhv_answer vhv_host_capability(const struct vhv_host *host, unsigned long capability,
                                    int *value)
{
    return host->kvm < 0 ? VHV_UNKNOWN : vhv_kvm_capability(host->kvm, capability, value);
}

int vhv_host_kvm_fd(const struct vhv_host *host)
{
    return host->kvm;
}

const uint32_t *vhv_host_msr_indexes(const struct vhv_host *host, size_t *count)
{
    if (!host->indexes) {
        *count = 0;
        vhv_fail(EIO, VHV_CAUSE_KVM, "the MSRs to save are not known: %s",
                 host->facts.failed_probe);
        return NULL;
    }
    *count = host->indexes->nmsrs;
    return host->indexes->indices;
}

void vhv_host_cpuid(const struct vhv_host *host, struct vhv_guest_cpuid_options *options)
{
    size_t bytes = vhv_options_bytes(options, sizeof(*options));
    struct vhv_guest_cpuid_options filled = {0};

    memcpy(&filled, options, bytes);
    filled.processor = host->processor;
    filled.tsc_deadline = host->tsc_deadline;
    filled.why_not_nested = host->why_not_nested[0] ? host->why_not_nested : NULL;
    filled.vhv_allow = vhv_config_vhv_allow(host->policy);
    filled.nested_paging_offered = host->facts.guest_slat;
    memcpy(options, &filled, bytes);
}
