/* SPDX-License-Identifier: MIT */
/* Whether hosts have virtualized HV in common: by CPUID, and for VMX by its capability MSRs. */
#include <libvhv/feature.h>
#include <stdarg.h>
#include <stdio.h>

#include "cpuid/baseline.h"
#include "cpuid/vmx.h"

/* The high half of a pair of controls has those that may be 1. */
enum { MAY_BE_1 = 32 };

static void conclude(struct vhv_join *join, enum vhv_answer vhv, enum vhv_answer paging,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

static void conclude(struct vhv_join *join, enum vhv_answer vhv, enum vhv_answer paging,
                     const char *format, ...)
{
    struct vhv_baseline *baseline = join->baseline;
    va_list args;

    baseline->nesting.vhv = vhv;
    baseline->nesting.paging = paging;
    va_start(args, format);
    vsnprintf(baseline->because, sizeof(baseline->because), format, args);
    va_end(args);
}

/* Lists the hosts that do not pass a test. Returns whether there are any. */
static bool list_failing(struct vhv_join *join,
                         bool (*test)(const struct vhv_capture *capture, const void *cookie),
                         const void *cookie, char text[VHV_HOST_LIST_BYTES])
{
    const struct vhv_host_choice failing = {.bits = 1, .value = 0};

    for (size_t i = 0; i < join->count; i++)
        join->values[i] = test(join->captures[i], cookie);
    vhv_join_list(join, &failing, text);
    return text[0];
}

static bool has_feature(const struct vhv_capture *capture, const void *cookie)
{
    return vhv_cpuid_has(vhv_capture_cpuid(capture), cookie);
}

static bool knows_vmx(const struct vhv_capture *capture, const void *cookie)
{
    size_t count;
    const struct vhv_msr *msrs = vhv_capture_msrs(capture, &count);

    (void)cookie;
    return vhv_vmx_is_complete(msrs, count);
}

static bool has_ept(const struct vhv_capture *capture, const void *cookie)
{
    size_t count;
    const struct vhv_msr *msrs = vhv_capture_msrs(capture, &count);

    (void)cookie;
    return vhv_vmx_has_ept(msrs, count);
}

/* KVM makes the controls without TRUE from those with it: it is enough to tell of these. */
static bool is_told_by_true(const struct vhv_capture_parts *parts, uint32_t msr)
{
    const uint64_t has_true = UINT64_C(1) << 55;

    return vhv_vmx_is_made_from_true(msr) &&
           vhv_vmx_get(parts->msrs, parts->count, VHV_VMX_BASIC) & has_true;
}

static void join_msrs(struct vhv_join *join, struct vhv_capture_parts *parts)
{
    for (uint32_t msr = VHV_VMX_MSR_FIRST; msr <= VHV_VMX_MSR_LAST; msr++) {
        uint64_t value;

        vhv_join_load_msr(join, msr);
        join->is_quiet = is_told_by_true(parts, msr);
        value = vhv_join_register(join);
        if (join->is_everywhere)
            parts->msrs[parts->count++] = (struct vhv_msr){msr, value};
    }
    join->is_quiet = false;
}

/* Controls that some hosts need and others lack. */
static void check_controls(struct vhv_join *join, const struct vhv_capture_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        uint32_t msr = parts->msrs[i].index;
        bool is_fixed_0 = msr == VHV_VMX_CR0_FIXED0 || msr == VHV_VMX_CR4_FIXED0;
        uint64_t must = parts->msrs[i].value, may;

        if (is_fixed_0)
            may = vhv_vmx_get(parts->msrs, parts->count, msr + 1);
        else if (vhv_vmx_is_controls(msr) && !is_told_by_true(parts, msr))
            may = must >> MAY_BE_1;
        else
            continue;
        must = is_fixed_0 ? must : (uint32_t)must;
        vhv_join_load_msr(join, msr);
        for (uint64_t bits = must & ~may; bits; bits &= bits - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(bits);

            vhv_join_report_impossible(join, bit, is_fixed_0 ? msr + 1 : msr,
                                       is_fixed_0 ? bit : bit + MAY_BE_1);
        }
    }
}

/* The first thing that VMX on all hosts cannot be made from; NULL if there is none. */
static const char *conflict(const struct vhv_baseline *baseline)
{
    for (size_t i = 0; i < baseline->difference_count; i++) {
        const struct vhv_baseline_difference *difference = &baseline->differences[i];

        if (difference->change == VHV_BASELINE_CONFLICT && difference->field.msr)
            return difference->text;
    }
    return NULL;
}

static void judge_vmx(struct vhv_join *join, struct vhv_capture_parts *parts)
{
    char hosts[VHV_HOST_LIST_BYTES];
    const char *why;

    if (list_failing(join, knows_vmx, NULL, hosts)) {
        conclude(join, VHV_UNKNOWN, VHV_UNKNOWN, "the VMX capability MSRs of %s are not known",
                 hosts);
        return;
    }
    join_msrs(join, parts);
    check_controls(join, parts);
    why = conflict(join->baseline);
    if (why) {
        parts->count = 0;
        conclude(join, VHV_NO, VHV_NO, "%s", why);
    } else if (vhv_vmx_has_ept(parts->msrs, parts->count)) {
        conclude(join, VHV_YES, VHV_YES, "%s", "");
    } else if (list_failing(join, has_ept, NULL, hosts)) {
        conclude(join, VHV_YES, VHV_NO, "EPT is not on %s", hosts);
    } else {
        conclude(join, VHV_YES, VHV_NO, "no form of EPT is on all hosts");
    }
}

static void judge_svm(struct vhv_join *join)
{
    char hosts[VHV_HOST_LIST_BYTES];

    if (list_failing(join, has_feature, vhv_feature_find("NPT"), hosts))
        conclude(join, VHV_YES, VHV_NO, "NPT is not on %s", hosts);
    else
        conclude(join, VHV_YES, VHV_YES, "%s", "");
}

void vhv_join_nesting(struct vhv_join *join, struct vhv_capture_parts *parts)
{
    const char *feature = join->vendor == VHV_VENDOR_AMD ? "SVM" : "VMX";
    char hosts[VHV_HOST_LIST_BYTES];

    join->baseline->nesting.because = join->baseline->because;
    if (join->vendor == VHV_VENDOR_ANY)
        conclude(join, VHV_NO, VHV_NO, "no processor with VMX or SVM is known of their vendor");
    else if (list_failing(join, has_feature, vhv_feature_find(feature), hosts))
        conclude(join, VHV_NO, VHV_NO, "%s is not on %s", feature, hosts);
    else if (join->vendor == VHV_VENDOR_AMD)
        judge_svm(join);
    else
        judge_vmx(join, parts);
}
