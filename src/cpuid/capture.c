/* SPDX-License-Identifier: MIT */
#include "cpuid/capture.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"

struct vhv_capture {
    char name[VHV_CAPTURE_NAME_BYTES];
    struct vhv_cpuid *cpuid;
    struct vhv_msr msrs[VHV_VMX_MSR_COUNT]; /* by rising index */
    size_t count;
};

/* Names go into reports and into comments of .vmx files, which a line's end would leave. */
static int check_name(const char *name)
{
    size_t bytes = strlen(name);

    if (bytes == 0 || bytes >= VHV_CAPTURE_NAME_BYTES)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "a host's name has 1 to %d bytes, not %zu",
                        VHV_CAPTURE_NAME_BYTES - 1, bytes);
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)name[i];

        if (c < ' ' || c == 0x7f)
            return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                            "a host's name has no control characters, as 0x%02x at byte %zu", c, i);
    }
    return 0;
}

int vhv_capture_add_msr(struct vhv_capture_parts *parts, const struct vhv_msr *msr)
{
    size_t at = parts->count;

    if (msr->index < VHV_VMX_MSR_FIRST || msr->index > VHV_VMX_MSR_LAST)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX,
                        "0x%" PRIx32 " is not a VMX capability MSR: they are 0x%x to 0x%x",
                        msr->index, VHV_VMX_MSR_FIRST, VHV_VMX_MSR_LAST);
    while (at > 0 && parts->msrs[at - 1].index >= msr->index)
        at--;
    if (at < parts->count && parts->msrs[at].index == msr->index)
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "the MSR 0x%" PRIx32 " is given twice",
                        msr->index);
    memmove(&parts->msrs[at + 1], &parts->msrs[at], (parts->count - at) * sizeof(parts->msrs[0]));
    parts->msrs[at] = *msr;
    parts->count++;
    return 0;
}

int vhv_capture_make(struct vhv_capture **ret, const struct vhv_capture_parts *parts)
{
    struct vhv_capture *capture = NULL;
    int result = check_name(parts->name);

    if (result == 0) {
        capture = calloc(1, sizeof(*capture));
        result = capture ? 0 : vhv_fail_memory(sizeof(*capture));
    }
    if (result < 0) {
        vhv_cpuid_free(parts->cpuid);
        return result;
    }
    strcpy(capture->name, parts->name);
    capture->cpuid = parts->cpuid;
    memcpy(capture->msrs, parts->msrs, sizeof(capture->msrs));
    capture->count = parts->count;
    *ret = capture;
    return 0;
}

int vhv_capture_new(struct vhv_capture **ret, const char *name, const struct vhv_cpuid *cpuid,
                    const struct vhv_msr *msrs, size_t count)
{
    struct vhv_capture_parts parts = {.name = name};
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++)
        result = vhv_capture_add_msr(&parts, &msrs[i]);
    if (result == 0)
        result = vhv_cpuid_copy(&parts.cpuid, cpuid);
    return result < 0 ? result : vhv_capture_make(ret, &parts);
}

void vhv_capture_free(struct vhv_capture *capture)
{
    if (!capture)
        return;
    vhv_cpuid_free(capture->cpuid);
    free(capture);
}

const char *vhv_capture_name(const struct vhv_capture *capture)
{
    return capture->name;
}

const struct vhv_cpuid *vhv_capture_cpuid(const struct vhv_capture *capture)
{
    return capture->cpuid;
}

const struct vhv_msr *vhv_capture_msrs(const struct vhv_capture *capture, size_t *count)
{
    *count = capture->count;
    return capture->msrs;
}

static bool is_json(const char *text, size_t bytes)
{
    while (bytes > 0 && strchr(" \t\r\n", *text) && *text) {
        text++;
        bytes--;
    }
    return bytes > 0 && *text == '{';
}

int vhv_capture_parse(struct vhv_capture **ret, const char *text, size_t bytes,
                      const struct vhv_capture_options *given)
{
    struct vhv_capture_options options;
    struct vhv_capture_parts parts = {0};
    cJSON *root = NULL;
    int result = vhv_options_read(&options, sizeof(options), given, "vhv_capture_options");

    if (result < 0)
        return result;
    if (is_json(text, bytes))
        result = vhv_capture_parse_json(&parts, &root, text, bytes);
    else
        result = vhv_capture_parse_dump(&parts, text, bytes, options.cpu);
    if (!parts.name)
        parts.name = options.name ? options.name : "unnamed";
    if (result == 0)
        result = vhv_capture_make(ret, &parts);
    else
        vhv_cpuid_free(parts.cpuid);
    cJSON_Delete(root);
    return result;
}
