/* SPDX-License-Identifier: MIT */
/* A VM by hand-written ioctls: what the library's cost is measured against. It does what the
   measurements need and no more. */
#ifndef VHV_TESTS_BENCH_RAW_H
#define VHV_TESTS_BENCH_RAW_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

struct raw_vm {
    int fd;
    int vcpu;
    struct kvm_run *run;
    size_t run_bytes;
    void *memory;
    size_t memory_bytes;
};

/* /dev/kvm, or -1. */
int raw_open(void);

/* A VM with one vCPU at the start of @code, in real mode. 0, or -1 with errno. */
int raw_vm_new(struct raw_vm *vm, int kvm, size_t memory_bytes, const void *code, size_t code_bytes,
               uint64_t gpa);
void raw_vm_free(struct raw_vm *vm);

/* A device at one port and one page, as simple as can be. */
struct raw_device {
    uint16_t port;
    uint64_t gpa;
    uint64_t writes_left;
    uint64_t last_value;
};

/* Runs until the device has got its writes. Returns 0, or -1 if anything else happened. */
int raw_vm_run(struct raw_vm *vm, struct raw_device *device);

#endif
