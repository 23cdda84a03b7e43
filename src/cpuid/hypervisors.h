/* SPDX-License-Identifier: MIT */
/* The hypervisors that a guest can find itself on. */
#ifndef VHV_CPUID_HYPERVISORS_H
#define VHV_CPUID_HYPERVISORS_H

enum vhv_hypervisor { VHV_HYPERVISOR_UNKNOWN, VHV_HYPERVISOR_KVM, VHV_HYPERVISOR_VMWARE };

/* By the value of hypervisor.cpuid.vendor, in any case. */
enum vhv_hypervisor vhv_hypervisor_find(const char *name);

#endif
