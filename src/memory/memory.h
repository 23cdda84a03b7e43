/* SPDX-License-Identifier: MIT */
/* Guest memory as the VM that owns it sees it. */
#ifndef VHV_MEMORY_MEMORY_H
#define VHV_MEMORY_MEMORY_H

#include <libvhv/memory.h>

/*
 * Registers every region with KVM, as the slot of the region's number, and freezes the layout.
 * Returns 0, or a negative errno; then no slot is left and the layout can still be changed.
 */
int vhv_memory_attach(struct vhv_memory *memory, int vm_fd);

/*
 * Takes each slot back and registers it again, by which KVM forgets all that it derived from it.
 * Returns 0, or a negative errno; then the VM can only be freed.
 */
int vhv_memory_renew(struct vhv_memory *memory);

/* Takes the slots back and lets the layout be changed again. Nothing if it is not attached. */
void vhv_memory_detach(struct vhv_memory *memory);

#endif
