/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine: memory, bus, interrupts, and the stages that it goes through.
 *
 *     configure --power_on--> ready --run--> running --pause--> paused
 *                                            running <-resume-- paused
 *     any --stop--> off
 *
 * Configure: add memory, ranges, vCPUs. Power-on maps the memory into KVM, sets each vCPU's CPUID,
 * reads it back, and switches virtualized HV on, or fails and leaves the VM as it was. From then on
 * layout and CPUID are frozen.
 */
#ifndef LIBVHV_VM_H
#define LIBVHV_VM_H

#include <libvhv/bus.h>
#include <libvhv/config.h>
#include <libvhv/host.h>
#include <libvhv/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kvm_clock_data;
struct kvm_irq_routing_entry;
struct kvm_irqchip;
struct kvm_pit_state2;

enum vhv_stage {
    VHV_STAGE_CONFIGURE = 0,
    VHV_STAGE_READY,
    VHV_STAGE_RUNNING,
    VHV_STAGE_PAUSED,
    VHV_STAGE_OFF
};

enum vhv_irqchip {
    VHV_IRQCHIP_NONE = 0, /* interrupts are the program's: vhv_vcpu_interrupt() */
    VHV_IRQCHIP_KERNEL,   /* PIC, I/O APIC and local APICs in the kernel */
    VHV_IRQCHIP_SPLIT     /* local APICs in the kernel, PIC and I/O APIC in the program */
};

/* vCPUs of one VM are at most this many, and have ids up to this: 255 addresses all. */
enum { VHV_VM_MAX_VCPUS = 64, VHV_VM_MAX_VCPU_ID = 254 };

struct vhv_vm_options {
    size_t size; /* sizeof(struct vhv_vm_options) */
    /* Read by vhv_vm_new() and copied; NULL: an empty one. The host's policy is put below it. If it
     * has numvcpus, that many vCPUs are made, with ids from 0, or as cpuid.coresPerSocket has them;
     * if it has memsize, that much RAM is added. */
    const struct vhv_config *config;
    enum vhv_irqchip irqchip;
    bool pit; /* an i8254 in the kernel; needs VHV_IRQCHIP_KERNEL */
    /* Findings of vhv_guest_cpuid_finding() do not refuse power-on, but for the host's policy. */
    bool report_only;
    int kick_signal; /* the signal that kicks a vCPU out of KVM_RUN; 0 = SIGRTMAX - 1 */
    /* Install an empty handler for kick_signal, and save the two changes of the signal mask that
     * the kernel makes at each KVM_RUN without it; false: no handler, the signal is blocked in vCPU
     * threads. */
    bool kick_handler;
    /* Have power-on measure what a guest reads by CPUID (see <libvhv/measure.h>), on every vCPU of
     * a VM of its own: a bit that a mask or setting asked for and that a guest reads otherwise is a
     * finding. */
    bool measure;
    /* Have the MSRs of features that CPUID hides fault, also where KVM alone would answer: SVM's,
     * VMX's, and, if the hypervisor is hidden, KVM's own. See <libvhv/msr.h>. */
    bool hide_msrs;
    /* Power-on is refused under a hypervisor other than KVM, unless vmx.allowNested is TRUE in the
     * configuration or in the host's policy. */
    bool refuse_foreign_hypervisor;
};

/* A VM. */
struct vhv_vm;
/* A virtual CPU; belongs to its VM. See <libvhv/vcpu.h>. */
struct vhv_vcpu;

/**
 * vhv_vm_new() - make a VM
 * @ret: the VM, on success; free it with vhv_vm_free()
 * @host: the host; NULL: it is probed for this VM alone
 * @options: NULL = defaults: no irqchip, no virtualized HV
 *
 * Return: 0, or a negative errno:
 *   -EINVAL      the options are malformed or contradict each other
 *   -ENODEV      KVM cannot be used here (cause: no-kvm); the message says why and what to do
 *   -EOPNOTSUPP  KVM lacks a capability that the options need (cause: capability-missing)
 *   -ENOMEM      no memory
 *   others       an ioctl failed (cause: kvm); the message names it
 *
 * Thread: any. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_CREATE_VM], [KVM-API KVM_CREATE_IRQCHIP], [KVM-API KVM_CREATE_PIT2].
 */
VHV_API int vhv_vm_new(struct vhv_vm **ret, const struct vhv_host *host,
                       const struct vhv_vm_options *options);

/**
 * vhv_vm_free() - end a VM and free it with its vCPUs, memory and bus
 * @vm: the VM; NULL is fine. Threads that vhv_vcpu_start() made are stopped and joined; no other
 * thread may be inside it.
 *
 * Thread: any but a vCPU's. Stage: any. Since: 0.1.
 */
