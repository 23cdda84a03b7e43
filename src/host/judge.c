/* SPDX-License-Identifier: MIT */
/* From facts to a verdict. Pure: facts of another host do as well. */
#include <string.h>

#include "host/remedy.h"
#include "kvm/kvm.h"

/* What can be told apart: finer than enum vhv_nesting where the words differ. */
enum finding {
    CAN_NEST,
    NO_DEVICE,
    NO_MODULE,
    NO_PERMISSION,
    WRONG_API,
    NO_VIRTUALIZATION,
    FIRMWARE_OFF,
    MASKED_BELOW,
    MODULE_OFF,
    BACKEND,
    BACKEND_WITHOUT_CPU,
    BACKEND_SILENT,
    OLD_KERNEL,
    NO_FEATURE_MSRS,
    OPEN_FAILED,
    PROBE_FAILED,
    PARAMETER_UNREADABLE
};

/* Names in braces are filled in from the facts: see remedy.c. */
static const struct {
    enum vhv_nesting nesting;
    const char *because;
    const char *remedy;
} words[] = {
    [CAN_NEST] = {VHV_NESTING_YES, "", ""},
    [NO_DEVICE] = {VHV_NESTING_NO_DEVICE,
                   "there is no KVM device, and no reason for it is to be seen",
                   "if this is a container or a sandbox, give it /dev/kvm; else run 'modprobe "
                   "{module}' and read the kernel's log"},
    [NO_MODULE] = {VHV_NESTING_NO_MODULE, "{module} is not loaded",
                   "run 'modprobe {module}'; if it refuses, the kernel's log says why"},
    [NO_PERMISSION] = {VHV_NESTING_NO_PERMISSION, "the KVM device may not be opened: {errno}",
                       "join the group that owns the device, which usually is kvm: run 'usermod "
                       "-aG kvm USER', then log in again"},
    [WRONG_API] = {VHV_NESTING_WRONG_API, "KVM speaks another version of its interface than 12",
                   "use Linux 2.6.22 or newer"},
    [NO_VIRTUALIZATION] = {VHV_NESTING_NO_VIRTUALIZATION, "{lack}", "{expose}"},
    [FIRMWARE_OFF] = {VHV_NESTING_FIRMWARE_OFF, "the firmware has switched {extension} off",
                      "switch {switch} on in the firmware's setup, then power the machine off "
                      "and on"},
    [MASKED_BELOW] = {VHV_NESTING_MASKED_BELOW, "{lack}", "{expose}"},
    [MODULE_OFF] = {VHV_NESTING_MODULE_OFF, "{module} was loaded with nested=0",
                    "run \"echo 'options {module} nested=1' > /etc/modprobe.d/{module}.conf\", "
                    "then reload it while no VM runs: 'modprobe -r {module}; modprobe {module}'"},
    [BACKEND] = {VHV_NESTING_BACKEND,
                 "KVM is served by {backend}, not by {module}, and has no nesting",
                 "load {module} in its place"},
    [BACKEND_WITHOUT_CPU] = {VHV_NESTING_BACKEND,
                             "KVM is served by {backend} and has no nesting, and {lack}",
                             "{expose}; then load {module} in place of {backend}"},
    [BACKEND_SILENT] = {VHV_NESTING_BACKEND,
                        "{module} has nested=1, and still KVM offers guests no {extension}",
                        "look for messages of {module} in the kernel's log"},
    [OLD_KERNEL] = {VHV_NESTING_OLD_KERNEL,
                    "the kernel is too old: {kernel} has no KVM_CAP_NESTED_STATE",
                    "use Linux 5.8 or newer"},
    [NO_FEATURE_MSRS] = {VHV_NESTING_NO_FEATURE_MSRS,
                         "KVM does not let its VMX capability MSRs be read",
                         "use Linux 4.17 or newer"},
    [OPEN_FAILED] = {VHV_NESTING_UNKNOWN, "the KVM device could not be opened: {errno}", ""},
    [PROBE_FAILED] = {VHV_NESTING_UNKNOWN, "KVM was asked and did not answer: {probe}", ""},
    [PARAMETER_UNREADABLE] = {VHV_NESTING_UNKNOWN,
                              "KVM offers guests no {extension}, and whether {module} is loaded "
                              "with nested=1 cannot be read",
                              "read /sys/module/{module}/parameters/nested as root"},
};

/* The device is missing or dead. */
static enum finding judge_without_device(const struct vhv_host_facts *facts)
{
    if (facts->cpu_has == VHV_NO)
        return facts->hypervisor[0] ? MASKED_BELOW : NO_VIRTUALIZATION;
    if (facts->firmware_off == VHV_YES)
        return FIRMWARE_OFF;
    if (facts->cpu_has == VHV_YES && facts->module_loaded == VHV_NO)
        return NO_MODULE;
    return NO_DEVICE;
}

