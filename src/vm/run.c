/* SPDX-License-Identifier: MIT */
/*
 * The run loop. The path of an exit that a handler of the bus takes is: vhv_vcpu_run() -> KVM_RUN
 * -> io() or mmio() -> the bus -> handler, with no allocation, lock or system call of our own.
 */
#include "vm/vm.h"

#include <string.h>

#include "base/error.h"
#include "bus/bus.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The innermost vCPU whose run this thread is inside. */
static _Thread_local struct vhv_vcpu *current;

/* What a step of the loop tells it. Negative: an error. */
enum step { STEP_GO_ON, STEP_RETURN };

static void count(struct vhv_vcpu *vcpu, enum vhv_exit_reason reason)
{
    /* Only this thread writes the counter; others may read it at any time. */
    uint64_t exits = atomic_load_explicit(&vcpu->exits[reason], memory_order_relaxed);

    atomic_store_explicit(&vcpu->exits[reason], exits + 1, memory_order_relaxed);
}

static void *io_data(struct kvm_run *run)
{
    return (char *)run + run->io.data_offset;
}

static void decode_io(struct kvm_run *run, struct vhv_exit *exit)
{
    exit->reason = VHV_EXIT_IO;
    exit->io.port = run->io.port;
    exit->io.bytes = run->io.size;
    exit->io.is_write = run->io.direction == KVM_EXIT_IO_OUT;
    exit->io.count = run->io.count;
    exit->io.data = io_data(run);
}

static void decode_mmio(struct kvm_run *run, struct vhv_exit *exit)
{
    exit->reason = VHV_EXIT_MMIO;
    exit->mmio.gpa = run->mmio.phys_addr;
    exit->mmio.bytes = run->mmio.len;
    exit->mmio.is_write = run->mmio.is_write;
    exit->mmio.data = run->mmio.data;
}

/* Returns whether the VM's rules have answered it. */
static bool decode_msr(struct vhv_vcpu *vcpu, struct vhv_exit *exit)
{
    struct kvm_run *run = vcpu->run;
    __u64 *data = &run->msr.data;

    exit->reason = VHV_EXIT_MSR;
    exit->msr.index = run->msr.index;
    exit->msr.is_write = run->exit_reason == KVM_EXIT_X86_WRMSR;
    exit->msr.value = (uint64_t *)data;
    exit->msr.error = &run->msr.error;
    return vhv_msr_policy_answer(&vcpu->vm->msrs, run);
}

static void decode_other(struct kvm_run *run, struct vhv_exit *exit)
{
    switch (run->exit_reason) {
    case KVM_EXIT_HLT:
        exit->reason = VHV_EXIT_HLT;
        break;
    case KVM_EXIT_SHUTDOWN:
        exit->reason = VHV_EXIT_SHUTDOWN;
        break;
    case KVM_EXIT_HYPERCALL:
        exit->reason = VHV_EXIT_HYPERCALL;
        break;
    case KVM_EXIT_DEBUG:
        exit->reason = VHV_EXIT_DEBUG;
        break;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
        exit->reason = VHV_EXIT_INTERRUPT_WINDOW;
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        exit->reason = VHV_EXIT_SYSTEM_EVENT;
        exit->system_event.type = run->system_event.type;
        break;
    case KVM_EXIT_FAIL_ENTRY:
        exit->reason = VHV_EXIT_FAIL_ENTRY;
        exit->fail_entry.hardware_reason = run->fail_entry.hardware_entry_failure_reason;
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        exit->reason = VHV_EXIT_INTERNAL_ERROR;
        exit->internal_error.suberror = run->internal.suberror;
        break;
    default:
        exit->reason = VHV_EXIT_OTHER;
        break;
    }
}

/* Returns whether the exit has its answer. */
static bool decode(struct vhv_vcpu *vcpu, struct vhv_exit *exit)
{
    struct kvm_run *run = vcpu->run;
    bool is_answered = false;

    exit->kvm_reason = run->exit_reason;
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        decode_io(run, exit);
        break;
    case KVM_EXIT_MMIO:
        decode_mmio(run, exit);
        break;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        is_answered = decode_msr(vcpu, exit);
        break;
    default:
        decode_other(run, exit);
        break;
    }
    count(vcpu, exit->reason);
    return is_answered;
}

static int return_reason(struct vhv_vcpu *vcpu, struct vhv_exit *exit, enum vhv_exit_reason reason)
{
    exit->reason = reason;
    exit->kvm_reason = KVM_EXIT_INTR;
    count(vcpu, reason);
    return STEP_RETURN;
}

static int return_stopped(struct vhv_vcpu *vcpu, struct vhv_exit *exit)
{
    /* For good: the next run is to return, too, before it executes anything. */
    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    return return_reason(vcpu, exit, VHV_EXIT_STOPPED);
}

