/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/error.h"
#include "kvm/kvm.h"

static const struct {
    unsigned long number;
    const char *name;
} used[] = {
#define USED(capability)        \
    {                           \
        capability, #capability \
    }
    USED(KVM_CAP_IRQCHIP),
    USED(KVM_CAP_USER_MEMORY),
    USED(KVM_CAP_SET_TSS_ADDR),
    USED(KVM_CAP_EXT_CPUID),
    USED(KVM_CAP_NR_VCPUS),
    USED(KVM_CAP_NR_MEMSLOTS),
    USED(KVM_CAP_MP_STATE),
    USED(KVM_CAP_IRQ_ROUTING),
    USED(KVM_CAP_IRQFD),
    USED(KVM_CAP_PIT2),
    USED(KVM_CAP_PIT_STATE2),
    USED(KVM_CAP_IOEVENTFD),
    USED(KVM_CAP_SET_IDENTITY_MAP_ADDR),
    USED(KVM_CAP_ADJUST_CLOCK),
    USED(KVM_CAP_VCPU_EVENTS),
    USED(KVM_CAP_DEBUGREGS),
    USED(KVM_CAP_XSAVE),
    USED(KVM_CAP_XCRS),
    USED(KVM_CAP_GET_TSC_KHZ),
    USED(KVM_CAP_TSC_DEADLINE_TIMER),
    USED(KVM_CAP_SIGNAL_MSI),
    USED(KVM_CAP_MAX_VCPUS),
    USED(KVM_CAP_READONLY_MEM),
    USED(KVM_CAP_SPLIT_IRQCHIP),
    USED(KVM_CAP_IMMEDIATE_EXIT),
    USED(KVM_CAP_GET_MSR_FEATURES),
    USED(KVM_CAP_NESTED_STATE),
    USED(KVM_CAP_EXCEPTION_PAYLOAD),
    USED(KVM_CAP_X86_USER_SPACE_MSR),
    USED(KVM_CAP_X86_MSR_FILTER),
    USED(KVM_CAP_ENFORCE_PV_FEATURE_CPUID),
    USED(KVM_CAP_BINARY_STATS_FD),
    USED(KVM_CAP_XSAVE2),
    USED(KVM_CAP_PMU_CAPABILITY),
#undef USED
};

enum { USED_COUNT = sizeof(used) / sizeof(used[0]) };

enum vhv_answer vhv_kvm_capability(int fd, unsigned long capability, int *value)
{
    int answer = vhv_kvm_ops->ioctl(fd, KVM_CHECK_EXTENSION, (void *)capability);

    if (answer < 0)
        return VHV_UNKNOWN;
    if (value)
        *value = answer;
    return answer ? VHV_YES : VHV_NO;
}

const char *vhv_kvm_capability_name(unsigned long capability)
{
    for (size_t i = 0; i < USED_COUNT; i++) {
        if (used[i].number == capability)
            return used[i].name;
    }
    return NULL;
}

unsigned long vhv_kvm_capability_at(size_t index)
{
    return index < USED_COUNT ? used[index].number : 0;
}

int vhv_kvm_has(int fd, unsigned long capability, int *value)
{
    switch (vhv_kvm_capability(fd, capability, value)) {
    case VHV_YES:
        return 1;
    case VHV_NO:
        return 0;
    case VHV_UNKNOWN:
    default:
        return vhv_fail(errno, VHV_CAUSE_KVM, "KVM_CHECK_EXTENSION of %s: %s",
                        vhv_kvm_capability_name(capability), strerrordesc_np(errno));
    }
}

int vhv_kvm_require(int fd, unsigned long capability, const char *why)
{
    switch (vhv_kvm_capability(fd, capability, NULL)) {
    case VHV_YES:
        return 0;
    case VHV_NO:
        return vhv_fail(EOPNOTSUPP, VHV_CAUSE_CAPABILITY_MISSING,
                        "this kernel's KVM lacks %s, which %s needs",
                        vhv_kvm_capability_name(capability), why);
    case VHV_UNKNOWN:
    default:
        return vhv_fail(
            EOPNOTSUPP, VHV_CAUSE_CAPABILITY_MISSING,
            "KVM_CHECK_EXTENSION failed: could not tell whether KVM has %s, which %s needs",
            vhv_kvm_capability_name(capability), why);
    }
}