VHV_API void vhv_vm_free(struct vhv_vm *vm);

/**
 * vhv_vm_memory() - the VM's memory
 * @vm: the VM
 *
 * Return: the memory; valid as long as @vm.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API struct vhv_memory *vhv_vm_memory(struct vhv_vm *vm);

/**
 * vhv_vm_bus() - the VM's bus
 * @vm: the VM
 *
 * Return: the bus; valid as long as @vm.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API struct vhv_bus *vhv_vm_bus(struct vhv_vm *vm);

/**
 * vhv_vm_config() - the VM's configuration
 * @vm: the VM
 *
 * Return: the VM's copy; valid as long as @vm.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_config *vhv_vm_config(const struct vhv_vm *vm);

/**
 * vhv_vm_vcpu() - a vCPU by its position
 * @vm: the VM
 * @index: 0 to vhv_vm_vcpu_count() - 1, in the order in which they were made
 *
 * Return: the vCPU; valid as long as @vm. NULL beyond the last one.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API struct vhv_vcpu *vhv_vm_vcpu(struct vhv_vm *vm, size_t index);

/**
 * vhv_vm_vcpu_count() - number of vCPUs
 * @vm: the VM
 *
 * Return: 0 to VHV_VM_MAX_VCPUS.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API size_t vhv_vm_vcpu_count(const struct vhv_vm *vm);

/**
 * vhv_vm_current_vcpu() - the vCPU whose access a handler of the bus is answering
 * @vm: the VM
 *
 * For devices that look at registers. A handler may read and set those of its own vCPU by
 * vhv_vcpu_get_regs() and vhv_vcpu_set_regs(). They are those before the instruction, which KVM
 * completes after the handler: RIP is to be left alone, and moves on by itself. The answer to an IN
 * goes into RAX as well, since KVM's emulator of instructions then takes RAX from there.
 *
 * Return: the vCPU whose vhv_vcpu_run() the calling thread is inside; of several, one run by
 * another's handler, the innermost. NULL if there is none.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API struct vhv_vcpu *vhv_vm_current_vcpu(const struct vhv_vm *vm);

/**
 * vhv_vm_power_on() - make the VM ready to run
 * @vm: the VM
 *
 * Maps memory and, for each vCPU, makes the guest's CPUID, sets it, reads it back and compares,
 * and, if the guest is offered virtualized HV, sets IA32_FEATURE_CONTROL and the VMX capability
 * MSRs (Intel). Then, if the options say so, it measures what a guest really reads. Everything or
 * nothing: on failure the VM is in stage configure again.
 *
 * Return: 0, or a negative errno:
 *   -EBUSY       not in stage configure (cause: wrong-stage)
 *   -EINVAL      there is no vCPU, or cpuid.coresPerSocket does not go with them
 *   -ENOTSUP     virtualized HV was asked for, and the host or the hardware version has none
 *                (cause: cannot-nest); the message says why and what to do
 *   -EOPNOTSUPP  a requirement of a mask or of vpmc.enable is unmet (cause: requirement-unmet) or a
 *                bit is not honoured (cause: cpuid-not-honoured)
 *   -EOPNOTSUPP  there are rules on MSRs, and KVM has no filter (cause: capability-missing)
 *   -EEXIST, -ENOSPC  rules on MSRs leave no place for those of hide_msrs
 *   -EPERM       the host's policy refuses virtualized HV (cause: policy), or this machine runs
 *                under a hypervisor other than KVM (cause: foreign-hypervisor)
 *   -ENOMEM      no memory
 *   others       an ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: configure. Since: 0.1.
 * Source: [KVM-API KVM_SET_CPUID2], [SDM "Enabling and Entering VMX Operation"], [APM2 "Enabling
 * SVM"].
 */
VHV_API int vhv_vm_power_on(struct vhv_vm *vm);

/**
 * vhv_vm_stage() - the stage that a VM is in
 * @vm: the VM
 *
 * Return: the stage; it is running from the first KVM_RUN of any vCPU on.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API enum vhv_stage vhv_vm_stage(const struct vhv_vm *vm);

/**
 * vhv_vm_has_vhv() - whether virtualized HV is on
 * @vm: the VM
 *
 * Return: true if the guest is offered VMX or SVM; false before power-on.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API bool vhv_vm_has_vhv(const struct vhv_vm *vm);

/**
 * vhv_vm_stop() - end every vCPU's run, for good
 * @vm: the VM
 *
 * Every vhv_vcpu_run() and vhv_vcpu_run_once(), now and later, returns VHV_EXIT_STOPPED. Does not
 * wait for them.
 *
 * Thread: async. Stage: any. Since: 0.1.
 */
