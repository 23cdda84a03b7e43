/* SPDX-License-Identifier: MIT */
/* What the operating system of a guest brings with it, by the value of guestOS. */
#ifndef VHV_CPUID_PROFILES_H
#define VHV_CPUID_PROFILES_H

#include <stdbool.h>
#include <stdint.h>

/* A profile. Its texts are NULL where it has no say. */
struct vhv_profile {
    const char *guest_os; /* in lower case; '*' at its end stands for anything */
    /* Why virtualized HV is on by default, and why it is not after all. */
    const char *vhv_on;
    const char *vhv_not_allowed;
    const char *vhv_not_offered;
    const char *hypervisor_hidden; /* why the hypervisor is hidden by default */
    bool restricts_backdoor;       /* left to the guest, which has guests that use it */
};

/* The hardware version whose machines have virtualized HV by default if the profile says so. */
enum { VHV_PROFILE_HARDWARE_VERSION = 8 };

/* The profile of a guestOS, in any case; NULL: there is none. */
const struct vhv_profile *vhv_profile_find(const char *guest_os);

#endif
