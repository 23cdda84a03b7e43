/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU: its registers, its run loop, raw or with the bus's handlers, and its whole state
 * with a live inner guest.
 *
 * Registers are KVM's own structs, of <linux/kvm.h>. A vCPU runs on one thread at a time: the first
 * that runs it, or one that vhv_vcpu_start() makes. A thread that has run a vCPU must outlive the
 * last kick of it.
 */
#ifndef LIBVHV_VCPU_H
#define LIBVHV_VCPU_H

#include <libvhv/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kvm_debugregs;
struct kvm_fpu;
struct kvm_lapic_state;
struct kvm_mp_state;
struct kvm_nested_state;
struct kvm_regs;
struct kvm_sregs;
struct kvm_vcpu_events;
struct kvm_xcrs;
struct kvm_xsave;

/* Why a vCPU's run returned to the program. */
enum vhv_exit_reason {
    VHV_EXIT_OTHER = 0, /* see kvm_reason */
    VHV_EXIT_IO,        /* the guest accesses a port */
    VHV_EXIT_MMIO, /* the guest accesses an address without memory, or writes to read-only memory */
    VHV_EXIT_HLT,  /* HLT, without an in-kernel local APIC */
    VHV_EXIT_SHUTDOWN,         /* triple fault */
    VHV_EXIT_SYSTEM_EVENT,     /* the guest asks for reset, power-off, ... */
    VHV_EXIT_MSR,              /* RDMSR or WRMSR that was to be told to the program */
    VHV_EXIT_HYPERCALL,        /* a hypercall that KVM leaves to the program */
    VHV_EXIT_DEBUG,            /* a breakpoint or single step that the program asked for */
    VHV_EXIT_INTERRUPT_WINDOW, /* the guest can take an interrupt now */
    VHV_EXIT_FAIL_ENTRY,       /* the processor refused the guest's state */
    VHV_EXIT_INTERNAL_ERROR,   /* KVM cannot go on with this vCPU */
    VHV_EXIT_INTERRUPTED,      /* a signal that is not ours arrived in this thread */
    VHV_EXIT_KICKED,           /* vhv_vcpu_kick() */
    VHV_EXIT_STOPPED,          /* vhv_vm_stop() */
    VHV_EXIT_HANDLED,          /* a handler of the bus returned 1 */
    VHV_EXIT_REASONS           /* their number */
};

/*
 * An exit. What the pointers point to is in the page that the vCPU shares with KVM: valid until the
 * vCPU's next run, which also takes the answer to a read from there.
 */
struct vhv_exit {
    enum vhv_exit_reason reason;
    uint32_t kvm_reason; /* KVM_EXIT_… */
    union {
        struct {
            uint16_t port;
            uint8_t bytes; /* of one access: 1, 2 or 4 */
            bool is_write;
            uint32_t count; /* of accesses to the port, for REP INS and REP OUTS */
            void *data;     /* bytes * count bytes, little endian */
        } io;
        struct {
            uint64_t gpa;
            uint32_t bytes; /* 1 to 8 */
            bool is_write;
            void *data;
        } mmio;
        struct {
            uint32_t index;
            bool is_write;
            uint64_t *value; /* written, or to be answered */
            uint8_t *error;  /* set to 1 to have the guest take #GP */
        } msr;
        struct {
            uint32_t type; /* KVM_SYSTEM_EVENT_… */
        } system_event;
        struct {
            uint64_t hardware_reason; /* the processor's own code */
        } fail_entry;
        struct {
            uint32_t suberror; /* KVM_INTERNAL_ERROR_… */
        } internal_error;
    };
};

/* The mode in which a vCPU starts. */
enum vhv_cpu_mode {
    VHV_CPU_REAL,   /* 16-bit real mode; the address is below 1 MiB */
    VHV_CPU_FLAT32, /* 32-bit protected mode, flat 4 GiB segments, paging off; the address is below
                       4 GiB */
    VHV_CPU_LONG    /* 64-bit mode, flat segments, paging on by the caller's page tables */
};