/* KVM works, and guests are offered neither VMX nor SVM. */
static enum finding judge_not_offered(const struct vhv_host_facts *facts)
{
    if (facts->cpu_has == VHV_NO)
        return BACKEND_WITHOUT_CPU;
    if (facts->firmware_off == VHV_YES)
        return FIRMWARE_OFF;
    if (facts->module_loaded == VHV_NO)
        return BACKEND;
    if (facts->module_loaded == VHV_YES && facts->module_nested == VHV_NO)
        return MODULE_OFF;
    if (facts->module_loaded == VHV_YES && facts->module_nested == VHV_YES)
        return BACKEND_SILENT;
    return PARAMETER_UNREADABLE;
}

static enum finding judge_offered(const struct vhv_host_facts *facts)
{
    if (facts->nested_state == VHV_NO)
        return OLD_KERNEL;
    if (facts->feature_msrs == VHV_NO)
        return NO_FEATURE_MSRS;
    if (facts->nested_state == VHV_UNKNOWN || facts->feature_msrs == VHV_UNKNOWN)
        return PROBE_FAILED;
    return CAN_NEST;
}

static enum finding judge(const struct vhv_host_facts *facts)
{
    if (facts->device == VHV_NO)
        return judge_without_device(facts);
    if (facts->permission == VHV_NO)
        return NO_PERMISSION;
    if (facts->permission == VHV_UNKNOWN)
        return OPEN_FAILED;
    if (facts->api_version && facts->api_version != KVM_API_VERSION)
        return WRONG_API;
    switch (facts->kvm_offers) {
    case VHV_YES:
        return judge_offered(facts);
    case VHV_NO:
        return judge_not_offered(facts);
    default:
        return PROBE_FAILED;
    }
}

static void note(char *notes, size_t bytes, const struct vhv_host_facts *facts, const char *text)
{
    size_t used = strlen(notes);

    if (used + sizeof("; ") > bytes)
        return;
    if (used) {
        strcpy(notes + used, "; ");
        used += 2;
    }
    vhv_host_expand(notes + used, bytes - used, text, facts);
}

static void take_notes(const struct vhv_host_facts *facts, struct vhv_verdict *verdict)
{
    char *notes = verdict->notes;
    const size_t bytes = sizeof(verdict->notes);

    if (facts->slat == VHV_NO)
        note(notes, bytes, facts, "{module} does not use {slat}: every guest is slow");
    else if (facts->guest_slat == VHV_NO)
        note(notes, bytes, facts,
             "KVM offers guests no nested paging: inner guests are slow, and some guest "
             "hypervisors refuse to start");
    if (verdict->nesting == VHV_NESTING_NO_PERMISSION && facts->module_nested == VHV_NO)
        note(notes, bytes, facts, "{module} was loaded with nested=0, too");
    if (verdict->nesting != VHV_NESTING_UNKNOWN && facts->failed_probe[0])
        note(notes, bytes, facts, "not everything could be asked: {probe}");
    if (facts->hypervisor[0])
        note(notes, bytes, facts, "this machine is itself a guest of {hypervisor}");
}

void vhv_host_judge(const struct vhv_host_facts *facts, struct vhv_verdict *verdict)
{
    enum finding finding = judge(facts);

    memset(verdict, 0, sizeof(*verdict));
    verdict->nesting = words[finding].nesting;
    vhv_host_expand(verdict->because, sizeof(verdict->because), words[finding].because, facts);
    vhv_host_expand(verdict->remedy, sizeof(verdict->remedy), words[finding].remedy, facts);
    take_notes(facts, verdict);
}

const char *vhv_nesting_name(enum vhv_nesting nesting)
{
    static const char *const names[] = {
        [VHV_NESTING_YES] = "yes",
        [VHV_NESTING_NO_DEVICE] = "no-device",
        [VHV_NESTING_NO_MODULE] = "no-module",
        [VHV_NESTING_NO_PERMISSION] = "no-permission",
        [VHV_NESTING_WRONG_API] = "wrong-api",
        [VHV_NESTING_NO_VIRTUALIZATION] = "no-virtualization",
        [VHV_NESTING_FIRMWARE_OFF] = "firmware-off",
        [VHV_NESTING_MASKED_BELOW] = "masked-below",
        [VHV_NESTING_MODULE_OFF] = "module-off",
        [VHV_NESTING_BACKEND] = "backend",
        [VHV_NESTING_OLD_KERNEL] = "old-kernel",
        [VHV_NESTING_NO_FEATURE_MSRS] = "no-feature-msrs",
        [VHV_NESTING_UNKNOWN] = "unknown",
    };

    if ((size_t)nesting >= sizeof(names) / sizeof(names[0]))
        return "unknown";
    return names[nesting];
}
