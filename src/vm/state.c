/* SPDX-License-Identifier: MIT */
/*
 * The whole state of a vCPU, with a live inner guest.
 *
 * Saving completes the pending exit first: a guest that is restored inside an OUT would repeat it
 * for ever. Restoring keeps to an order: SREGS carry the CR4 and EFER without which KVM refuses
 * nested state; registers come after nested state, which sets some of them; the local APIC comes
 * before the MSRs, which arm its timer; events are last, since what comes before may queue some.
 */
#include "vm/vm.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "host/host.h"

struct vhv_vcpu_state {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_xcrs xcrs;
    struct kvm_debugregs debugregs;
    struct kvm_vcpu_events events;
    struct kvm_mp_state mp_state;
    struct kvm_lapic_state lapic;
    bool has_lapic;
    bool has_xcrs; /* the processor has XSAVE */
    struct kvm_xsave *xsave;
    struct kvm_nested_state *nested; /* NULL: this KVM has none */
    struct vhv_msr *msrs;
    size_t msr_count;
};

void vhv_vcpu_state_free(struct vhv_vcpu_state *state)
{
    if (!state)
        return;
    free(state->xsave);
    free(state->nested);
    free(state->msrs);
    free(state);
}

/* NULL with a message if there is no memory. */
static void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);

    if (!memory)
        vhv_fail_memory(bytes);
    return memory;
}

/* Reads all that can be read: KVM stops at the first MSR that it cannot, which is then left out. */
static int save_msrs(struct vhv_vcpu_state *state, const struct vhv_vcpu *vcpu)
{
    size_t count, done = 0;
    const uint32_t *indexes = vhv_host_msr_indexes(vcpu->vm->host, &count);
    struct vhv_error before;
    int result;

    if (!indexes)
        return -EIO;
    state->msrs = allocate((count + 1) * sizeof(*state->msrs));
    if (!state->msrs)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        state->msrs[i].index = indexes[i];
    vhv_error_hold(&before);
    while (done < count) {
        result = vhv_msrs_get(vcpu->fd, state->msrs + done, count - done);
        if (result < 0)
            return result;
        done += (size_t)result;
        if (done < count) {
            memmove(state->msrs + done, state->msrs + done + 1,
                    (count - done - 1) * sizeof(*state->msrs));
            count--;
        }
    }
    vhv_error_restore(&before);
    state->msr_count = count;
    return 0;
}

static int save_xsave(struct vhv_vcpu_state *state, const struct vhv_vcpu *vcpu)
{
    int bytes = 0, result = vhv_kvm_has(vcpu->vm->fd, KVM_CAP_XSAVE2, &bytes);

    if (result < 0)
        return result;
    if (bytes < (int)sizeof(struct kvm_xsave))
        bytes = sizeof(struct kvm_xsave);
    state->xsave = allocate((size_t)bytes);
    if (!state->xsave)
        return -ENOMEM;
    if ((size_t)bytes > sizeof(struct kvm_xsave))
        return vhv_kvm_get_xsave2(vcpu->fd, state->xsave);
    return vhv_kvm_get_xsave(vcpu->fd, state->xsave);
}

static int read_nested(struct kvm_nested_state **ret, const struct vhv_vcpu *vcpu)
{
    struct kvm_nested_state *nested;
    int bytes = 0, result = vhv_kvm_has(vcpu->vm->fd, KVM_CAP_NESTED_STATE, &bytes);

    *ret = NULL;
    if (result < 0 || bytes < (int)sizeof(*nested))
        return result < 0 ? result : 0;
    nested = allocate((size_t)bytes);
    if (!nested)
        return -ENOMEM;
    nested->size = (uint32_t)bytes;
    result = vhv_kvm_get_nested_state(vcpu->fd, nested);
    if (result < 0)
        free(nested);
    else
        *ret = nested;
    return result;
}

static int save_xcrs(struct vhv_vcpu_state *state, const struct vhv_vcpu *vcpu)
{
    int result = vhv_kvm_has(vcpu->vm->fd, KVM_CAP_XCRS, NULL);

    state->has_xcrs = result > 0;
    return result > 0 ? vhv_kvm_get_xcrs(vcpu->fd, &state->xcrs) : result;
}

static int save(struct vhv_vcpu_state *state, struct vhv_vcpu *vcpu)
{
    int result;

    /* MP_STATE first: reading it makes KVM act on an INIT or SIPI that is pending. */
    result = vhv_kvm_get_mp_state(vcpu->fd, &state->mp_state);
    if (result >= 0)
        result = vhv_kvm_get_regs(vcpu->fd, &state->regs);
    if (result >= 0)
        result = vhv_kvm_get_sregs(vcpu->fd, &state->sregs);
    if (result >= 0)
        result = read_nested(&state->nested, vcpu);
    if (result >= 0)
        result = save_xsave(state, vcpu);
    if (result >= 0)
        result = save_xcrs(state, vcpu);
    if (result >= 0)
        result = save_msrs(state, vcpu);
    if (result >= 0)
        result = vhv_kvm_get_debugregs(vcpu->fd, &state->debugregs);
    if (result >= 0)
        result = vhv_kvm_get_vcpu_events(vcpu->fd, &state->events);
    state->has_lapic = vcpu->vm->irqchip != VHV_IRQCHIP_NONE;
    if (result >= 0 && state->has_lapic)
        result = vhv_kvm_get_lapic(vcpu->fd, &state->lapic);
    return result;
}