/**
 * vhv_vcpu_new() - add a vCPU to a VM
 * @ret: the vCPU, on success; it is freed with its VM
 * @vm: the VM
 * @id: its APIC id, 0 to VHV_VM_MAX_VCPU_ID; see vcpu_id of struct vhv_guest_cpuid_options
 *
 * Return: 0, or a negative errno:
 *   -EBUSY   not in stage configure (cause: wrong-stage)
 *   -EEXIST  the VM has a vCPU of this id
 *   -EINVAL  @id is too large
 *   -ENOMEM  no memory
 *   -ENOSPC  the VM has VHV_VM_MAX_VCPUS vCPUs
 *   others   an ioctl failed (cause: kvm)
 *
 * Thread: vm. Stage: configure. Since: 0.1.
 * Source: [KVM-API KVM_CREATE_VCPU].
 */
VHV_API int vhv_vcpu_new(struct vhv_vcpu **ret, struct vhv_vm *vm, uint32_t id);

/**
 * vhv_vcpu_id() - the vCPU's APIC id
 * @vcpu: the vCPU
 *
 * Return: the id.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API uint32_t vhv_vcpu_id(const struct vhv_vcpu *vcpu);

/**
 * vhv_vcpu_guest_cpuid() - the vCPU's CPUID with the reason for every bit
 * @vcpu: the vCPU
 *
 * Return: what power-on made, read back from KVM; valid as long as the VM. NULL before power-on.
 * After a power-on that was refused for a finding: what it would have been.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_guest_cpuid *vhv_vcpu_guest_cpuid(const struct vhv_vcpu *vcpu);

/**
 * vhv_vcpu_set_entry() - put the vCPU at the start of code
 * @vcpu: the vCPU
 * @mode: real, flat 32-bit or long mode
 * @address: where to start; in real mode CS is its bits 19:16 shifted to a segment and IP its bits
 * 15:0
 * @cr3: guest physical address of the page tables for VHV_CPU_LONG; 0 otherwise
 *
 * Sets general, segment and control registers and EFER; general registers are 0, interrupts are
 * off. Other state stays as after reset. A vCPU that waits for INIT and SIPI is made runnable.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  the address or @cr3 does not fit the mode
 *   -EBUSY   not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others   an ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, paused. Since: 0.1.
 * Source: [SDM "Processor Management and Initialization"].
 */
VHV_API int vhv_vcpu_set_entry(struct vhv_vcpu *vcpu, enum vhv_cpu_mode mode, uint64_t address,
                               uint64_t cr3);

/**
 * vhv_vcpu_run_once() - run until the next exit, whatever it is
 * @vcpu: the vCPU
 * @exit: filled in on success
 *
 * One KVM_RUN. The answer to a read goes where the exit's data points before the next call.
 *
 * Return: 0, or a negative errno:
 *   -EBUSY   not powered on, or another thread is running it (cause: wrong-stage)
 *   -EIO     KVM has killed the VM (cause: vm-dead)
 *   others   KVM_RUN failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running; waits while paused. Since: 0.1.
 * Source: [KVM-API KVM_RUN].
 */
VHV_API int vhv_vcpu_run_once(struct vhv_vcpu *vcpu, struct vhv_exit *exit);

/**
 * vhv_vcpu_run() - run, with the bus's handlers answering port and MMIO accesses
 * @vcpu: the vCPU
 * @exit: filled in on success
 *
 * Goes on by itself after accesses that lie, at least in part, in ranges of the bus, and after
 * those to MSRs that a rule answers (see vhv_vm_msr_rule_add()). Returns on every other exit, on
 * accesses that no range has (the program may answer them through the exit's data), on a kick or
 * stop, and when a handler says so.
 *
 * Return: 0, or a negative errno as vhv_vcpu_run_once(), or what a handler returned.
 *
 * Thread: vcpu. Stage: ready, running; waits while paused. Since: 0.1.
 */
VHV_API int vhv_vcpu_run(struct vhv_vcpu *vcpu, struct vhv_exit *exit);

