/* SPDX-License-Identifier: MIT */
/* The host as the room that makes VMs sees it. */
#ifndef VHV_HOST_HOST_H
#define VHV_HOST_HOST_H

#include <libvhv/host.h>
#include <libvhv/kvm.h>

#include "kvm/kvm.h"

/* Where the probes look. Tests give trees of their own. */
struct vhv_host_paths {
    const char *device;  /* /dev/kvm */
    const char *sysfs;   /* /sys */
    const char *msr;     /* /dev/cpu/0/msr */
    const char *cpuinfo; /* /proc/cpuinfo */
    /* The host's policy, from low to high; NULL: none. Of these, only the last one must be there.
     */
    const char *system_policy;
    const char *user_policy;
    const char *policy;
};

/* As vhv_host_new(), on a machine with this processor. Takes @processor, also on failure. */
int vhv_host_probe(struct vhv_host **ret, struct vhv_cpuid *processor,
                   const struct vhv_host_paths *paths);

/* A VM keeps its host alive after the program has freed it. */
const struct vhv_host *vhv_host_ref(const struct vhv_host *host);
void vhv_host_unref(const struct vhv_host *host);

/* For what needs KVM on a host where it could not be asked: fails with why, and what to do. */
int vhv_host_fail_without_kvm(const struct vhv_host *host);

/* Whether we run under a hypervisor other than KVM. An emulator of whole processors is none. */
bool vhv_host_is_under_foreign_hypervisor(const struct vhv_host *host);

/* The MSRs that KVM saves and restores: KVM_GET_MSR_INDEX_LIST. Valid as long as @host. NULL with a
 * message if KVM could not be asked. */
const uint32_t *vhv_host_msr_indexes(const struct vhv_host *host, size_t *count);

/* From KVM's table to ours, and back. *@ret is to be freed by vhv_cpuid_free() and by free(). */
int vhv_cpuid_from_kvm(struct vhv_cpuid **ret, const struct kvm_cpuid2 *from);
int vhv_cpuid_to_kvm(struct kvm_cpuid2 **ret, const struct vhv_cpuid *from);

#endif