int vhv_vcpu_save(struct vhv_vcpu_state **ret, struct vhv_vcpu *vcpu)
{
    struct vhv_vcpu_state *state;
    int result;

    result = vhv_vcpu_complete(vcpu);
    if (result < 0)
        return result;
    state = allocate(sizeof(*state));
    if (!state)
        return -ENOMEM;
    result = save(state, vcpu);
    if (result < 0) {
        vhv_vcpu_state_free(state);
        return vhv_fail_within(result, "vCPU %u: its state cannot be saved", vcpu->id);
    }
    *ret = state;
    return 0;
}

/* A refused MSR is no loss if it has the saved value already: KVM lists some that it does not take
   back as they are. */
static int forgive_msr(const struct vhv_vcpu *vcpu, const struct vhv_msr *refused)
{
    struct vhv_msr current = {.index = refused->index};
    int result = vhv_msrs_get(vcpu->fd, &current, 1);

    if (result == 1 && current.value == refused->value)
        return 0;
    return result < 0 ? result
                      : vhv_fail(EINVAL, VHV_CAUSE_KVM, "KVM_SET_MSRS: MSR %#x does not take %#llx",
                                 refused->index, (unsigned long long)refused->value);
}

static int restore_msrs(const struct vhv_vcpu *vcpu, const struct vhv_vcpu_state *state)
{
    struct vhv_error before;
    size_t done = 0;
    int result;

    vhv_error_hold(&before);
    while (done < state->msr_count) {
        result = vhv_msrs_set(vcpu->fd, state->msrs + done, state->msr_count - done);
        if (result < 0)
            return result;
        done += (size_t)result;
        if (done < state->msr_count) {
            result = forgive_msr(vcpu, &state->msrs[done++]);
            if (result < 0)
                return result;
        }
    }
    vhv_error_restore(&before);
    return 0;
}

static int restore(const struct vhv_vcpu *vcpu, const struct vhv_vcpu_state *state)
{
    int result;

    result = vhv_kvm_set_sregs(vcpu->fd, &state->sregs);
    if (result >= 0 && state->nested)
        result = vhv_kvm_set_nested_state(vcpu->fd, state->nested);
    if (result >= 0)
        result = vhv_kvm_set_regs(vcpu->fd, &state->regs);
    if (result >= 0)
        result = vhv_kvm_set_xsave(vcpu->fd, state->xsave);
    if (result >= 0 && state->has_xcrs)
        result = vhv_kvm_set_xcrs(vcpu->fd, &state->xcrs);
    if (result >= 0 && state->has_lapic)
        result = vhv_kvm_set_lapic(vcpu->fd, &state->lapic);
    if (result >= 0)
        result = restore_msrs(vcpu, state);
    if (result >= 0)
        result = vhv_kvm_set_debugregs(vcpu->fd, &state->debugregs);
    if (result >= 0)
        result = vhv_kvm_set_vcpu_events(vcpu->fd, &state->events);
    if (result >= 0)
        result = vhv_kvm_set_mp_state(vcpu->fd, &state->mp_state);
    return result;
}

int vhv_vcpu_restore(struct vhv_vcpu *vcpu, const struct vhv_vcpu_state *state)
{
    int result = vhv_vcpu_check_idle(vcpu);

    if (result < 0)
        return result;
    if (state->has_lapic != (vcpu->vm->irqchip != VHV_IRQCHIP_NONE))
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "vCPU %u: the state was taken from a vCPU %s local APIC in the kernel",
                        vcpu->id, state->has_lapic ? "with a" : "without a");
    /* What the vCPU itself had pending is over. */
    vcpu->exit_is_waiting = false;
    result = restore(vcpu, state);
    if (result < 0)
        return vhv_fail_within(result, "vCPU %u: its state cannot be restored", vcpu->id);
    return 0;
}

bool vhv_vcpu_state_is_nested(const struct vhv_vcpu_state *state)
{
    return state->nested && state->nested->flags & KVM_STATE_NESTED_GUEST_MODE;
}

int vhv_vcpu_is_nested(struct vhv_vcpu *vcpu)
{
    struct kvm_nested_state *nested;
    int result = vhv_vcpu_check_idle(vcpu);

    if (result >= 0)
        result = read_nested(&nested, vcpu);
    if (result < 0)
        return result;
    result = nested && nested->flags & KVM_STATE_NESTED_GUEST_MODE;
    free(nested);
    return result;
}
