/* SPDX-License-Identifier: MIT */
/*
 * KVM's ioctls, one wrapper each: the argument has the ioctl's own type, a failure is -errno with a
 * message that names the ioctl. Nothing is retried: -EINTR of KVM_RUN is the caller's. The calls go
 * through vhv_kvm_ops, which tests replace.
 */
#ifndef VHV_KVM_KVM_H
#define VHV_KVM_KVM_H

#include <errno.h>
#include <libvhv/base.h>
#include <linux/kvm.h>

/* The system calls under the wrappers, with the system calls' own conventions: -1 (or MAP_FAILED)
 * and errno. */
struct vhv_kvm_ops {
    int (*open)(const char *path, int flags);
    int (*close)(int fd);
    int (*ioctl)(int fd, unsigned long request, void *argument);
    void *(*mmap)(int fd, size_t bytes);
    int (*munmap)(void *address, size_t bytes);
};

extern const struct vhv_kvm_ops *vhv_kvm_ops;

/* One ioctl. @name is for the message. */
int vhv_kvm_ioctl(int fd, unsigned long request, void *argument, const char *name);

/* With an argument by pointer, whose size must be the one that the ioctl's number carries. */
#define VHV_KVM_CALL(fd, request, argument)                           \
    __extension__({                                                   \
        _Static_assert(sizeof(*(argument)) == _IOC_SIZE(request),     \
                       #request " takes another struct");             \
        vhv_kvm_ioctl((fd), (request), (void *)(argument), #request); \
    })

/* With an argument by value, or none. */
#define VHV_KVM_CALL_VALUE(fd, request, value)                                \
    __extension__({                                                           \
        _Static_assert(_IOC_SIZE(request) == 0, #request " takes a pointer"); \
        vhv_kvm_ioctl((fd), (request), (void *)(uintptr_t)(value), #request); \
    })

/* Opens a KVM device. Returns the file descriptor. */
int vhv_kvm_open(const char *path);
/* Closes a descriptor that one of these functions returned; -1 is fine. */
void vhv_kvm_close(int fd);
/* Maps the page that a vCPU shares with KVM. */
int vhv_kvm_map_run(struct kvm_run **ret, int vcpu, size_t bytes);
void vhv_kvm_unmap_run(struct kvm_run *run, size_t bytes);

/* A capability of the system's or a VM's descriptor: VHV_UNKNOWN if the ioctl itself fails. @value
 * may be NULL. Sets no message. */
enum vhv_answer vhv_kvm_capability(int fd, unsigned long capability, int *value);
/* A capability's name, such as "KVM_CAP_NESTED_STATE"; NULL for those that libvhv does not use. */
const char *vhv_kvm_capability_name(unsigned long capability);
/* The capabilities that libvhv uses, by position; 0 beyond the last one. */
unsigned long vhv_kvm_capability_at(size_t index);
/* For code that goes another way without a capability: 1 or 0, or fails if KVM does not answer. */
int vhv_kvm_has(int fd, unsigned long capability, int *value);
/* Fails with VHV_CAUSE_CAPABILITY_MISSING unless the answer is VHV_YES. @why says what it is needed
 * for. */
int vhv_kvm_require(int fd, unsigned long capability, const char *why);

/* On the system's descriptor. Lists come in the kernel's structs with room for n... entries, which
 * the kernel updates. */
int vhv_kvm_get_api_version(int kvm);
int vhv_kvm_create_vm(int kvm, unsigned long type);
int vhv_kvm_get_vcpu_mmap_size(int kvm);
int vhv_kvm_get_supported_cpuid(int kvm, struct kvm_cpuid2 *cpuid);
int vhv_kvm_get_msr_index_list(int kvm, struct kvm_msr_list *list);
int vhv_kvm_get_msr_feature_index_list(int kvm, struct kvm_msr_list *list);

/* On a VM's descriptor. */
int vhv_kvm_create_vcpu(int vm, unsigned long id);
int vhv_kvm_set_user_memory_region(int vm, const struct kvm_userspace_memory_region *region);
int vhv_kvm_get_dirty_log(int vm, struct kvm_dirty_log *log);
int vhv_kvm_set_tss_addr(int vm, unsigned long gpa);
int vhv_kvm_set_identity_map_addr(int vm, uint64_t gpa);
int vhv_kvm_create_irqchip(int vm);
int vhv_kvm_get_irqchip(int vm, struct kvm_irqchip *chip);
int vhv_kvm_set_irqchip(int vm, const struct kvm_irqchip *chip);
int vhv_kvm_create_pit2(int vm, const struct kvm_pit_config *config);
int vhv_kvm_get_pit2(int vm, struct kvm_pit_state2 *pit);
int vhv_kvm_set_pit2(int vm, const struct kvm_pit_state2 *pit);
int vhv_kvm_get_clock(int vm, struct kvm_clock_data *clock);
int vhv_kvm_set_clock(int vm, const struct kvm_clock_data *clock);
int vhv_kvm_irq_line(int vm, const struct kvm_irq_level *level);
int vhv_kvm_signal_msi(int vm, const struct kvm_msi *msi);
int vhv_kvm_set_gsi_routing(int vm, const struct kvm_irq_routing *routing);
int vhv_kvm_irqfd(int vm, const struct kvm_irqfd *irqfd);
int vhv_kvm_ioeventfd(int vm, const struct kvm_ioeventfd *ioeventfd);
int vhv_kvm_x86_set_msr_filter(int vm, const struct kvm_msr_filter *filter);

/* On a VM's or a vCPU's descriptor. */
int vhv_kvm_enable_cap(int fd, const struct kvm_enable_cap *cap);
int vhv_kvm_get_stats_fd(int fd);

/* On the system's (feature MSRs) or a vCPU's descriptor. Returns how many MSRs were read or
 * written. */
int vhv_kvm_get_msrs(int fd, struct kvm_msrs *msrs);
int vhv_kvm_set_msrs(int vcpu, const struct kvm_msrs *msrs);

/* On a vCPU's descriptor. */
int vhv_kvm_set_cpuid2(int vcpu, const struct kvm_cpuid2 *cpuid);
int vhv_kvm_get_cpuid2(int vcpu, struct kvm_cpuid2 *cpuid);
int vhv_kvm_get_tsc_khz(int vcpu);
int vhv_kvm_get_regs(int vcpu, struct kvm_regs *regs);
int vhv_kvm_set_regs(int vcpu, const struct kvm_regs *regs);
int vhv_kvm_get_sregs(int vcpu, struct kvm_sregs *sregs);
int vhv_kvm_set_sregs(int vcpu, const struct kvm_sregs *sregs);
int vhv_kvm_get_fpu(int vcpu, struct kvm_fpu *fpu);
int vhv_kvm_set_fpu(int vcpu, const struct kvm_fpu *fpu);
int vhv_kvm_get_xsave(int vcpu, struct kvm_xsave *xsave);
int vhv_kvm_get_xsave2(int vcpu, struct kvm_xsave *xsave);
int vhv_kvm_set_xsave(int vcpu, const struct kvm_xsave *xsave);
int vhv_kvm_get_xcrs(int vcpu, struct kvm_xcrs *xcrs);
int vhv_kvm_set_xcrs(int vcpu, const struct kvm_xcrs *xcrs);
int vhv_kvm_get_debugregs(int vcpu, struct kvm_debugregs *debugregs);
int vhv_kvm_set_debugregs(int vcpu, const struct kvm_debugregs *debugregs);
int vhv_kvm_get_vcpu_events(int vcpu, struct kvm_vcpu_events *events);
int vhv_kvm_set_vcpu_events(int vcpu, const struct kvm_vcpu_events *events);
int vhv_kvm_get_mp_state(int vcpu, struct kvm_mp_state *state);
int vhv_kvm_set_mp_state(int vcpu, const struct kvm_mp_state *state);
int vhv_kvm_get_lapic(int vcpu, struct kvm_lapic_state *lapic);
int vhv_kvm_set_lapic(int vcpu, const struct kvm_lapic_state *lapic);
int vhv_kvm_get_nested_state(int vcpu, struct kvm_nested_state *state);
int vhv_kvm_set_nested_state(int vcpu, const struct kvm_nested_state *state);
int vhv_kvm_interrupt(int vcpu, uint32_t vector);
int vhv_kvm_nmi(int vcpu);
int vhv_kvm_set_signal_mask(int vcpu, const struct kvm_signal_mask *mask);

/* KVM_RUN as the kernel answers it: 0, or -errno without a message, since -EINTR is no failure. On
 * the path of every exit. */
static inline int vhv_kvm_run(int vcpu)
{
    return vhv_kvm_ops->ioctl(vcpu, KVM_RUN, NULL) < 0 ? -errno : 0;
}

#endif