VHV_API void vhv_vm_stop(struct vhv_vm *vm);

/**
 * vhv_vm_pause() - hold every vCPU between two instructions
 * @vm: the VM
 *
 * Returns when no vCPU executes guest code: each thread that is inside vhv_vcpu_run() or
 * vhv_vcpu_run_once() waits there, with its pending exit completed; a thread that enters later
 * waits, too. Handlers that are running are waited for.
 *
 * Return: 0, also if it is paused already, or a negative errno:
 *   -EBUSY    not powered on, or off (cause: wrong-stage)
 *   -EDEADLK  called by a handler on a vCPU's thread
 *
 * Thread: any but a vCPU's. Stage: ready, running, paused. Since: 0.1.
 */
VHV_API int vhv_vm_pause(struct vhv_vm *vm);

/**
 * vhv_vm_resume() - let paused vCPUs go on
 * @vm: the VM
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not paused (cause: wrong-stage)
 *
 * Thread: any but a vCPU's. Stage: paused. Since: 0.1.
 */
VHV_API int vhv_vm_resume(struct vhv_vm *vm);

/**
 * vhv_vm_flush_memory() - have KVM read memory anew
 * @vm: the VM
 *
 * To be called after the program has rewritten memory in which a guest hypervisor has the page
 * tables of its inner guest, as in going back to an earlier state of the same VM. KVM keeps
 * translations that it has read there, and does not notice the program's writes. What the dirty
 * log has noted so far is lost.
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or a vCPU is running (cause: wrong-stage)
 *   others  an ioctl failed (cause: kvm); the VM can only be freed
 *
 * Thread: vm. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_USER_MEMORY_REGION].
 */
VHV_API int vhv_vm_flush_memory(struct vhv_vm *vm);

/**
 * vhv_vm_irq_line() - set the level of an interrupt line
 * @vm: the VM
 * @gsi: global system interrupt
 * @level: true = asserted
 *
 * Return: 0, or a negative errno:
 *   -ENXIO  there is no in-kernel PIC and I/O APIC (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: async. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_IRQ_LINE].
 */
VHV_API int vhv_vm_irq_line(struct vhv_vm *vm, uint32_t gsi, bool level);

/**
 * vhv_vm_msi() - deliver a message-signalled interrupt
 * @vm: the VM
 * @address: the message's address, FEEx_xxxxh
 * @data: the message's data
 *
 * Return: 1 if it was delivered, 0 if the guest blocked it, or a negative errno:
 *   -ENXIO  there is no in-kernel local APIC (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: async. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_SIGNAL_MSI], [SDM "Message Signalled Interrupts"].
 */
VHV_API int vhv_vm_msi(struct vhv_vm *vm, uint64_t address, uint32_t data);

/**
 * vhv_vm_set_gsi_routes() - say where interrupt lines go
 * @vm: the VM
 * @routes: KVM's own struct, of <linux/kvm.h>; replaces all routes
 * @count: their number
 *
 * Return: 0, or a negative errno:
 *   -ENXIO   there is no in-kernel local APIC (cause: wrong-stage)
 *   -EINVAL  too many routes, or KVM does not take one
 *   -ENOMEM  no memory
 *
 * Thread: vm. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_SET_GSI_ROUTING].
 */
VHV_API int vhv_vm_set_gsi_routes(struct vhv_vm *vm, const struct kvm_irq_routing_entry *routes,
                                  size_t count);

/**
 * vhv_vm_irqfd_add() - have an eventfd raise an interrupt
 * @vm: the VM
 * @gsi: global system interrupt
 * @eventfd: each write raises it
 * @resample_eventfd: signalled at end of interrupt, for level-triggered lines; -1 for
 * edge-triggered ones
 *
 * Return: 0, or a negative errno:
 *   -ENXIO  there is no in-kernel local APIC (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_IRQFD].
 */
VHV_API int vhv_vm_irqfd_add(struct vhv_vm *vm, uint32_t gsi, int eventfd, int resample_eventfd);

/**
 * vhv_vm_irqfd_remove() - undo vhv_vm_irqfd_add()
 * @vm: the VM
 * @gsi: global system interrupt
 * @eventfd: as it was added
 *
 * Return: 0, or a negative errno:
 *   -ENXIO  there is no in-kernel local APIC (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_IRQFD].
 */
VHV_API int vhv_vm_irqfd_remove(struct vhv_vm *vm, uint32_t gsi, int eventfd);

