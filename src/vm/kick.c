/* SPDX-License-Identifier: MIT */
/*
 * Getting a vCPU out of KVM_RUN: kick, stop, pause.
 *
 * Who wants it out (1) sets the flag that says why, (2) sets immediate_exit, (3) sends the signal.
 * KVM_RUN looks at immediate_exit when it starts, and a signal interrupts it later, so the request
 * is seen wherever the vCPU's thread is. That thread, on EINTR, (a) clears immediate_exit, (b)
 * takes a pending signal back, (c) looks at the flags. A request between (a) and (c) may leave an
 * echo, an EINTR without a flag, and is never lost.
 *
 * The signal needs no handler: it is blocked in the vCPU's thread, KVM_SET_SIGNAL_MASK unblocks it
 * inside KVM_RUN alone, and it is still pending afterwards. With the option kick_handler it has an
 * empty handler instead, and KVM_RUN does not change the mask.
 */
#include "vm/vm.h"

#include <string.h>
#include <time.h>

#include "base/error.h"

/* The kernel's own signal set, of which the C library's is a longer version. */
enum { KERNEL_SIGSET_BYTES = 8 };

static void ignore_kick(int number)
{
    (void)number;
}

int vhv_kick_prepare(const struct vhv_vm *vm)
{
    struct sigaction action = {.sa_handler = ignore_kick};

    if (!vm->kick_handler)
        return 0;
    sigemptyset(&action.sa_mask);
    if (sigaction(vm->kick_signal, &action, NULL) < 0)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "no handler can be installed for kick_signal %d",
                        vm->kick_signal);
    return 0;
}

void vhv_vcpu_interrupt_run(struct vhv_vcpu *vcpu)
{
    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    if (atomic_load(&vcpu->bound) && !pthread_equal(vcpu->thread, pthread_self()))
        pthread_kill(vcpu->thread, vcpu->vm->kick_signal);
}

bool vhv_vcpu_clear_interrupt(struct vhv_vcpu *vcpu)
{
    const struct timespec now = {0};
    bool ours = __atomic_exchange_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    sigset_t kick;

    if (vcpu->vm->kick_handler)
        return ours;
    sigemptyset(&kick);
    sigaddset(&kick, vcpu->vm->kick_signal);
    while (sigtimedwait(&kick, NULL, &now) >= 0)
        ours = true;
    return ours;
}

/* Without a handler: have the signal blocked here and let through by KVM_RUN. With one: the thread
   may have it blocked for the sake of a VM without. */
static int set_signal_mask(const struct vhv_vcpu *vcpu)
{
    char buffer[sizeof(struct kvm_signal_mask) + KERNEL_SIGSET_BYTES];
    struct kvm_signal_mask *mask = (struct kvm_signal_mask *)buffer;
    sigset_t kick, blocked;

    sigemptyset(&kick);
    sigaddset(&kick, vcpu->vm->kick_signal);
    if (vcpu->vm->kick_handler) {
        pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
        return 0;
    }
    pthread_sigmask(SIG_BLOCK, &kick, &blocked);
    sigdelset(&blocked, vcpu->vm->kick_signal);
    mask->len = KERNEL_SIGSET_BYTES;
    memcpy(mask->sigset, &blocked, KERNEL_SIGSET_BYTES);
    return vhv_kvm_set_signal_mask(vcpu->fd, mask);
}

/* With the VM's lock held. */
static int wait_while_paused(struct vhv_vcpu *vcpu)
{
    struct vhv_vm *vm = vcpu->vm;

    while (atomic_load(&vm->stage) == VHV_STAGE_PAUSED) {
        atomic_store(&vcpu->parked, true);
        pthread_cond_broadcast(&vm->changed);
        pthread_cond_wait(&vm->changed, &vm->lock);
    }
    atomic_store(&vcpu->parked, false);
    return atomic_load(&vm->stage) == VHV_STAGE_OFF;
}

int vhv_vcpu_park(struct vhv_vcpu *vcpu)
{
    int stopped;

    pthread_mutex_lock(&vcpu->vm->lock);
    stopped = wait_while_paused(vcpu);
    pthread_mutex_unlock(&vcpu->vm->lock);
    return stopped;
}

