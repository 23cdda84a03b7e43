/* SPDX-License-Identifier: MIT */
/* What the files of this room share: the VM and the vCPU. */
#ifndef VHV_VM_VM_H
#define VHV_VM_VM_H

#include <libvhv/kvm.h>
#include <libvhv/msr.h>
#include <libvhv/vcpu.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "kvm/kvm.h"

/* Every rule has the ranges of KVM's filter that it needs. */
enum { VHV_VM_MAX_MSR_RULES = 17 };

struct vhv_msr_policy {
    struct vhv_msr_rule rules[VHV_VM_MAX_MSR_RULES];
    size_t count;
    _Atomic(uint64_t) reads[VHV_VM_MAX_MSR_RULES], writes[VHV_VM_MAX_MSR_RULES];
};

struct vhv_vm {
    const struct vhv_host *host; /* a reference of our own */
    struct vhv_config *config;
    struct vhv_memory *memory;
    struct vhv_bus *bus;
    struct vhv_vm_backdoor *backdoor; /* NULL: it has none */
    int fd;
    size_t run_bytes; /* of the page that a vCPU shares with KVM */
    enum vhv_irqchip irqchip;
    bool pit;
    bool report_only;
    int kick_signal;
    bool kick_handler;
    bool measure;
    bool hide_msrs;
    bool refuse_foreign_hypervisor;

    _Atomic(enum vhv_stage) stage;
    enum vhv_stage stage_before_pause;
    bool has_vhv;

    pthread_mutex_t lock;   /* vcpus[], stage changes, binding of vCPUs to threads, parking */
    pthread_cond_t changed; /* a vCPU parked or left its run; the VM was resumed or stopped */

    struct vhv_vcpu *vcpus[VHV_VM_MAX_VCPUS];
    size_t vcpu_count;

    struct vhv_msr_policy
        msrs; /* does not change once the VM is powered on, but for its counters */
};

struct vhv_vcpu {
    /* Touched on every exit. */
    struct kvm_run *run;
    struct vhv_vm *vm;
    int fd;
    bool exit_is_waiting;      /* vhv_vcpu_complete() found another exit: the next run returns it */
    _Atomic(pthread_t) thread; /* that it is bound to, if @bound */
    atomic_bool bound;
    atomic_bool inside;     /* a run is going on */
    atomic_bool parked;     /* inside, and waiting for the end of a pause */
    atomic_bool kicked;     /* vhv_vcpu_kick() was called and not yet reported */
    struct vhv_vcpu *outer; /* while inside: whose handler runs this one; NULL: nobody's */
    _Atomic(uint64_t) exits[VHV_EXIT_REASONS];

    uint32_t id;
    struct vhv_guest_cpuid *cpuid;

    /* vhv_vcpu_start() */
    bool has_thread;
    pthread_t own_thread;
    vhv_exit_fn on_exit;
    void *cookie;
    int result;
    enum vhv_cause result_cause;
    char result_message[VHV_ERROR_MESSAGE_BYTES];
};

/* vcpu.c: undoes vhv_vcpu_new(). */
void vhv_vcpu_destroy(struct vhv_vcpu *vcpu);
/* Whether the calling thread may use the vCPU's state now: powered on, and not inside another
   thread's run. */
int vhv_vcpu_check_idle(const struct vhv_vcpu *vcpu);

/* The frequency of a vCPU's TSC; 0 where KVM does not tell it. */
int vhv_vcpu_tsc_khz(const struct vhv_vcpu *vcpu, uint32_t *khz);
/* The frequency of the local APIC's bus; 0 if that is not in the kernel. */
uint32_t vhv_vm_apic_bus_khz(const struct vhv_vm *vm);

/* backdoor.c; NULL is fine */
void vhv_vm_backdoor_free(struct vhv_vm_backdoor *backdoor);

/* kick.c: installs the handler if the options ask for it. */
int vhv_kick_prepare(const struct vhv_vm *vm);
/* Makes the run that is going on, or the next one, leave KVM_RUN. The reason is in the VM's and the
   vCPU's flags. */
void vhv_vcpu_interrupt_run(struct vhv_vcpu *vcpu);
/* Binds the vCPU to the calling thread and makes the VM run; waits while it is paused. On the way
   into each run that is not on the thread of the last one or not in stage running. Returns 1 if the
   VM was stopped. */
int vhv_vcpu_bind(struct vhv_vcpu *vcpu);
/* Takes back the request to leave KVM_RUN. Returns whether it was ours. */
bool vhv_vcpu_clear_interrupt(struct vhv_vcpu *vcpu);
/* Waits for the end of a pause. Returns 1 if the VM was stopped. */
int vhv_vcpu_park(struct vhv_vcpu *vcpu);
/* Whether no vCPU executes guest code. With the VM's lock held. */
bool vhv_vm_stands_still(const struct vhv_vm *vm);
/* Tells a pause that waits for this vCPU that its run is over. */
void vhv_vcpu_left(struct vhv_vcpu *vcpu);

/* nested.c: after KVM_SET_CPUID2, gives a vCPU that is offered virtualized HV the MSRs that go with
   it. */
int vhv_vcpu_set_up_vhv(struct vhv_vcpu *vcpu);

/* measure.c: has a VM like this one measure, and tells each vCPU's CPUID. */
int vhv_vm_measure(struct vhv_vm *vm);

/* msr_policy.c: has KVM enforce the rules, with those of hide_msrs. On the way out of power-on. */
int vhv_msr_policy_apply(struct vhv_vm *vm);
/* Counts an exit for an MSR and fills in the answer. Returns whether that is the last word. */
bool vhv_msr_policy_answer(struct vhv_msr_policy *policy, struct kvm_run *run);

/* msrs.c: as vhv_vcpu_get_msrs() and vhv_vcpu_set_msrs(), without asking for the stage. */
int vhv_msrs_get(int vcpu_fd, struct vhv_msr *msrs, size_t count);
int vhv_msrs_set(int vcpu_fd, const struct vhv_msr *msrs, size_t count);

#endif
