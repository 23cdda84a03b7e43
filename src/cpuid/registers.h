/* SPDX-License-Identifier: MIT */
#ifndef VHV_CPUID_REGISTERS_H
#define VHV_CPUID_REGISTERS_H

#include <libvhv/cpuid.h>

/* "eax" and so on, by enum vhv_cpuid_reg. */
extern const char *const vhv_cpuid_registers[VHV_CPUID_REGS];

#endif
