/* SPDX-License-Identifier: MIT */
/* A vCPU on a thread of its own, for who asks for one. */
#include "vm/vm.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

static int run_to_end(struct vhv_vcpu *vcpu)
{
    struct vhv_exit exit;
    int result;

    for (;;) {
        result = vhv_vcpu_run(vcpu, &exit);
        if (result < 0 || exit.reason == VHV_EXIT_STOPPED)
            return result;
        result = vcpu->on_exit(vcpu, &exit, vcpu->cookie);
        if (result)
            return result < 0 ? result : 0;
    }
}

static void *thread_main(void *cookie)
{
    struct vhv_vcpu *vcpu = cookie;

    vcpu->result = run_to_end(vcpu);
    vcpu->result_cause = vhv_error_cause();
    snprintf(vcpu->result_message, sizeof(vcpu->result_message), "%s", vhv_error_message());
    return NULL;
}

static void name_thread(const struct vhv_vcpu *vcpu)
{
    char name[16]; /* the kernel's limit, with the NUL */

    snprintf(name, sizeof(name), "vcpu/%u", vcpu->id);
    pthread_setname_np(vcpu->own_thread, name);
}

int vhv_vcpu_start(struct vhv_vcpu *vcpu, vhv_exit_fn on_exit, void *cookie)
{
    struct vhv_vm *vm = vcpu->vm;
    int result = 0;

    pthread_mutex_lock(&vm->lock);
    if (atomic_load(&vm->stage) == VHV_STAGE_CONFIGURE) {
        result = vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE, "vCPU %u cannot run: power the VM on first",
                          vcpu->id);
    } else if (vcpu->has_thread) {
        result =
            vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE, "vCPU %u has a thread: join it first", vcpu->id);
    } else {
        vcpu->on_exit = on_exit;
        vcpu->cookie = cookie;
        if (pthread_create(&vcpu->own_thread, NULL, thread_main, vcpu))
            result =
                vhv_fail(EAGAIN, VHV_CAUSE_NONE, "no thread could be made for vCPU %u", vcpu->id);
        else
            vcpu->has_thread = true;
    }
    if (vcpu->has_thread && result == 0)
        name_thread(vcpu);
    pthread_mutex_unlock(&vm->lock);
    return result;
}

int vhv_vcpu_join(struct vhv_vcpu *vcpu)
{
    if (!vcpu->has_thread)
        return vhv_fail(ESRCH, VHV_CAUSE_NONE, "vCPU %u has no thread", vcpu->id);
    pthread_join(vcpu->own_thread, NULL);
    /* The next kick must not go to a thread that is no more. */
    atomic_store(&vcpu->bound, false);
    vcpu->has_thread = false;
    if (vcpu->result < 0)
        return vhv_fail(-vcpu->result, vcpu->result_cause, "%s", vcpu->result_message);
    return 0;
}
