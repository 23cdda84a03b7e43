/* SPDX-License-Identifier: MIT */
/*
 * The backdoor: the ports 5658h and 5659h by which VMware's guests talk to their host. Its commands
 * are in vhv_backdoor(3).
 *
 * KVM lets through only accesses that the guest's I/O permissions allow, always. While the backdoor
 * is restricted it is also left to a guest hypervisor for its own guests: an access of the inner
 * guest that the guest hypervisor did not intercept finds no device. While it is open, such an
 * access is answered.
 */
#ifndef LIBVHV_BACKDOOR_H
#define LIBVHV_BACKDOOR_H

#include <libvhv/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vhv_backdoor_options {
    size_t size; /* sizeof(struct vhv_backdoor_options) */
    /* Whether it is restricted for good, which no guest can undo. Unset: by the configuration's
     * monitor_control.restrict_backdoor, and if that is not set, guestOS: it is for VMware ESX. */
    enum vhv_setting restricted;
    bool has_uuid;
    uint8_t uuid[16]; /* in the order in which it is written */
};

/**
 * vhv_backdoor_add() - give a VM the backdoor
 * @vm: the VM
 * @options: NULL = defaults
 *
 * Return: 0, or a negative errno, with @vm as it was:
 *   -EINVAL  the options are malformed
 *   -EEXIST  the VM's bus has a range at the ports 5658h to 565Ch
 *   -ENOSPC  the VM's bus has VHV_BUS_MAX_RANGES ranges
 *   -ENOMEM  no memory
 *   -EBUSY   the VM was powered on (cause: wrong-stage)
 *
 * Thread: vm. Stage: configure. Since: 0.1.
 */
VHV_API int vhv_backdoor_add(struct vhv_vm *vm, const struct vhv_backdoor_options *options);

#ifdef __cplusplus
}
#endif

#endif
