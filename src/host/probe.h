/* SPDX-License-Identifier: MIT */
/* What the files of this room share: the host, and the probes that fill it. */
#ifndef VHV_HOST_PROBE_H
#define VHV_HOST_PROBE_H

#include <limits.h>
#include <stdatomic.h>

#include "host/host.h"

struct vhv_host {
    atomic_uint references;
    int kvm; /* -1 unless KVM can be used */
    struct vhv_host_facts facts;
    struct vhv_verdict verdict;
    /* Why KVM does not offer VMX or SVM and what to do, as the end of a sentence; "" if it does. */
    char why_not_nested[sizeof(struct vhv_verdict)];
    struct vhv_config *policy;
    struct vhv_cpuid *processor;
    bool tsc_deadline;             /* the in-kernel local APIC's timer has the mode */
    struct vhv_cpuid *supported;   /* NULL if KVM could not be asked */
    struct kvm_msr_list *indexes;  /* NULL if KVM could not be asked */
    struct kvm_msrs *feature_msrs; /* NULL if KVM could not be asked */
};

/* Whether a table shows VMX or SVM, whichever the vendor has. */
bool vhv_host_shows_virtualization(const struct vhv_cpuid *table, enum vhv_vendor vendor);

/* What can be told without KVM: processor, hypervisor below, modules, firmware, kernel. */
void vhv_host_probe_system(struct vhv_host *host, const struct vhv_host_paths *paths);

/* Opens KVM and asks it. What it does not answer stays unknown and is noted as failed_probe.
 * Returns 0, or -ENOMEM. */
int vhv_host_probe_kvm(struct vhv_host *host, const char *device);

/* Which files are the policy, by @given of the options. @room is for one of the names. */
void vhv_host_choose_policy(struct vhv_host_paths *paths, const char *given, char room[PATH_MAX]);

/* Reads the host's policy. Returns 0, or a negative errno. */
int vhv_host_load_policy(struct vhv_config **ret, const struct vhv_host_paths *paths);

#endif
