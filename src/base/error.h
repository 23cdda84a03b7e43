/* SPDX-License-Identifier: MIT */
/* Setting the calling thread's error. Used where the cause is known, once per failure; callers
 * above pass the code on. */
#ifndef VHV_BASE_ERROR_H
#define VHV_BASE_ERROR_H

#include <errno.h>
#include <libvhv/base.h>

/*
 * Sets message and cause of this thread and returns -code, so that a failing function ends in
 * `return vhv_fail(EINVAL, VHV_CAUSE_NONE, "...", ...);`. @code is a positive errno.
 */
int vhv_fail(int code, enum vhv_cause cause, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "text: " before the message that is there already, keeping its cause. Returns @result, which
 * is negative. */
int vhv_fail_within(int result, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The message of every failed allocation. Returns -ENOMEM. */
int vhv_fail_memory(size_t bytes);

/* The error of this thread, for a function that goes on after a failure and succeeds: success
 * leaves the caller's error as it was. */
struct vhv_error {
    enum vhv_cause cause;
    char message[VHV_ERROR_MESSAGE_BYTES];
};

void vhv_error_hold(struct vhv_error *error);
void vhv_error_restore(const struct vhv_error *error);

#endif