/**
 * vhv_vcpu_complete() - finish the pending exit without running guest code
 * @vcpu: the vCPU
 *
 * The instruction that caused the last port or MMIO exit is completed: registers and RIP are those
 * after it. To be called before registers are read for keeping; vhv_vcpu_save() does it by itself.
 *
 * Return: 0, or a negative errno as vhv_vcpu_run_once():
 *   -EAGAIN  the instruction needs another exit (a split access): answer it by vhv_vcpu_run_once()
 *            first
 *
 * Thread: vcpu. Stage: ready, running, paused. Since: 0.1.
 * Source: [KVM-API KVM_RUN], immediate_exit.
 */
VHV_API int vhv_vcpu_complete(struct vhv_vcpu *vcpu);

/**
 * vhv_vcpu_kick() - make a vCPU's run return soon
 * @vcpu: the vCPU
 *
 * The run that is going on, or else the next one, returns VHV_EXIT_KICKED. A kick is never lost;
 * several before the return are one.
 *
 * Thread: async. Stage: any. Since: 0.1.
 */
VHV_API void vhv_vcpu_kick(struct vhv_vcpu *vcpu);

/*
 * Told each exit that vhv_vcpu_run() returns, on the vCPU's own thread. Returns 0 to go on, 1 to
 * end the thread, a negative errno to end it with that error.
 */
typedef int (*vhv_exit_fn)(struct vhv_vcpu *vcpu, struct vhv_exit *exit, void *cookie);

/**
 * vhv_vcpu_start() - run a vCPU on a thread of its own
 * @vcpu: the vCPU
 * @on_exit: called on that thread for each exit that no handler took; VHV_EXIT_STOPPED ends the
 * thread without a call
 * @cookie: handed to @on_exit
 *
 * Return: 0, or a negative errno:
 *   -EBUSY   not powered on, or it has a thread (cause: wrong-stage)
 *   -EAGAIN  no thread could be made
 *
 * Thread: any. Stage: ready, running, paused. Since: 0.1.
 */
VHV_API int vhv_vcpu_start(struct vhv_vcpu *vcpu, vhv_exit_fn on_exit, void *cookie);

/**
 * vhv_vcpu_join() - wait for the end of the thread that vhv_vcpu_start() made
 * @vcpu: the vCPU
 *
 * Return: 0 if @on_exit returned 1 or the VM was stopped, or the negative errno with which it
 * ended, whose message is now this thread's:
 *   -ESRCH  it has no thread
 *
 * Thread: any but the vCPU's, one at a time. Stage: any. Since: 0.1.
 */
VHV_API int vhv_vcpu_join(struct vhv_vcpu *vcpu);

/**
 * vhv_vcpu_interrupt() - queue an external interrupt, without an in-kernel local APIC
 * @vcpu: the vCPU
 * @vector: 0 to 255
 *
 * Return: 0, or a negative errno:
 *   -ENXIO   the local APIC is in the kernel (cause: wrong-stage)
 *   -EAGAIN  the guest cannot take it now: ask for VHV_EXIT_INTERRUPT_WINDOW by
 *            vhv_vcpu_request_window()
 *   others   the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running, paused. Since: 0.1.
 * Source: [KVM-API KVM_INTERRUPT].
 */
VHV_API int vhv_vcpu_interrupt(struct vhv_vcpu *vcpu, uint8_t vector);

/**
 * vhv_vcpu_request_window() - have the run return when the guest can take an interrupt
 * @vcpu: the vCPU
 * @wanted: true = return VHV_EXIT_INTERRUPT_WINDOW
 *
 * Thread: vcpu. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_RUN], request_interrupt_window.
 */
VHV_API void vhv_vcpu_request_window(struct vhv_vcpu *vcpu, bool wanted);

/**
 * vhv_vcpu_nmi() - queue a non-maskable interrupt
 * @vcpu: the vCPU
 *
 * Return: 0, or a negative errno:
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running, paused. Since: 0.1.
 * Source: [KVM-API KVM_NMI].
 */
VHV_API int vhv_vcpu_nmi(struct vhv_vcpu *vcpu);

