/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* initial-exec would be faster, but forbids dlopen() of the library on some systems; errors are not
 * a fast path. */
static _Thread_local char message[VHV_ERROR_MESSAGE_BYTES];
static _Thread_local enum vhv_cause last_cause;

static void mark_if_cut(char *text, size_t bytes, int wanted)
{
    if (wanted >= 0 && (size_t)wanted >= bytes)
        memcpy(text + bytes - 4, "...", 4);
}

int vhv_fail(int code, enum vhv_cause cause, const char *format, ...)
{
    va_list args;
    int wanted;

    va_start(args, format);
    wanted = vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    mark_if_cut(message, sizeof(message), wanted);
    last_cause = cause;
    return -code;
}

int vhv_fail_within(int result, const char *format, ...)
{
    char inner[VHV_ERROR_MESSAGE_BYTES];
    va_list args;
    int used, wanted;

    memcpy(inner, message, sizeof(inner));
    va_start(args, format);
    used = vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (used < 0 || (size_t)used >= sizeof(message))
        used = 0;
    wanted =
        snprintf(message + used, sizeof(message) - (size_t)used, "%s%s", used ? ": " : "", inner);
    mark_if_cut(message, sizeof(message), wanted < 0 ? wanted : used + wanted);
    return result;
}

int vhv_fail_memory(size_t bytes)
{
    return vhv_fail(ENOMEM, VHV_CAUSE_NONE, "out of memory: could not allocate %zu bytes", bytes);
}

void vhv_error_hold(struct vhv_error *error)
{
    error->cause = last_cause;
    memcpy(error->message, message, sizeof(message));
}

void vhv_error_restore(const struct vhv_error *error)
{
    last_cause = error->cause;
    memcpy(message, error->message, sizeof(message));
}

const char *vhv_error_message(void)
{
    return message;
}

enum vhv_cause vhv_error_cause(void)
{
    return last_cause;
}

const char *vhv_cause_name(enum vhv_cause cause)
{
    static const char *const names[] = {
        [VHV_CAUSE_NONE] = "none",
        [VHV_CAUSE_NO_KVM] = "no-kvm",
        [VHV_CAUSE_CAPABILITY_MISSING] = "capability-missing",
        [VHV_CAUSE_CANNOT_NEST] = "cannot-nest",
        [VHV_CAUSE_REQUIREMENT_UNMET] = "requirement-unmet",
        [VHV_CAUSE_CPUID_NOT_HONOURED] = "cpuid-not-honoured",
        [VHV_CAUSE_SYNTAX] = "syntax",
        [VHV_CAUSE_WRONG_STAGE] = "wrong-stage",
        [VHV_CAUSE_GUEST_ADDRESS] = "guest-address",
        [VHV_CAUSE_KVM] = "kvm",
        [VHV_CAUSE_VM_DEAD] = "vm-dead",
        [VHV_CAUSE_POLICY] = "policy",
        [VHV_CAUSE_FOREIGN_HYPERVISOR] = "foreign-hypervisor",
    };

    if ((size_t)cause >= sizeof(names) / sizeof(names[0]))
        return "unknown";
    return names[cause];
}
