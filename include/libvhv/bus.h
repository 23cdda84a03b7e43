/* SPDX-License-Identifier: MIT */
/*
 * Dispatch of a guest's port and memory-mapped accesses to ranges with handlers.
 *
 * Ranges are added before power-on; look-up afterwards takes no lock and allocates nothing.
 */
#ifndef LIBVHV_BUS_H
#define LIBVHV_BUS_H

#include <libvhv/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vhv_space { VHV_SPACE_PORT, VHV_SPACE_MMIO };

/* Ranges of one bus and space are at most this many. */
enum { VHV_BUS_MAX_RANGES = 256 };

/*
 * What a device does on an access. Both are called on the vCPU's thread, possibly on several vCPUs'
 * threads at once, with the guest stopped at the access. @offset is from the start of the range,
 * @bytes is 1, 2, 4 or 8 and the access lies whole within the range. They may call anything that
 * takes "any", "vm" or "async" threads, and look at the vCPU: see vhv_vm_current_vcpu(). Negative
 * returns stop the vCPU's run with that error; 0 goes on, 1 goes on and makes vhv_vcpu_run() return
 * to its caller with VHV_EXIT_HANDLED.
 */
struct vhv_bus_ops {
    int (*read)(void *cookie, uint64_t offset, unsigned bytes, uint64_t *value);
    int (*write)(void *cookie, uint64_t offset, unsigned bytes, uint64_t value);
};

/* The ranges of one machine. */
struct vhv_bus;

/**
 * vhv_bus_new() - make a bus without ranges
 * @ret: the bus, on success; free it with vhv_bus_free(). A VM makes its own: see vhv_vm_bus().
 *
 * Return: 0, or a negative errno:
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_bus_new(struct vhv_bus **ret);

/**
 * vhv_bus_free() - free a bus
 * @bus: the bus; NULL is fine. Not the one of a VM, which goes with its VM.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_bus_free(struct vhv_bus *bus);

/**
 * vhv_bus_add() - have accesses to a range handled
 * @bus: the bus
 * @space: ports or memory
 * @base: first port (0 to FFFFh) or guest physical address
 * @bytes: length of the range
 * @ops: copied; a NULL read answers all ones, a NULL write is ignored
 * @cookie: handed to the handlers; must live until the bus is freed
 * @name: for messages, such as "serial 0"; copied; NULL is fine
 *
 * Return: 0, or a negative errno, with the bus as it was:
 *   -EINVAL  empty, wraps, or beyond the space
 *   -EEXIST  overlaps another range; the message names both
 *   -ENOSPC  VHV_BUS_MAX_RANGES ranges are there
 *   -ENOMEM  no memory
 *   -EBUSY   the VM was powered on (cause: wrong-stage)
 *
 * Thread: vm. Stage: configure. Since: 0.1.
 */
VHV_API int vhv_bus_add(struct vhv_bus *bus, enum vhv_space space, uint64_t base, uint64_t bytes,
                        const struct vhv_bus_ops *ops, void *cookie, const char *name);

/**
 * vhv_bus_access() - do one access
 * @bus: the bus
 * @space: ports or memory
 * @is_write: the guest writes
 * @address: port or guest physical address
 * @data: the bytes, little endian; filled in by a read
 * @bytes: 1 to 8. Any other size than 1, 2, 4 and 8, and an access that straddles the border of a
 * range, is split into naturally aligned parts, lowest address first, that lie whole within one
 * range or within none; a part that no range has reads as all ones, and writes to it are ignored.
 *
 * Return: 1 if a handler returned 1, 2 if no range has any of the bytes, 0 otherwise, or a negative
 * errno:
 *   -EINVAL  @bytes is out of range or the access wraps
 *   others   what a handler returned; the message names its range. Parts after it are not done.
 *
 * Thread: any. Stage: ready, running, paused. Since: 0.1.
 */
VHV_API int vhv_bus_access(const struct vhv_bus *bus, enum vhv_space space, bool is_write,
                           uint64_t address, void *data, unsigned bytes);

#ifdef __cplusplus
}
#endif

#endif
