/* SPDX-License-Identifier: MIT */
/* A machine to be probed: a fake KVM, a processor, and files in place of /sys and its like. */
#ifndef VHV_TESTS_MACHINE_H
#define VHV_TESTS_MACHINE_H

#include <libvhv/host.h>

#include "fake_kvm.h"
#include "host/host.h"

struct machine {
    char root[32];
    char sysfs[64], msr[64], cpuinfo[64];
    struct vhv_host_paths paths;
    struct vhv_cpuid *processor; /* the next probe takes it, and leaves a new one */
};

/* A machine on which everything is as nesting needs it. Aborts on failure, as all of these do. */
struct machine *machine_new(enum vhv_vendor vendor);
void machine_free(struct machine *machine);
struct vhv_host *machine_probe(struct machine *machine);

/* Writes a file at an offset; it and the directories above it are made. */
void machine_write(const struct machine *machine, const char *path, const void *data, size_t bytes,
                   long offset);
void machine_write_text(const struct machine *machine, const char *path, const char *text);
void machine_remove(const struct machine *machine, const char *path);

/* cmocka's setup and teardown with a machine as state; what the library left open is a failure. */
int machine_setup_amd(void **state);
int machine_setup_intel(void **state);
int machine_teardown(void **state);

#endif
