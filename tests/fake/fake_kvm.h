/* SPDX-License-Identifier: MIT */
/*
 * A KVM in memory: a small model that answers what the library asks of the kernel, remembers what
 * it was given, and can fail any call. It runs no guest: KVM_RUN plays a script.
 */
#ifndef VHV_TESTS_FAKE_KVM_H
#define VHV_TESTS_FAKE_KVM_H

#include <libvhv/cpuid.h>

#include "kvm/kvm.h"

enum { FAKE_LOG_CALLS = 4096, FAKE_SLOTS = 64 };

/* An exit that KVM_RUN plays: fills in the page and returns 0, or returns a positive errno. */
typedef int (*fake_exit)(struct kvm_run *run);

struct fake_call {
    const char *name; /* "open", "mmap" or the ioctl's */
    int result;       /* 0 or more, or -errno */
};

struct fake_kvm {
    /* Set by a test after fake_kvm_install(). */
    unsigned fail_call; /* fails, counted from 1; 0: none */
    int fail_errno;
    int api_version;
    bool nested;             /* false: as a vendor module with nested=0 */
    long missing_capability; /* that KVM_CHECK_EXTENSION denies; -1: none */
    const fake_exit *script; /* what KVM_RUN plays, on whichever vCPU; HLT beyond its end */
    size_t script_length;
    struct {
        uint32_t leaf;
        uint32_t eax, ebx, ecx, edx; /* these bits come back inverted from KVM_GET_CPUID2 */
    } readback;
    struct {
        uint32_t leaf;
        uint32_t eax, ebx, ecx, edx; /* these bits are inverted when a guest reads them */
    } measured;

    /* What was seen. */
    enum vhv_vendor vendor;
    unsigned calls;      /* that could have failed: all but close and munmap */
    bool hides_counters; /* KVM_CAP_PMU_CAPABILITY was enabled with KVM_PMU_CAP_DISABLE */
    size_t script_next;
    const struct kvm_cpuid2 *cpuid; /* of the vCPU whose exit is being played */
    struct fake_call log[FAKE_LOG_CALLS];
};

extern struct fake_kvm fake_kvm;

/* Puts the library on a fresh fake: VHV_VENDOR_AMD or VHV_VENDOR_INTEL. */
void fake_kvm_install(enum vhv_vendor vendor);
/* Puts the library back on the kernel. Descriptors that are still open are closed. */
void fake_kvm_remove(void);

/* What the library holds at the moment. */
unsigned fake_kvm_descriptors(void);
unsigned fake_kvm_mappings(void);
/* A slot of the youngest VM; NULL if it is not registered. */
const struct kvm_userspace_memory_region *fake_kvm_slot(unsigned slot);
unsigned fake_kvm_slots(void);
/* Whether the youngest VM's filter lets its guest access an MSR, and what then exits to the program
 * (KVM_MSR_EXIT_REASON_…). */
bool fake_kvm_msr_is_allowed(uint32_t index, bool is_write);
uint64_t fake_kvm_msr_exits(void);
/* Marks a page as written by the guest. */
void fake_kvm_write_page(unsigned slot, uint64_t page);

/* An exit for a script: the guest that measures CPUID, in the youngest VM, has answered. */
int fake_measuring_guest(struct kvm_run *run);

/* How often a call was made, by its name such as "KVM_SET_CPUID2". */
unsigned fake_kvm_count(const char *name);

/* The processor's own CPUID, of the same vendor; to be freed by vhv_cpuid_free(). */
struct vhv_cpuid *fake_kvm_processor(void);

#endif
