/* SPDX-License-Identifier: MIT */
/* Asking KVM. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "host/probe.h"

/* KVM has had room for 80 entries and has it for 256; beyond this it is not KVM that answers. */
enum { FIRST_ENTRIES = VHV_CPUID_MAX_ENTRIES, MOST_ENTRIES = 4096 };

/* [SDM "Reporting of VMX Capabilities"]; the upper half of 48Bh says what may be switched on. */
enum { MSR_VMX_BASIC = 0x480, MSR_VMX_PROCBASED_CTLS2 = 0x48b, CTLS2_EPT_ALLOWED = 33 };

static void note_failure(struct vhv_host_facts *facts, const char *text)
{
    if (!facts->failed_probe[0])
        strncpy(facts->failed_probe, text, sizeof(facts->failed_probe) - 1);
}

/* That KVM does not answer is a fact; that there is no memory is a failure. */
static int settle(struct vhv_host_facts *facts, int result)
{
    if (result == -ENOMEM)
        return result;
    if (result < 0)
        note_failure(facts, vhv_error_message());
    return 0;
}

static void open_device(struct vhv_host *host, const char *device)
{
    struct vhv_host_facts *facts = &host->facts;

    host->kvm = vhv_kvm_open(device);
    if (host->kvm >= 0) {
        facts->device = facts->permission = VHV_YES;
        return;
    }
    facts->open_errno = -host->kvm;
    switch (facts->open_errno) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        facts->device = VHV_NO;
        break;
    case EACCES:
    case EPERM:
        facts->device = VHV_YES;
        facts->permission = VHV_NO;
        break;
    default:
        note_failure(facts, vhv_error_message());
        break;
    }
    host->kvm = -1;
}

static void ask_api_version(struct vhv_host *host)
{
    int version = vhv_kvm_get_api_version(host->kvm);

    if (version < 0)
        note_failure(&host->facts, vhv_error_message());
    else
        host->facts.api_version = version;
    if (version != KVM_API_VERSION) {
        vhv_kvm_close(host->kvm);
        host->kvm = -1;
    }
}

static int ask_nested_state(struct vhv_host *host)
{
    int result = vhv_kvm_has(host->kvm, KVM_CAP_NESTED_STATE, NULL);

    if (result >= 0)
        host->facts.nested_state = result ? VHV_YES : VHV_NO;
    return settle(&host->facts, result);
}

static int ask_tsc_deadline(struct vhv_host *host)
{
    int result = vhv_kvm_has(host->kvm, KVM_CAP_TSC_DEADLINE_TIMER, NULL);

    host->tsc_deadline = result > 0;
    return settle(&host->facts, result);
}

static int get_supported(int kvm, uint32_t entries, struct vhv_cpuid **ret)
{
    size_t bytes = sizeof(struct kvm_cpuid2) + entries * sizeof(struct kvm_cpuid_entry2);
    struct kvm_cpuid2 *table = calloc(1, bytes);
    int result;

    if (!table)
        return vhv_fail_memory(bytes);
    table->nent = entries;
    result = vhv_kvm_get_supported_cpuid(kvm, table);
    if (result >= 0)
        result = vhv_cpuid_from_kvm(ret, table);
    free(table);
    return result;
}

static int ask_supported(struct vhv_host *host)
{
    int result;

    for (uint32_t entries = FIRST_ENTRIES; entries <= MOST_ENTRIES; entries *= 2) {
        result = get_supported(host->kvm, entries, &host->supported);
        if (result != -E2BIG)
            break;
    }
    if (host->supported)
        host->facts.kvm_offers =
            vhv_host_shows_virtualization(host->supported, host->facts.vendor) ? VHV_YES : VHV_NO;
    return settle(&host->facts, result);
}

/* An empty list is answered with E2BIG and the number that there are. */
static int get_list(int kvm, int (*get)(int, struct kvm_msr_list *), struct kvm_msr_list **ret)
{
    struct kvm_msr_list none = {.nmsrs = 0}, *list;
    int result = get(kvm, &none);
    size_t bytes = sizeof(*list) + none.nmsrs * sizeof(list->indices[0]);

    if (result < 0 && result != -E2BIG)
        return result;
    list = calloc(1, bytes);
    if (!list)
        return vhv_fail_memory(bytes);
    list->nmsrs = none.nmsrs;
    result = get(kvm, list);
    if (result < 0) {
        free(list);
        return result;
    }
    *ret = list;
    return 0;
}