/**
 * vhv_vcpu_is_nested() - whether the vCPU is executing its inner guest
 * @vcpu: the vCPU
 *
 * Return: 1 if it is, 0 if it is in the guest hypervisor (or virtualized HV is off), or a negative
 * errno:
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running, paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_NESTED_STATE].
 */
VHV_API int vhv_vcpu_is_nested(struct vhv_vcpu *vcpu);

/**
 * vhv_vcpu_get_regs() - read general registers, RIP and RFLAGS
 * @vcpu: the vCPU
 * @regs: KVM's own struct, filled in on success
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_REGS].
 */
VHV_API int vhv_vcpu_get_regs(struct vhv_vcpu *vcpu, struct kvm_regs *regs);

/**
 * vhv_vcpu_set_regs() - set general registers, RIP and RFLAGS
 * @vcpu: the vCPU
 * @regs: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_REGS].
 */
VHV_API int vhv_vcpu_set_regs(struct vhv_vcpu *vcpu, const struct kvm_regs *regs);

/**
 * vhv_vcpu_get_sregs() - read segments, control registers and EFER
 * @vcpu: the vCPU
 * @sregs: KVM's own struct, filled in on success
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_SREGS].
 */
VHV_API int vhv_vcpu_get_sregs(struct vhv_vcpu *vcpu, struct kvm_sregs *sregs);

/**
 * vhv_vcpu_set_sregs() - set segments, control registers and EFER
 * @vcpu: the vCPU
 * @sregs: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_SREGS].
 */
VHV_API int vhv_vcpu_set_sregs(struct vhv_vcpu *vcpu, const struct kvm_sregs *sregs);

/**
 * vhv_vcpu_get_fpu() - read the x87 and SSE registers
 * @vcpu: the vCPU
 * @fpu: KVM's own struct, filled in on success
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_FPU].
 */
VHV_API int vhv_vcpu_get_fpu(struct vhv_vcpu *vcpu, struct kvm_fpu *fpu);

/**
 * vhv_vcpu_set_fpu() - set the x87 and SSE registers
 * @vcpu: the vCPU
 * @fpu: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_FPU].
 */
VHV_API int vhv_vcpu_set_fpu(struct vhv_vcpu *vcpu, const struct kvm_fpu *fpu);

/**
 * vhv_vcpu_get_xsave() - read the extended state of 4096 bytes
 * @vcpu: the vCPU
 * @xsave: KVM's own struct, filled in on success
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_XSAVE].
 */
VHV_API int vhv_vcpu_get_xsave(struct vhv_vcpu *vcpu, struct kvm_xsave *xsave);

/**
 * vhv_vcpu_set_xsave() - set the extended state of 4096 bytes
 * @vcpu: the vCPU
 * @xsave: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_XSAVE].
 */
VHV_API int vhv_vcpu_set_xsave(struct vhv_vcpu *vcpu, const struct kvm_xsave *xsave);

/**
 * vhv_vcpu_get_xcrs() - read the extended control registers
 * @vcpu: the vCPU
 * @xcrs: KVM's own struct, filled in on success
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_XCRS].
 */
VHV_API int vhv_vcpu_get_xcrs(struct vhv_vcpu *vcpu, struct kvm_xcrs *xcrs);

/**
 * vhv_vcpu_set_xcrs() - set the extended control registers
 * @vcpu: the vCPU
 * @xcrs: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_XCRS].
 */
VHV_API int vhv_vcpu_set_xcrs(struct vhv_vcpu *vcpu, const struct kvm_xcrs *xcrs);

/**
 * vhv_vcpu_get_debugregs() - read the debug registers
 * @vcpu: the vCPU
 * @debugregs: KVM's own struct, filled in on success
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_DEBUGREGS].
 */
VHV_API int vhv_vcpu_get_debugregs(struct vhv_vcpu *vcpu, struct kvm_debugregs *debugregs);

/**
 * vhv_vcpu_set_debugregs() - set the debug registers
 * @vcpu: the vCPU
 * @debugregs: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_DEBUGREGS].
 */
VHV_API int vhv_vcpu_set_debugregs(struct vhv_vcpu *vcpu, const struct kvm_debugregs *debugregs);

