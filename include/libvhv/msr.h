/* SPDX-License-Identifier: MIT */
/*
 * What a guest's RDMSR and WRMSR come to: rules for ranges of model-specific registers, which KVM's
 * filter enforces, and how often the guest tried.
 *
 * The first rule that has the MSR and the kind of access decides; without one KVM answers as it
 * always does. Not reached are the x2APIC's MSRs (800h to 8FFh), and the MSRs that entries and
 * exits of an inner guest load and store.
 */
#ifndef LIBVHV_MSR_H
#define LIBVHV_MSR_H

#include <libvhv/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vhv_msr_action {
    VHV_MSR_ALLOW = 0, /* KVM answers */
    VHV_MSR_IGNORE,    /* RDMSR reads 0, WRMSR has no effect */
    VHV_MSR_FAULT,     /* the guest takes #GP */
    VHV_MSR_EXIT       /* the vCPU's run returns VHV_EXIT_MSR; unanswered it is as ignored */
};

enum vhv_msr_access { VHV_MSR_READ_WRITE = 0, VHV_MSR_READ, VHV_MSR_WRITE };

/* A rule. One for reads and writes of MSRs 0 to FFFFFFFFh is for all that no rule before it has. */
struct vhv_msr_rule {
    uint32_t first; /* MSR */
    uint32_t last;  /* MSR, itself included */
    enum vhv_msr_access access;
    enum vhv_msr_action action;
};

/* How often the guest tried what a rule decides; what it allows is not counted. */
struct vhv_msr_tries {
    uint64_t reads;
    uint64_t writes;
};

/**
 * vhv_vm_msr_rule_add() - add a rule behind those that are there
 * @vm: the VM
 * @rule: copied
 *
 * KVM's filter has 16 ranges of 3000h (12288) MSRs each. A rule needs one range for every 3000h
 * MSRs that it is for; one for all MSRs needs none, and must be the last, so that it does not go
 * with the option hide_msrs of struct vhv_vm_options. That option adds up to four rules of one
 * range each at power-on: C0010114h to C0010118h without SVM, 480h to 491h without VMX, 11h to 12h
 * and 4B564D00h to 4B564DFFh without the hypervisor bit.
 *
 * Return: the rule's number (from 0), or a negative errno, with the rules as they were:
 *   -EINVAL  no such access or action; @first is above @last; an action other than to allow for
 *            MSRs of the x2APIC, which KVM does not filter
 *   -EEXIST  a rule for all MSRs is there: this one would decide nothing
 *   -ENOSPC  KVM's filter has too few ranges left
 *   -EBUSY   the VM was powered on (cause: wrong-stage)
 *
 * Thread: vm. Stage: configure. Since: 0.1.
 * Source: [KVM-API KVM_X86_SET_MSR_FILTER], [KVM-API KVM_CAP_X86_USER_SPACE_MSR].
 */
VHV_API int vhv_vm_msr_rule_add(struct vhv_vm *vm, const struct vhv_msr_rule *rule);

/**
 * vhv_vm_msr_rule() - a rule, and what the guest tried of it
 * @vm: the VM
 * @index: from 0; after power-on those of the option hide_msrs come last
 * @tries: filled in if there is such a rule; NULL is fine
 *
 * Return: the rule, valid as long as @vm; NULL beyond the last one.
 *
 * Thread: async. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_msr_rule *vhv_vm_msr_rule(const struct vhv_vm *vm, size_t index,
                                                   struct vhv_msr_tries *tries);

#ifdef __cplusplus
}
#endif

#endif
