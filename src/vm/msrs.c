/* SPDX-License-Identifier: MIT */
/* Model-specific registers: KVM stops at the first that it refuses, and says how many it did
   before. */
#include "vm/vm.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/error.h"

static int allocate(struct kvm_msrs **ret, const struct vhv_msr *msrs, size_t count)
{
    struct kvm_msrs *list;
    size_t bytes;

    if (vhv_multiply_overflows(count, sizeof(list->entries[0]), &bytes) || count > UINT32_MAX)
        return vhv_fail(ENOMEM, VHV_CAUSE_NONE, "%zu MSRs are too many", count);
    list = calloc(1, sizeof(*list) + bytes);
    if (!list)
        return vhv_fail_memory(sizeof(*list) + bytes);
    list->nmsrs = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        list->entries[i].index = msrs[i].index;
        list->entries[i].data = msrs[i].value;
    }
    *ret = list;
    return 0;
}

int vhv_msrs_get(int vcpu_fd, struct vhv_msr *msrs, size_t count)
{
    struct kvm_msrs *list;
    int result = allocate(&list, msrs, count);

    if (result < 0)
        return result;
    result = vhv_kvm_get_msrs(vcpu_fd, list);
    for (int i = 0; i < result; i++)
        msrs[i].value = list->entries[i].data;
    if (result >= 0 && (size_t)result < count)
        vhv_fail(EINVAL, VHV_CAUSE_KVM, "KVM_GET_MSRS: MSR %#x cannot be read", msrs[result].index);
    free(list);
    return result;
}

int vhv_msrs_set(int vcpu_fd, const struct vhv_msr *msrs, size_t count)
{
    struct kvm_msrs *list;
    int result = allocate(&list, msrs, count);

    if (result < 0)
        return result;
    result = vhv_kvm_set_msrs(vcpu_fd, list);
    if (result >= 0 && (size_t)result < count)
        vhv_fail(EINVAL, VHV_CAUSE_KVM, "KVM_SET_MSRS: MSR %#x does not take %#llx",
                 msrs[result].index, (unsigned long long)msrs[result].value);
    free(list);
    return result;
}

int vhv_vcpu_get_msrs(struct vhv_vcpu *vcpu, struct vhv_msr *msrs, size_t count)
{
    int result = vhv_vcpu_check_idle(vcpu);

    return result < 0 ? result : vhv_msrs_get(vcpu->fd, msrs, count);
}

int vhv_vcpu_set_msrs(struct vhv_vcpu *vcpu, const struct vhv_msr *msrs, size_t count)
{
    int result = vhv_vcpu_check_idle(vcpu);

    return result < 0 ? result : vhv_msrs_set(vcpu->fd, msrs, count);
}
