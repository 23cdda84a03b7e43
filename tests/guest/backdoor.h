/* SPDX-License-Identifier: MIT */
/* VMware's backdoor, as a guest uses it. */
#ifndef GUEST_BACKDOOR_H
#define GUEST_BACKDOOR_H

#include <stdint.h>

/**
 * backdoor_report() - give a command and report the answer
 * @command: ECX
 */
void backdoor_report(uint32_t command);

/**
 * backdoor_find_vmware() - make and report the calls of a kernel that looks for VMware's hypervisor
 *
 * They are those of Linux's arch/x86/kernel/cpu/vmware.c, in its order, as long as each is answered
 * as it wants: a stand-in for a Linux guest.
 */
void backdoor_find_vmware(void);

#endif