static int bind_locked(struct vhv_vcpu *vcpu)
{
    struct vhv_vm *vm = vcpu->vm;
    int result;

    if (atomic_load(&vm->stage) == VHV_STAGE_CONFIGURE)
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE, "vCPU %u cannot run: power the VM on first",
                        vcpu->id);
    if (!atomic_load(&vcpu->bound) || !pthread_equal(vcpu->thread, pthread_self())) {
        if (atomic_load(&vcpu->inside))
            return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE, "vCPU %u is running on another thread",
                            vcpu->id);
        result = set_signal_mask(vcpu);
        if (result < 0)
            return result;
        vcpu->thread = pthread_self();
        atomic_store(&vcpu->bound, true);
    }
    atomic_store(&vcpu->inside, true);
    if (atomic_load(&vm->stage) == VHV_STAGE_READY)
        atomic_store(&vm->stage, VHV_STAGE_RUNNING);
    return wait_while_paused(vcpu);
}

int vhv_vcpu_bind(struct vhv_vcpu *vcpu)
{
    int result;

    pthread_mutex_lock(&vcpu->vm->lock);
    result = bind_locked(vcpu);
    pthread_mutex_unlock(&vcpu->vm->lock);
    return result;
}

void vhv_vcpu_left(struct vhv_vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->vm->lock);
    pthread_cond_broadcast(&vcpu->vm->changed);
    pthread_mutex_unlock(&vcpu->vm->lock);
}

void vhv_vcpu_kick(struct vhv_vcpu *vcpu)
{
    atomic_store(&vcpu->kicked, true);
    vhv_vcpu_interrupt_run(vcpu);
}

void vhv_vm_stop(struct vhv_vm *vm)
{
    pthread_mutex_lock(&vm->lock);
    atomic_store(&vm->stage, VHV_STAGE_OFF);
    for (size_t i = 0; i < vm->vcpu_count; i++)
        vhv_vcpu_interrupt_run(vm->vcpus[i]);
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
}

static bool called_by_vcpu(const struct vhv_vm *vm)
{
    for (size_t i = 0; i < vm->vcpu_count; i++) {
        if (atomic_load(&vm->vcpus[i]->inside) &&
            pthread_equal(vm->vcpus[i]->thread, pthread_self()))
            return true;
    }
    return false;
}

bool vhv_vm_stands_still(const struct vhv_vm *vm)
{
    for (size_t i = 0; i < vm->vcpu_count; i++) {
        if (atomic_load(&vm->vcpus[i]->inside) && !atomic_load(&vm->vcpus[i]->parked))
            return false;
    }
    return true;
}

static int pause_locked(struct vhv_vm *vm)
{
    enum vhv_stage stage = atomic_load(&vm->stage);

    if (stage == VHV_STAGE_CONFIGURE || stage == VHV_STAGE_OFF)
        return vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE,
                        "a VM that is not powered on cannot be paused");
    if (called_by_vcpu(vm))
        return vhv_fail(EDEADLK, VHV_CAUSE_WRONG_STAGE,
                        "a vCPU's own thread cannot wait until all vCPUs stand still");
    if (stage != VHV_STAGE_PAUSED) {
        vm->stage_before_pause = stage;
        atomic_store(&vm->stage, VHV_STAGE_PAUSED);
        for (size_t i = 0; i < vm->vcpu_count; i++)
            vhv_vcpu_interrupt_run(vm->vcpus[i]);
    }
    while (!vhv_vm_stands_still(vm) && atomic_load(&vm->stage) == VHV_STAGE_PAUSED)
        pthread_cond_wait(&vm->changed, &vm->lock);
    return 0;
}

int vhv_vm_pause(struct vhv_vm *vm)
{
    int result;

    pthread_mutex_lock(&vm->lock);
    result = pause_locked(vm);
    pthread_mutex_unlock(&vm->lock);
    return result;
}

int vhv_vm_resume(struct vhv_vm *vm)
{
    int result = 0;

    pthread_mutex_lock(&vm->lock);
    if (atomic_load(&vm->stage) == VHV_STAGE_PAUSED) {
        atomic_store(&vm->stage, vm->stage_before_pause);
        pthread_cond_broadcast(&vm->changed);
    } else {
        result = vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE, "the VM is not paused");
    }
    pthread_mutex_unlock(&vm->lock);
    return result;
}
