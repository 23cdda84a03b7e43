/* SPDX-License-Identifier: MIT */
/* A vCPU's descriptor. */
#include <stdlib.h>
#include <string.h>

#include "fake_model.h"

enum { MSR_FEATURE_CONTROL = 0x3a };

struct fake_vcpu *fake_vcpu_new(struct fake_vm *vm)
{
    struct fake_vcpu *vcpu = calloc(1, sizeof(*vcpu));

    vm->references++;
    vcpu->vm = vm;
    for (const struct kvm_msr_entry *msr = fake_vcpu_msrs(); msr->index != ~0u; msr++)
        vcpu->msrs[vcpu->msr_count++] = *msr;
    return vcpu;
}

void fake_vcpu_free(struct fake_vcpu *vcpu)
{
    fake_vm_unref(vcpu->vm);
    free(vcpu->cpuid);
    free(vcpu);
}

static size_t cpuid_bytes(uint32_t entries)
{
    return sizeof(struct kvm_cpuid2) + entries * sizeof(struct kvm_cpuid_entry2);
}

/* After the first run only what is there already is taken. */
static int set_cpuid(struct fake_object *object, void *argument)
{
    const struct kvm_cpuid2 *given = argument;
    struct fake_vcpu *vcpu = object->vcpu;
    size_t bytes = cpuid_bytes(given->nent);

    if (given->nent > VHV_CPUID_MAX_ENTRIES)
        return -E2BIG;
    if (vcpu->ran)
        return given->nent == vcpu->cpuid->nent && !memcmp(given, vcpu->cpuid, bytes) ? 0 : -EINVAL;
    free(vcpu->cpuid);
    vcpu->cpuid = malloc(bytes);
    memcpy(vcpu->cpuid, given, bytes);
    return 0;
}

/* Like Linux before 6.5, leaves the number of entries as it was asked for. */
static int get_cpuid(struct fake_object *object, void *argument)
{
    struct kvm_cpuid2 *cpuid = argument;
    const struct kvm_cpuid2 *set = object->vcpu->cpuid;
    uint32_t asked_for = cpuid->nent;
    int result = set ? fake_cpuid_copy(cpuid, set->entries, set->nent) : -ENOENT;

    cpuid->nent = asked_for;
    for (uint32_t i = 0; result == 0 && i < set->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

        if (entry->function != fake_kvm.readback.leaf)
            continue;
        entry->eax ^= fake_kvm.readback.eax;
        entry->ebx ^= fake_kvm.readback.ebx;
        entry->ecx ^= fake_kvm.readback.ecx;
        entry->edx ^= fake_kvm.readback.edx;
    }
    return result;
}

static bool has_vmx(const struct fake_vcpu *vcpu)
{
    for (uint32_t i = 0; vcpu->cpuid && i < vcpu->cpuid->nent; i++) {
        if (vcpu->cpuid->entries[i].function == 1)
            return vcpu->cpuid->entries[i].ecx & 1u << 5;
    }
    return false;
}

static struct kvm_msr_entry *find_msr(struct fake_vcpu *vcpu, uint32_t index)
{
    bool vmx = index >= 0x480 && index <= 0x491;

    for (size_t i = 0; i < vcpu->msr_count; i++) {
        if (vcpu->msrs[i].index == index)
            return vmx && !has_vmx(vcpu) ? NULL : &vcpu->msrs[i];
    }
    return NULL;
}

static int get_msrs(struct fake_object *object, void *argument)
{
    struct kvm_msrs *msrs = argument;

    for (uint32_t i = 0; i < msrs->nmsrs; i++) {
        const struct kvm_msr_entry *msr = find_msr(object->vcpu, msrs->entries[i].index);

        if (!msr)
            return (int)i;
        msrs->entries[i].data = msr->data;
    }
    return (int)msrs->nmsrs;
}

/* VMXON cannot be allowed to a guest whose CPUID hides VMX. */
static int set_msrs(struct fake_object *object, void *argument)
{
    const struct kvm_msrs *msrs = argument;

    for (uint32_t i = 0; i < msrs->nmsrs; i++) {
        const struct kvm_msr_entry *given = &msrs->entries[i];
        struct kvm_msr_entry *msr = find_msr(object->vcpu, given->index);

        if (!msr ||
            (given->index == MSR_FEATURE_CONTROL && given->data & 0x6 && !has_vmx(object->vcpu)))
            return (int)i;
        msr->data = given->data;
    }
    return (int)msrs->nmsrs;
}

static int run(struct fake_object *object, void *argument)
{
    struct fake_vcpu *vcpu = object->vcpu;
    fake_exit exit;

    (void)argument;
    if (!vcpu->run)
        return -EFAULT;
    vcpu->ran = true;
    if (__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_SEQ_CST))
        return -EINTR;
    if (fake_kvm.script_next >= fake_kvm.script_length) {
        vcpu->run->exit_reason = KVM_EXIT_HLT;
        return 0;
    }
    exit = fake_kvm.script[fake_kvm.script_next++];
    fake_kvm.cpuid = vcpu->cpuid;
    return -exit(vcpu->run);
}