/* KVM stops at an MSR that it refuses: that one is taken out. */
static int read_all(int kvm, struct kvm_msrs *msrs)
{
    for (;;) {
        int done = vhv_kvm_get_msrs(kvm, msrs);

        if (done < 0 || (uint32_t)done >= msrs->nmsrs)
            return done;
        msrs->nmsrs--;
        memmove(&msrs->entries[done], &msrs->entries[done + 1],
                (msrs->nmsrs - (uint32_t)done) * sizeof(msrs->entries[0]));
    }
}

static int get_feature_msrs(struct vhv_host *host, const struct kvm_msr_list *list)
{
    size_t bytes = sizeof(struct kvm_msrs) + list->nmsrs * sizeof(struct kvm_msr_entry);
    struct kvm_msrs *msrs = calloc(1, bytes);
    int result;

    if (!msrs)
        return vhv_fail_memory(bytes);
    msrs->nmsrs = list->nmsrs;
    for (uint32_t i = 0; i < list->nmsrs; i++)
        msrs->entries[i].index = list->indices[i];
    result = read_all(host->kvm, msrs);
    if (result < 0) {
        free(msrs);
        return result;
    }
    host->feature_msrs = msrs;
    return 0;
}

static int ask_feature_msrs(struct vhv_host *host)
{
    struct kvm_msr_list *list = NULL;
    int result = vhv_kvm_has(host->kvm, KVM_CAP_GET_MSR_FEATURES, NULL);

    if (result == 0) {
        host->facts.feature_msrs = VHV_NO;
        return 0;
    }
    if (result > 0)
        result = get_list(host->kvm, vhv_kvm_get_msr_feature_index_list, &list);
    if (result >= 0)
        result = get_feature_msrs(host, list);
    free(list);
    return settle(&host->facts, result);
}

static int ask_msr_indexes(struct vhv_host *host)
{
    return settle(&host->facts, get_list(host->kvm, vhv_kvm_get_msr_index_list, &host->indexes));
}

static enum vhv_answer answer_of_bit(uint64_t value, unsigned bit)
{
    return value >> bit & 1 ? VHV_YES : VHV_NO;
}

/* What the answers mean for nesting. */
static void conclude(struct vhv_host *host)
{
    struct vhv_host_facts *facts = &host->facts;
    uint64_t value = 0;

    if (facts->vendor != VHV_VENDOR_INTEL)
        facts->feature_msrs = VHV_YES;
    else if (facts->feature_msrs == VHV_UNKNOWN)
        facts->feature_msrs = vhv_host_feature_msr(host, MSR_VMX_BASIC, &value);
    if (facts->kvm_offers != VHV_YES)
        return;
    facts->firmware_off = VHV_NO;
    if (facts->vendor == VHV_VENDOR_AMD)
        facts->guest_slat =
            answer_of_bit(vhv_cpuid_get(host->supported, 0x8000000a, 0, VHV_EDX), 0);
    else if (vhv_host_feature_msr(host, MSR_VMX_PROCBASED_CTLS2, &value) == VHV_YES)
        facts->guest_slat = answer_of_bit(value, CTLS2_EPT_ALLOWED);
}

int vhv_host_probe_kvm(struct vhv_host *host, const char *device)
{
    int result;

    open_device(host, device);
    if (host->kvm >= 0)
        ask_api_version(host);
    if (host->kvm < 0)
        return 0;
    result = ask_nested_state(host);
    if (result >= 0)
        result = ask_tsc_deadline(host);
    if (result >= 0)
        result = ask_supported(host);
    if (result >= 0)
        result = ask_feature_msrs(host);
    if (result >= 0)
        result = ask_msr_indexes(host);
    if (result >= 0)
        conclude(host);
    return result;
}