/**
 * vhv_vcpu_get_events() - read pending exceptions, interrupts and NMIs
 * @vcpu: the vCPU
 * @events: KVM's own struct, filled in on success
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_VCPU_EVENTS].
 */
VHV_API int vhv_vcpu_get_events(struct vhv_vcpu *vcpu, struct kvm_vcpu_events *events);

/**
 * vhv_vcpu_set_events() - set pending exceptions, interrupts and NMIs
 * @vcpu: the vCPU
 * @events: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_VCPU_EVENTS].
 */
VHV_API int vhv_vcpu_set_events(struct vhv_vcpu *vcpu, const struct kvm_vcpu_events *events);

/**
 * vhv_vcpu_get_mp_state() - read the multiprocessing state
 * @vcpu: the vCPU
 * @mp_state: KVM's own struct, filled in on success
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_MP_STATE].
 */
VHV_API int vhv_vcpu_get_mp_state(struct vhv_vcpu *vcpu, struct kvm_mp_state *mp_state);

/**
 * vhv_vcpu_set_mp_state() - set the multiprocessing state
 * @vcpu: the vCPU
 * @mp_state: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_MP_STATE].
 */
VHV_API int vhv_vcpu_set_mp_state(struct vhv_vcpu *vcpu, const struct kvm_mp_state *mp_state);

/**
 * vhv_vcpu_get_lapic() - read the in-kernel local APIC
 * @vcpu: the vCPU
 * @lapic: KVM's own struct, filled in on success
 *
 * Return: 0, or a negative errno:
 *   -ENXIO  there is no in-kernel local APIC (cause: wrong-stage)
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_LAPIC].
 */
VHV_API int vhv_vcpu_get_lapic(struct vhv_vcpu *vcpu, struct kvm_lapic_state *lapic);

/**
 * vhv_vcpu_set_lapic() - set the in-kernel local APIC
 * @vcpu: the vCPU
 * @lapic: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -ENXIO  there is no in-kernel local APIC (cause: wrong-stage)
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_LAPIC].
 */
VHV_API int vhv_vcpu_set_lapic(struct vhv_vcpu *vcpu, const struct kvm_lapic_state *lapic);

/**
 * vhv_vcpu_get_nested_state() - read the state of the inner guest
 * @vcpu: the vCPU
 * @nested_state: KVM's own struct; its size member says how much room there is, filled in on
 * success
 *
 * Return: 0, or a negative errno:
 *   -E2BIG  the struct's size member is too small; it now has the size that is needed
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_NESTED_STATE].
 */
VHV_API int vhv_vcpu_get_nested_state(struct vhv_vcpu *vcpu, struct kvm_nested_state *nested_state);

/**
 * vhv_vcpu_set_nested_state() - set the state of the inner guest
 * @vcpu: the vCPU
 * @nested_state: KVM's own struct
 *
 * Return: 0, or a negative errno:
 *   -EBUSY  not powered on, or inside a run of another thread (cause: wrong-stage)
 *   others  the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_NESTED_STATE].
 */
VHV_API int vhv_vcpu_set_nested_state(struct vhv_vcpu *vcpu,
                                      const struct kvm_nested_state *nested_state);

/**
 * vhv_vcpu_get_msrs() - read model-specific registers
 * @vcpu: the vCPU
 * @msrs: index is set by the caller, value is filled in
 * @count: their number
 *
 * Return: @count if all were read; fewer if KVM refused the MSR msrs[returned], those before it are
 * read (a message names it); or a negative errno:
 *   -EBUSY   not powered on, or inside a run of another thread (cause: wrong-stage)
 *   -ENOMEM  no memory
 *   others   the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_MSRS].
 */
VHV_API int vhv_vcpu_get_msrs(struct vhv_vcpu *vcpu, struct vhv_msr *msrs, size_t count);

/**
 * vhv_vcpu_set_msrs() - write model-specific registers
 * @vcpu: the vCPU
 * @msrs: indexes and values
 * @count: their number
 *
 * Return: @count if all were written; fewer if KVM refused the MSR msrs[returned], those before it
 * are written and those after it are not (a message names it); or a negative errno:
 *   -EBUSY   not powered on, or inside a run of another thread (cause: wrong-stage)
 *   -ENOMEM  no memory
 *   others   the ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_MSRS].
 */