/* A guest's write that signals an eventfd instead of exiting. */
struct vhv_ioeventfd {
    enum vhv_space space;
    uint64_t address; /* port or guest physical address */
    uint8_t bytes;    /* 1, 2, 4 or 8; 0: any length */
    bool match_data;  /* only writes of @data */
    uint64_t data;
    int eventfd;
};

/**
 * vhv_vm_ioeventfd_add() - have a guest's write signal an eventfd
 * @vm: the VM
 * @ioeventfd: copied
 *
 * Return: 0, or a negative errno:
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_IOEVENTFD].
 */
VHV_API int vhv_vm_ioeventfd_add(struct vhv_vm *vm, const struct vhv_ioeventfd *ioeventfd);

/**
 * vhv_vm_ioeventfd_remove() - undo vhv_vm_ioeventfd_add()
 * @vm: the VM
 * @ioeventfd: as it was added
 *
 * Return: 0, or a negative errno:
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_IOEVENTFD].
 */
VHV_API int vhv_vm_ioeventfd_remove(struct vhv_vm *vm, const struct vhv_ioeventfd *ioeventfd);

/**
 * vhv_vm_get_irqchip() - read the state of a PIC or the I/O APIC
 * @vm: the VM
 * @chip: KVM's own struct; its chip_id says which (KVM_IRQCHIP_…)
 *
 * Return: 0, or a negative errno:
 *   -ENXIO  there is no in-kernel PIC and I/O APIC (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: ready, paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_IRQCHIP].
 */
VHV_API int vhv_vm_get_irqchip(struct vhv_vm *vm, struct kvm_irqchip *chip);

/**
 * vhv_vm_set_irqchip() - set the state of a PIC or the I/O APIC
 * @vm: the VM
 * @chip: as vhv_vm_get_irqchip() read it, perhaps changed
 *
 * Return: 0, or a negative errno:
 *   -ENXIO  there is no in-kernel PIC and I/O APIC (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: ready, paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_IRQCHIP].
 */
VHV_API int vhv_vm_set_irqchip(struct vhv_vm *vm, const struct kvm_irqchip *chip);

/**
 * vhv_vm_get_pit() - read the state of the in-kernel i8254
 * @vm: the VM
 * @pit: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -ENXIO  there is no in-kernel PIT (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: ready, paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_PIT2].
 */
VHV_API int vhv_vm_get_pit(struct vhv_vm *vm, struct kvm_pit_state2 *pit);

/**
 * vhv_vm_set_pit() - set the state of the in-kernel i8254
 * @vm: the VM
 * @pit: as vhv_vm_get_pit() read it, perhaps changed
 *
 * Return: 0, or a negative errno:
 *   -ENXIO  there is no in-kernel PIT (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: ready, paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_PIT2].
 */
VHV_API int vhv_vm_set_pit(struct vhv_vm *vm, const struct kvm_pit_state2 *pit);

/**
 * vhv_vm_get_clock() - read the guest's paravirtual clock
 * @vm: the VM
 * @clock: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: ready, paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_CLOCK].
 */
VHV_API int vhv_vm_get_clock(struct vhv_vm *vm, struct kvm_clock_data *clock);

/**
 * vhv_vm_set_clock() - set the guest's paravirtual clock
 * @vm: the VM
 * @clock: as vhv_vm_get_clock() read it, perhaps changed
 *
 * Return: 0, or a negative errno:
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: ready, paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_CLOCK].
 */
VHV_API int vhv_vm_set_clock(struct vhv_vm *vm, const struct kvm_clock_data *clock);

/* One of KVM's statistics. Strings and values live for the time of the call. */
struct vhv_kvm_stat {
    const char *name;
    const uint64_t *values;
    size_t count; /* more than one for histograms */
};

/* Told each of KVM's statistics; returns 0 to go on, anything else to stop with that value. */
typedef int (*vhv_kvm_stat_fn)(const struct vhv_kvm_stat *stat, void *cookie);

/**
 * vhv_vm_kvm_stats() - KVM's own statistics of the VM
 * @vm: the VM
 * @stat: called for each
 * @cookie: handed to @stat
 *
 * Return: the number of statistics, what @stat returned to stop, or a negative errno:
 *   -EOPNOTSUPP  this kernel has no statistics file (cause: capability-missing)
 *   -ENOMEM      no memory
 *   others       the file cannot be read (cause: kvm)
 *
 * Thread: any; @stat is called on it. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_GET_STATS_FD].
 */
VHV_API int vhv_vm_kvm_stats(struct vhv_vm *vm, vhv_kvm_stat_fn stat, void *cookie);

#ifdef __cplusplus
}
#endif

#endif