static int get_nested(struct fake_object *object, void *argument)
{
    struct kvm_nested_state *state = argument;
    struct kvm_nested_state header;

    memcpy(&header, object->vcpu->nested, sizeof(header));
    if (!header.size)
        header.size = sizeof(header);
    if (state->size < header.size) {
        state->size = header.size;
        return -E2BIG;
    }
    fake_copy(state, object->vcpu->nested, header.size);
    state->size = header.size;
    return 0;
}

static int set_nested(struct fake_object *object, void *argument)
{
    const struct kvm_nested_state *state = argument;

    if (state->size < sizeof(*state) || state->size > FAKE_BLOB_BYTES)
        return -EINVAL;
    return fake_copy(object->vcpu->nested, state, state->size);
}

/* Most of a vCPU's state is plain: a pair of ioctls each. */
#define STATE(name, number, type)                                              \
    static int get_##name(struct fake_object *object, void *argument)          \
    {                                                                          \
        return fake_copy(argument, object->vcpu->blobs[number], sizeof(type)); \
    }                                                                          \
    static int set_##name(struct fake_object *object, void *argument)          \
    {                                                                          \
        return fake_copy(object->vcpu->blobs[number], argument, sizeof(type)); \
    }

STATE(regs, 0, struct kvm_regs)
STATE(sregs, 1, struct kvm_sregs)
STATE(fpu, 2, struct kvm_fpu)
STATE(xsave, 3, struct kvm_xsave)
STATE(xcrs, 4, struct kvm_xcrs)
STATE(debugregs, 5, struct kvm_debugregs)
STATE(events, 6, struct kvm_vcpu_events)
STATE(mp_state, 7, struct kvm_mp_state)
STATE(lapic, 8, struct kvm_lapic_state)

static int get_kernel_lapic(struct fake_object *object, void *argument)
{
    return object->vm->lapic ? get_lapic(object, argument) : -EINVAL;
}

static int set_kernel_lapic(struct fake_object *object, void *argument)
{
    return object->vm->lapic ? set_lapic(object, argument) : -EINVAL;
}

static int interrupt(struct fake_object *object, void *argument)
{
    (void)argument;
    return object->vm->lapic ? -ENXIO : 0;
}

enum { TSC_KHZ = 2400000 };

static int get_tsc_khz(struct fake_object *object, void *argument)
{
    (void)object;
    (void)argument;
    return TSC_KHZ;
}

const struct fake_ioctl fake_vcpu_ioctls[] = {
    FAKE_IOCTL(KVM_RUN, run),
    FAKE_IOCTL(KVM_CHECK_EXTENSION, fake_check_extension),
    FAKE_IOCTL(KVM_ENABLE_CAP, fake_enable_cap),
    FAKE_IOCTL(KVM_GET_STATS_FD, fake_get_stats_fd),
    FAKE_IOCTL(KVM_SET_CPUID2, set_cpuid),
    FAKE_IOCTL(KVM_GET_CPUID2, get_cpuid),
    FAKE_IOCTL(KVM_GET_TSC_KHZ, get_tsc_khz),
    FAKE_IOCTL(KVM_GET_MSRS, get_msrs),
    FAKE_IOCTL(KVM_SET_MSRS, set_msrs),
    FAKE_IOCTL(KVM_GET_REGS, get_regs),
    FAKE_IOCTL(KVM_SET_REGS, set_regs),
    FAKE_IOCTL(KVM_GET_SREGS, get_sregs),
    FAKE_IOCTL(KVM_SET_SREGS, set_sregs),
    FAKE_IOCTL(KVM_GET_FPU, get_fpu),
    FAKE_IOCTL(KVM_SET_FPU, set_fpu),
    FAKE_IOCTL(KVM_GET_XSAVE, get_xsave),
    FAKE_IOCTL(KVM_GET_XSAVE2, get_xsave),
    FAKE_IOCTL(KVM_SET_XSAVE, set_xsave),
    FAKE_IOCTL(KVM_GET_XCRS, get_xcrs),
    FAKE_IOCTL(KVM_SET_XCRS, set_xcrs),
    FAKE_IOCTL(KVM_GET_DEBUGREGS, get_debugregs),
    FAKE_IOCTL(KVM_SET_DEBUGREGS, set_debugregs),
    FAKE_IOCTL(KVM_GET_VCPU_EVENTS, get_events),
    FAKE_IOCTL(KVM_SET_VCPU_EVENTS, set_events),
    FAKE_IOCTL(KVM_GET_MP_STATE, get_mp_state),
    FAKE_IOCTL(KVM_SET_MP_STATE, set_mp_state),
    FAKE_IOCTL(KVM_GET_LAPIC, get_kernel_lapic),
    FAKE_IOCTL(KVM_SET_LAPIC, set_kernel_lapic),
    FAKE_IOCTL(KVM_GET_NESTED_STATE, get_nested),
    FAKE_IOCTL(KVM_SET_NESTED_STATE, set_nested),
    FAKE_IOCTL(KVM_INTERRUPT, interrupt),
    FAKE_IOCTL(KVM_NMI, fake_accept),
    FAKE_IOCTL(KVM_SET_SIGNAL_MASK, fake_accept),
    {0},
};