/* KVM_RUN said EINTR: see kick.c for who wants what. */
static int interrupted(struct vhv_vcpu *vcpu, struct vhv_exit *exit)
{
    bool ours = vhv_vcpu_clear_interrupt(vcpu);
    enum vhv_stage stage = atomic_load(&vcpu->vm->stage);

    if (stage == VHV_STAGE_OFF)
        return return_stopped(vcpu, exit);
    if (stage == VHV_STAGE_PAUSED) {
        if (vhv_vcpu_park(vcpu))
            return return_stopped(vcpu, exit);
        ours = true;
    }
    if (atomic_exchange(&vcpu->kicked, false))
        return return_reason(vcpu, exit, VHV_EXIT_KICKED);
    return ours ? STEP_GO_ON : return_reason(vcpu, exit, VHV_EXIT_INTERRUPTED);
}

static int failed(const struct vhv_vcpu *vcpu, int code)
{
    if (code == EIO && vhv_kvm_capability(vcpu->vm->fd, KVM_CAP_USER_MEMORY, NULL) == VHV_UNKNOWN)
        return vhv_fail(EIO, VHV_CAUSE_VM_DEAD,
                        "vCPU %u: KVM has killed the VM: it can only be freed", vcpu->id);
    return vhv_fail(code, VHV_CAUSE_KVM, "vCPU %u: KVM_RUN: %s", vcpu->id, strerrordesc_np(code));
}

/* Each of the accesses of a REP INS or REP OUTS goes to the same port. */
static __attribute__((noinline)) int string_io(const struct vhv_vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    bool is_write = run->io.direction == KVM_EXIT_IO_OUT;
    char *data = io_data(run);
    int worst = 0, result;

    for (uint32_t i = run->io.count; i; i--, data += run->io.size) {
        result = vhv_bus_access_port(vcpu->vm->bus, is_write, run->io.port, data, run->io.size);
        if (result < 0)
            return result;
        if (result)
            worst = result;
    }
    return worst;
}

static int io(const struct vhv_vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;

    if (unlikely(run->io.count != 1))
        return string_io(vcpu);
    return vhv_bus_access_port(vcpu->vm->bus, run->io.direction == KVM_EXIT_IO_OUT, run->io.port,
                               io_data(run), run->io.size);
}

static int mmio(const struct vhv_vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;

    return vhv_bus_access_mmio(vcpu->vm->bus, run->mmio.is_write, run->mmio.phys_addr,
                               run->mmio.data, run->mmio.len);
}

/* @access is what the bus said of a port or MMIO exit. */
static int after_access(struct vhv_vcpu *vcpu, struct vhv_exit *exit, enum vhv_exit_reason reason,
                        int access)
{
    if (likely(access == 0)) {
        count(vcpu, reason);
        return STEP_GO_ON;
    }
    if (access < 0)
        return access;
    decode(vcpu, exit);
    if (access == 1)
        exit->reason = VHV_EXIT_HANDLED;
    return STEP_RETURN;
}

/* KVM_RUN failed with @code. */
static int no_exit(struct vhv_vcpu *vcpu, struct vhv_exit *exit, int code)
{
    switch (code) {
    case EINTR:
        return interrupted(vcpu, exit);
    case EAGAIN: /* INIT or SIPI has arrived at a vCPU that waited for it */
        return STEP_GO_ON;
    default:
        return failed(vcpu, code);
    }
}

/* One KVM_RUN and what follows from it. */
static inline __attribute__((always_inline)) int step(struct vhv_vcpu *vcpu, struct vhv_exit *exit,
                                                      bool with_bus)
{
    int result = vhv_kvm_run(vcpu->fd);

    if (unlikely(result < 0))
        return no_exit(vcpu, exit, -result);
    if (with_bus && vcpu->run->exit_reason == KVM_EXIT_IO)
        return after_access(vcpu, exit, VHV_EXIT_IO, io(vcpu));
    if (with_bus && vcpu->run->exit_reason == KVM_EXIT_MMIO)
        return after_access(vcpu, exit, VHV_EXIT_MMIO, mmio(vcpu));
    /* Raw, the program sees every exit, with the answer that it may change. */
    return decode(vcpu, exit) && with_bus ? STEP_GO_ON : STEP_RETURN;
}

