/* SPDX-License-Identifier: MIT */
/* What the VM does with its bus. */
#ifndef VHV_BUS_BUS_H
#define VHV_BUS_BUS_H

#include <libvhv/bus.h>

/* Freezes the ranges: vhv_bus_add() is -EBUSY from now on, and vhv_bus_access() may be called. */
void vhv_bus_seal(struct vhv_bus *bus);

/* Undoes vhv_bus_seal() when the rest of a power-on fails. */
void vhv_bus_unseal(struct vhv_bus *bus);

/* vhv_bus_access() for who knows the space: the run loop. */
int vhv_bus_access_port(const struct vhv_bus *bus, bool is_write, uint16_t port, void *data,
                        unsigned bytes);
int vhv_bus_access_mmio(const struct vhv_bus *bus, bool is_write, uint64_t gpa, void *data,
                        unsigned bytes);

#endif
