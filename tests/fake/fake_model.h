/* SPDX-License-Identifier: MIT */
/* The parts of the fake KVM: descriptors, and what is behind them. */
#ifndef VHV_TESTS_FAKE_MODEL_H
#define VHV_TESTS_FAKE_MODEL_H

#include "fake_kvm.h"

enum { FAKE_RUN_BYTES = 3 * 4096, FAKE_BLOB_BYTES = 4096, FAKE_BLOBS = 16, FAKE_MSRS = 64 };

enum fake_kind { FAKE_SYSTEM, FAKE_VM, FAKE_VCPU, FAKE_STATS };

/* State that is read as it was written. */
typedef unsigned char fake_blob[FAKE_BLOB_BYTES];

struct fake_vm {
    struct fake_vm *older; /* which is freed after this one */
    unsigned references;   /* of its own descriptor and its vCPUs' */
    bool irqchip, lapic, pit;
    struct kvm_userspace_memory_region slots[FAKE_SLOTS];
    uint64_t *dirty[FAKE_SLOTS];
    uint64_t msr_exits;
    struct kvm_msr_filter msr_filter;
    uint8_t msr_bitmaps[KVM_MSR_FILTER_MAX_RANGES][KVM_MSR_FILTER_MAX_BITMAP_SIZE];
    fake_blob blobs[FAKE_BLOBS];
};

struct fake_vcpu {
    struct fake_vm *vm;
    struct kvm_cpuid2 *cpuid;
    bool ran;
    struct kvm_run *run;
    size_t msr_count;
    struct kvm_msr_entry msrs[FAKE_MSRS];
    fake_blob blobs[FAKE_BLOBS];
    fake_blob nested;
};

struct fake_object {
    int fd;
    enum fake_kind kind;
    struct fake_vm *vm; /* of a VM and its vCPUs */
    struct fake_vcpu *vcpu;
};

/* An ioctl of one kind of descriptor; the handler returns 0 or more, or -errno. */
struct fake_ioctl {
    unsigned long request;
    const char *name;
    int (*handler)(struct fake_object *object, void *argument);
};

#define FAKE_IOCTL(request, handler) \
    {                                \
        request, #request, handler   \
    }

extern const struct fake_ioctl fake_system_ioctls[], fake_vm_ioctls[], fake_vcpu_ioctls[];

/* Takes the next descriptor for an object. Returns it, or -errno. */
int fake_object_new(enum fake_kind kind, struct fake_vm *vm, struct fake_vcpu *vcpu);

struct fake_vm *fake_vm_new(void);
bool fake_vm_msr_is_allowed(const struct fake_vm *vm, uint32_t index, bool is_write);
void fake_vm_unref(struct fake_vm *vm);
struct fake_vcpu *fake_vcpu_new(struct fake_vm *vm);
void fake_vcpu_free(struct fake_vcpu *vcpu);

/* On several kinds of descriptors. */
int fake_check_extension(struct fake_object *object, void *argument);
int fake_enable_cap(struct fake_object *object, void *argument);
int fake_get_stats_fd(struct fake_object *object, void *argument);
int fake_accept(struct fake_object *object, void *argument);

/* memcpy() as the end of a handler. */
int fake_copy(void *to, const void *from, size_t bytes);

/* What the played host has. Ends in an entry whose leaf or MSR is ~0. */
const struct kvm_cpuid_entry2 *fake_cpuid_entries(void);
const struct kvm_msr_entry *fake_feature_msrs(void);
const struct kvm_msr_entry *fake_vcpu_msrs(void);
/* Copies a table out as KVM does: E2BIG where there is too little room. */
int fake_cpuid_copy(struct kvm_cpuid2 *to, const struct kvm_cpuid_entry2 *from, uint32_t count);

#endif
