/* SPDX-License-Identifier: MIT */
/* The raw file descriptors under libvhv's objects, for what the library does not wrap. They stay
 * the library's: do not close them. */
#ifndef LIBVHV_KVM_H
#define LIBVHV_KVM_H

#include <libvhv/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kvm_run;
struct vhv_host;
struct vhv_vcpu;
struct vhv_vm;

/**
 * vhv_host_kvm_fd() - /dev/kvm
 * @host: the host
 *
 * Return: the file descriptor, valid as long as @host; -1 if it could not be opened or is not a KVM
 * of API version 12.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_host_kvm_fd(const struct vhv_host *host);

/**
 * vhv_vm_kvm_fd() - the VM's file descriptor
 * @vm: the VM
 *
 * Return: the file descriptor, valid as long as @vm.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_vm_kvm_fd(const struct vhv_vm *vm);

/**
 * vhv_vcpu_kvm_fd() - the vCPU's file descriptor
 * @vcpu: the vCPU
 *
 * Return: the file descriptor, valid as long as the VM.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_vcpu_kvm_fd(const struct vhv_vcpu *vcpu);

/**
 * vhv_vcpu_kvm_run() - the page that the vCPU shares with KVM
 * @vcpu: the vCPU
 *
 * Its immediate_exit belongs to vhv_vcpu_kick(): do not write it.
 *
 * Return: the page, valid as long as the VM.
 *
 * Thread: vcpu. Stage: any. Since: 0.1.
 */
VHV_API struct kvm_run *vhv_vcpu_kvm_run(struct vhv_vcpu *vcpu);

#ifdef __cplusplus
}
#endif

#endif