VHV_API int vhv_vcpu_set_msrs(struct vhv_vcpu *vcpu, const struct vhv_msr *msrs, size_t count);

/* The whole state of a vCPU, inner guest included. */
struct vhv_vcpu_state;

/**
 * vhv_vcpu_save() - take the whole state of a vCPU
 * @ret: the state, on success; free it with vhv_vcpu_state_free()
 * @vcpu: the vCPU
 *
 * Completes the pending exit first (vhv_vcpu_complete()). Registers, segments, nested state, FPU
 * and extended state, XCRs, every MSR that KVM lists and can read (VM_HSAVE_PA and the VMX
 * capability MSRs among them), debug registers, pending events, local APIC, MP state. The guest's
 * memory is not part of it: who sets that back in the same VM calls vhv_vm_flush_memory(), too.
 *
 * Return: 0, or a negative errno:
 *   -EBUSY   not powered on, or inside a run of another thread (cause: wrong-stage)
 *   -EAGAIN  as vhv_vcpu_complete()
 *   -ENOMEM  no memory
 *   others   an ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running, paused. Since: 0.1.
 * Source: [KVM-API KVM_GET_NESTED_STATE], [KVM-API KVM_GET_VCPU_EVENTS].
 */
VHV_API int vhv_vcpu_save(struct vhv_vcpu_state **ret, struct vhv_vcpu *vcpu);

/**
 * vhv_vcpu_restore() - put a state into a vCPU
 * @vcpu: a vCPU of the same CPUID, of the same VM or another one
 * @state: the state
 *
 * In the order that nesting needs: SREGS, nested state, registers, extended state, XCRs, local
 * APIC, MSRs, debug registers, events, MP state. A failure leaves the vCPU in a state that must not
 * be run; the message names the part.
 *
 * Return: 0, or a negative errno:
 *   -EBUSY   not powered on, or inside a run of another thread (cause: wrong-stage)
 *   -EINVAL  KVM does not take a part of it
 *   others   an ioctl failed (cause: kvm)
 *
 * Thread: vcpu. Stage: ready, running (between two runs), paused. Since: 0.1.
 * Source: [KVM-API KVM_SET_NESTED_STATE], [KVM-API KVM_SET_VCPU_EVENTS].
 */
VHV_API int vhv_vcpu_restore(struct vhv_vcpu *vcpu, const struct vhv_vcpu_state *state);

/**
 * vhv_vcpu_state_free() - free a state
 * @state: the state; NULL is fine
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_vcpu_state_free(struct vhv_vcpu_state *state);

/**
 * vhv_vcpu_state_is_nested() - whether a state was taken inside the inner guest
 * @state: the state
 *
 * Return: true if it was.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API bool vhv_vcpu_state_is_nested(const struct vhv_vcpu_state *state);

/**
 * vhv_vcpu_exits() - how often a vCPU exited, by reason
 * @vcpu: the vCPU
 * @counts: receives VHV_EXIT_REASONS counters, by enum vhv_exit_reason; exits that handlers took
 * are counted, too
 *
 * Thread: async. Stage: any. Since: 0.1.
 */
VHV_API void vhv_vcpu_exits(const struct vhv_vcpu *vcpu, uint64_t counts[VHV_EXIT_REASONS]);

/**
 * vhv_vcpu_kvm_stats() - KVM's own statistics of the vCPU
 * @vcpu: the vCPU
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
VHV_API int vhv_vcpu_kvm_stats(struct vhv_vcpu *vcpu, vhv_kvm_stat_fn stat, void *cookie);

/**
 * vhv_exit_reason_name() - a reason as a word
 * @reason: the reason
 *
 * Return: a static string such as "mmio"; "unknown" for a value that this version does not know.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const char *vhv_exit_reason_name(enum vhv_exit_reason reason);

#ifdef __cplusplus
}
#endif

#endif
