/* SPDX-License-Identifier: MIT */
/*
 * The CPUID that a guest really reads, from the guest itself: KVM accepts bits that it does not
 * honour, and its read-back need not be what the processor, or what stands for it, answers.
 */
#ifndef LIBVHV_MEASURE_H
#define LIBVHV_MEASURE_H

#include <libvhv/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * vhv_cpuid_measure() - have a guest execute CPUID
 * @ret: what the guest read, on success; to be freed by vhv_cpuid_free()
 * @host: the host; NULL: it is probed for this call alone
 * @options: of the VM that is asked about. Its CPUID depends on @config, whose memsize is not
 * looked at, and on @irqchip; the other members are not looked at. NULL = defaults
 * @vcpu_id: the vCPU, 0 to the configuration's numvcpus - 1
 *
 * Makes a VM with this CPUID and 1 MiB of memory, has it execute CPUID in 32-bit mode without
 * paging, and frees it. Asked for are the leaves and subleaves that the VM was given, and what must
 * not be there: other leaves within each range and the one behind it, leaves of hypervisors, and
 * subleaves up to the one behind the last. An answer that was not given is in the table, unless it
 * is one that a processor gives for what it does not have: zeros, or on Intel's the last basic
 * leaf.
 *
 * What is not as it was asked for is no failure: vhv_guest_cpuid_measured() tells it. A VM does all
 * this by itself if @measure of struct vhv_vm_options is set.
 *
 * Return: 0, or a negative errno as vhv_vm_new() and vhv_vm_power_on():
 *   -EINVAL  the options are malformed, or there is no such vCPU
 *   -EIO     the guest did not come to its end (cause: kvm)
 *   -ENOMEM  no memory
 *   -ENOSPC  the guest answers more than VHV_CPUID_MAX_ENTRIES leaves and subleaves
 *   others   an ioctl failed (cause: kvm)
 *
 * Thread: any. Stage: any. Since: 0.1.
 * Source: [SDM "CPUID—CPU Identification"], [APM3 "CPUID"], [KVM-API KVM_SET_CPUID2].
 */
VHV_API int vhv_cpuid_measure(struct vhv_cpuid **ret, const struct vhv_host *host,
                              const struct vhv_vm_options *options, uint32_t vcpu_id);

#ifdef __cplusplus
}
#endif

#endif