/* On the way into a run. Returns 1 if the VM was stopped. */
static int enter(struct vhv_vcpu *vcpu)
{
    if (likely(atomic_load_explicit(&vcpu->vm->stage, memory_order_relaxed) == VHV_STAGE_RUNNING &&
               atomic_load_explicit(&vcpu->bound, memory_order_relaxed) &&
               pthread_equal(vcpu->thread, pthread_self()))) {
        /* A full barrier: a pause that does not see it has set immediate_exit, which KVM_RUN then
         * sees. */
        atomic_exchange(&vcpu->inside, true);
        return 0;
    }
    return vhv_vcpu_bind(vcpu);
}

static void leave(struct vhv_vcpu *vcpu)
{
    atomic_exchange(&vcpu->inside, false);
    if (unlikely(atomic_load(&vcpu->vm->stage) != VHV_STAGE_RUNNING))
        vhv_vcpu_left(vcpu);
}

/* Once for each of the two ways to run: what the bus does not take part in need not ask for it. */
static inline __attribute__((always_inline)) int run(struct vhv_vcpu *vcpu, struct vhv_exit *exit,
                                                     bool with_bus)
{
    int result = enter(vcpu);

    if (result < 0)
        return result;
    if (result) {
        return_stopped(vcpu, exit);
    } else if (vcpu->exit_is_waiting) {
        vcpu->exit_is_waiting = false;
        decode(vcpu, exit);
        result = STEP_RETURN;
    } else {
        vcpu->outer = current;
        current = vcpu;
        do
            result = step(vcpu, exit, with_bus);
        while (result == STEP_GO_ON);
        current = vcpu->outer;
    }
    leave(vcpu);
    return result < 0 ? result : 0;
}

int vhv_vcpu_run_once(struct vhv_vcpu *vcpu, struct vhv_exit *exit)
{
    return run(vcpu, exit, false);
}

int vhv_vcpu_run(struct vhv_vcpu *vcpu, struct vhv_exit *exit)
{
    return run(vcpu, exit, true);
}

struct vhv_vcpu *vhv_vm_current_vcpu(const struct vhv_vm *vm)
{
    struct vhv_vcpu *vcpu = current;

    while (vcpu && vcpu->vm != vm)
        vcpu = vcpu->outer;
    return vcpu;
}

int vhv_vcpu_complete(struct vhv_vcpu *vcpu)
{
    int result = vhv_vcpu_check_idle(vcpu);

    if (result < 0)
        return result;
    if (atomic_load(&vcpu->inside) && !atomic_load(&vcpu->parked))
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE,
                        "vCPU %u: a handler cannot complete the exit that it answers", vcpu->id);
    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    result = vhv_kvm_run(vcpu->fd);
    __atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    /* Somebody may have asked for an exit of its own meanwhile. */
    if (atomic_load(&vcpu->kicked) || atomic_load(&vcpu->vm->stage) >= VHV_STAGE_PAUSED)
        __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    if (result == -EINTR)
        return 0;
    if (result < 0)
        return failed(vcpu, -result);
    vcpu->exit_is_waiting = true;
    return vhv_fail(EAGAIN, VHV_CAUSE_NONE,
                    "vCPU %u: the instruction needs another exit: run it once more and answer that",
                    vcpu->id);
}

void vhv_vcpu_request_window(struct vhv_vcpu *vcpu, bool wanted)
{
    vcpu->run->request_interrupt_window = wanted;
}

void vhv_vcpu_exits(const struct vhv_vcpu *vcpu, uint64_t counts[VHV_EXIT_REASONS])
{
    for (int i = 0; i < VHV_EXIT_REASONS; i++)
        counts[i] = atomic_load_explicit(&vcpu->exits[i], memory_order_relaxed);
}

const char *vhv_exit_reason_name(enum vhv_exit_reason reason)
{
    static const char *const names[VHV_EXIT_REASONS] = {
        [VHV_EXIT_OTHER] = "other",
        [VHV_EXIT_IO] = "io",
        [VHV_EXIT_MMIO] = "mmio",
        [VHV_EXIT_HLT] = "hlt",
        [VHV_EXIT_SHUTDOWN] = "shutdown",
        [VHV_EXIT_SYSTEM_EVENT] = "system-event",
        [VHV_EXIT_MSR] = "msr",
        [VHV_EXIT_HYPERCALL] = "hypercall",
        [VHV_EXIT_DEBUG] = "debug",
        [VHV_EXIT_INTERRUPT_WINDOW] = "interrupt-window",
        [VHV_EXIT_FAIL_ENTRY] = "fail-entry",
        [VHV_EXIT_INTERNAL_ERROR] = "internal-error",
        [VHV_EXIT_INTERRUPTED] = "interrupted",
        [VHV_EXIT_KICKED] = "kicked",
        [VHV_EXIT_STOPPED] = "stopped",
        [VHV_EXIT_HANDLED] = "handled",
    };

    return (unsigned)reason < VHV_EXIT_REASONS ? names[reason] : "unknown";
}
