/* SPDX-License-Identifier: MIT */
/*
 * Version, errors and the log hook: what every other header of libvhv builds on.
 *
 * Every function that can fail returns an int: >= 0 on success, a negative errno on failure. On
 * failure, and only then, it leaves a message and a cause for the calling thread.
 */
#ifndef LIBVHV_BASE_H
#define LIBVHV_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VHV_API __attribute__((visibility("default")))
#else
#define VHV_API
#endif

#define VHV_VERSION_MAJOR 0
#define VHV_VERSION_MINOR 1
#define VHV_VERSION_PATCH 0

/* Length of the longest error message with its terminating NUL, in bytes. A longer one is cut and
 * ends in "...". */
#define VHV_ERROR_MESSAGE_BYTES 1024

/*
 * What a program may want to decide on beyond the errno. VHV_CAUSE_NONE goes with failures that the
 * errno says in full (a wrong argument, no memory).
 */
enum vhv_cause {
    VHV_CAUSE_NONE = 0,
    VHV_CAUSE_NO_KVM,             /* no usable /dev/kvm: absent, forbidden or of another version */
    VHV_CAUSE_CAPABILITY_MISSING, /* this kernel's KVM lacks a capability that was asked for */
    VHV_CAUSE_CANNOT_NEST,        /* this host or the hardware version has no virtualized HV */
    VHV_CAUSE_REQUIREMENT_UNMET,  /* the host is not what a mask's 't' or 'f' or a setting wants */
    VHV_CAUSE_CPUID_NOT_HONOURED, /* a bit that was asked for is not what a guest gets */
    VHV_CAUSE_SYNTAX,             /* a file, mask or key is malformed; the message says where */
    VHV_CAUSE_WRONG_STAGE,        /* the object is not in a stage in which the call is allowed */
    VHV_CAUSE_GUEST_ADDRESS,      /* a guest address or length is outside of guest memory */
    VHV_CAUSE_KVM,                /* an ioctl failed; the message names it */
    VHV_CAUSE_VM_DEAD,            /* KVM has killed the VM; it can only be freed */
    VHV_CAUSE_POLICY,             /* refused by the host's policy */
    VHV_CAUSE_FOREIGN_HYPERVISOR  /* this machine runs under a hypervisor other than KVM */
};

/**
 * vhv_version() - version of the library that is running
 *
 * Return: a static string such as "0.1.0". A program compares it with VHV_VERSION_* to see a
 * mismatch of header and library.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const char *vhv_version(void);

/**
 * vhv_error_message() - what went wrong last in this thread
 *
 * The message belongs to the last libvhv call of this thread that failed; a call that succeeds
 * leaves it alone.
 *
 * Return: a string in a buffer of this thread, never NULL, empty if nothing failed yet. It stays
 * valid until the next failure in the same thread.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const char *vhv_error_message(void);

/**
 * vhv_error_cause() - why the last failing call of this thread failed, for programs
 *
 * Return: the cause that goes with vhv_error_message(); VHV_CAUSE_NONE if nothing failed yet or the
 * errno says it all.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API enum vhv_cause vhv_error_cause(void);

/**
 * vhv_cause_name() - a cause as a word
 * @cause: the cause
 *
 * Return: a static string such as "cannot-nest"; "unknown" for a value that this version does not
 * know.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const char *vhv_cause_name(enum vhv_cause cause);

/* Yes, no, or could not be told: a probe that fails is not a "no". */
enum vhv_answer { VHV_UNKNOWN = 0, VHV_NO, VHV_YES };

/* How much a log line matters. */
enum vhv_log_level { VHV_LOG_WARNING = 1, VHV_LOG_INFO, VHV_LOG_DEBUG };

/*
 * Called for each log line: on the thread that caused it, possibly on several at once. @line has no
 * newline and lives for the time of the call. The hook may call vhv_error_message() and
 * vhv_cause_name(), nothing else of libvhv.
 */
typedef void (*vhv_log_hook)(enum vhv_log_level level, const char *line, void *cookie);

/**
 * vhv_log_set() - send the library's log lines somewhere
 * @level: the least important level to be told; lines beyond it cost one comparison
 * @hook: receives the lines; NULL turns logging off, which is the default
 * @cookie: handed to @hook
 *
 * The library never prints. Set the hook before other threads use the library. Nothing is logged on
 * the path of an exit.
 *
 * Thread: any, while no other thread is inside the library. Stage: any. Since: 0.1.
 */
VHV_API void vhv_log_set(enum vhv_log_level level, vhv_log_hook hook, void *cookie);

#ifdef __cplusplus
}
#endif

#endif
