/* SPDX-License-Identifier: MIT */
#include "kvm/kvm.h"

int vhv_kvm_get_api_version(int kvm)
{
    return VHV_KVM_CALL_VALUE(kvm, KVM_GET_API_VERSION, 0);
}

int vhv_kvm_create_vm(int kvm, unsigned long type)
{
    return VHV_KVM_CALL_VALUE(kvm, KVM_CREATE_VM, type);
}

int vhv_kvm_get_vcpu_mmap_size(int kvm)
{
    return VHV_KVM_CALL_VALUE(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
}

int vhv_kvm_get_supported_cpuid(int kvm, struct kvm_cpuid2 *cpuid)
{
    return VHV_KVM_CALL(kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
}

int vhv_kvm_get_msr_index_list(int kvm, struct kvm_msr_list *list)
{
    return VHV_KVM_CALL(kvm, KVM_GET_MSR_INDEX_LIST, list);
}

int vhv_kvm_get_msr_feature_index_list(int kvm, struct kvm_msr_list *list)
{
    return VHV_KVM_CALL(kvm, KVM_GET_MSR_FEATURE_INDEX_LIST, list);
}
