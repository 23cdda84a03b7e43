/* SPDX-License-Identifier: MIT */
/*
 * Rules on a guest's MSRs. KVM's filter only knows allowed and denied: what is denied exits, and
 * the first rule says what then. KVM, too, takes the first range that has the MSR and the access,
 * so that both find the same one. [KVM-API KVM_X86_SET_MSR_FILTER]
 */
#include <libvhv/msr.h>
#include <string.h>

#include "base/error.h"
#include "vm/vm.h"

/* MSRs of one range: bits of its bitmap. */
enum { RANGE_MSRS = KVM_MSR_FILTER_MAX_BITMAP_SIZE * 8 };

_Static_assert(VHV_VM_MAX_MSR_RULES == KVM_MSR_FILTER_MAX_RANGES + 1,
               "each rule but one for all MSRs needs a range");

/* KVM never filters these. */
enum { X2APIC_FIRST = 0x800, X2APIC_LAST = 0x8FF };

static bool is_for_all(const struct vhv_msr_rule *rule)
{
    return rule->first == 0 && rule->last == UINT32_MAX && rule->access == VHV_MSR_READ_WRITE;
}

static unsigned ranges_of(const struct vhv_msr_rule *rule)
{
    return is_for_all(rule) ? 0 : (rule->last - rule->first) / RANGE_MSRS + 1;
}

static unsigned ranges_left(const struct vhv_msr_policy *policy)
{
    unsigned left = KVM_MSR_FILTER_MAX_RANGES;

    for (size_t i = 0; i < policy->count; i++)
        left -= ranges_of(&policy->rules[i]);
    return left;
}

static int check_rule(const struct vhv_msr_rule *rule)
{
    if ((unsigned)rule->access > VHV_MSR_WRITE || (unsigned)rule->action > VHV_MSR_EXIT)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "a rule on MSRs has access %d and action %d",
                        (int)rule->access, (int)rule->action);
    if (rule->first > rule->last)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "a rule on MSRs %#x to %#x is for none",
                        rule->first, rule->last);
    if (rule->action != VHV_MSR_ALLOW && !is_for_all(rule) && rule->first <= X2APIC_LAST &&
        rule->last >= X2APIC_FIRST)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "a rule on MSRs %#x to %#x: KVM does not filter those of the x2APIC, %#x "
                        "to %#x",
                        rule->first, rule->last, X2APIC_FIRST, X2APIC_LAST);
    return 0;
}

static int add(struct vhv_msr_policy *policy, const struct vhv_msr_rule *rule)
{
    unsigned needed = ranges_of(rule), left = ranges_left(policy);

    if (policy->count && is_for_all(&policy->rules[policy->count - 1]))
        return vhv_fail(EEXIST, VHV_CAUSE_NONE,
                        "a rule on MSRs %#x to %#x decides nothing: the one before it is for all",
                        rule->first, rule->last);
    if (needed > left)
        return vhv_fail(ENOSPC, VHV_CAUSE_NONE,
                        "a rule on MSRs %#x to %#x needs %u of KVM's %d ranges of %d MSRs, and %u "
                        "are left",
                        rule->first, rule->last, needed, KVM_MSR_FILTER_MAX_RANGES, RANGE_MSRS,
                        left);
    policy->rules[policy->count] = *rule;
    return (int)policy->count++;
}

int vhv_vm_msr_rule_add(struct vhv_vm *vm, const struct vhv_msr_rule *rule)
{
    int result = check_rule(rule);

    if (result < 0)
        return result;
    pthread_mutex_lock(&vm->lock);
    if (atomic_load(&vm->stage) == VHV_STAGE_CONFIGURE)
        result = add(&vm->msrs, rule);
    else
        result = vhv_fail(EBUSY, VHV_CAUSE_WRONG_STAGE,
                          "a rule on MSRs cannot be added: the VM was powered on");
    pthread_mutex_unlock(&vm->lock);
    return result;
}

const struct vhv_msr_rule *vhv_vm_msr_rule(const struct vhv_vm *vm, size_t index,
                                           struct vhv_msr_tries *tries)
{
    const struct vhv_msr_policy *policy = &vm->msrs;

    if (index >= policy->count)
        return NULL;
    if (tries) {
        tries->reads = atomic_load_explicit(&policy->reads[index], memory_order_relaxed);
        tries->writes = atomic_load_explicit(&policy->writes[index], memory_order_relaxed);
    }
    return &policy->rules[index];
}

/*
 * MSRs that KVM may answer although CPUID hides the feature that they belong to. Its own come last:
 * without KVM_CAP_ENFORCE_PV_FEATURE_CPUID they are live. It keeps to CPUID by itself for
 * IA32_FEATURE_CONTROL, whose bits for VMX then cannot be set, and for EFER.SVME.
 * [APM2 "SVM-Related MSRs"], [SDM "VMX Capability Reporting Facility"]
 */
static const struct hidden {
    uint32_t leaf;
    uint8_t ecx_bit;
    uint32_t first, last;
} hidden[] = {
    {0x80000001, 2, 0xC0010114, 0xC0010118}, /* SVM: VM_CR to SVM_KEY, VM_HSAVE_PA among them */
    {0x1, 5, 0x480, 0x491},                  /* VMX: IA32_VMX_BASIC to IA32_VMX_VMFUNC */
    {0x1, 31, 0x11, 0x12},                   /* HYPERVISOR: KVM's clock, as it was first */
    {0x1, 31, 0x4B564D00, 0x4B564DFF},       /* HYPERVISOR: KVM's own */
};

static int add_hidden(struct vhv_msr_policy *policy, const struct vhv_cpuid *table)
{
    int result = 0;

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]) && result >= 0; i++) {
        const struct vhv_msr_rule rule = {
            .first = hidden[i].first, .last = hidden[i].last, .action = VHV_MSR_FAULT};

        if (!(vhv_cpuid_get(table, hidden[i].leaf, 0, VHV_ECX) >> hidden[i].ecx_bit & 1))
            result = add(policy, &rule);
    }
    return result < 0 ? vhv_fail_within(result, "hide_msrs") : 0;
}

/* What a rule needs of KVM's filter; @bitmap is for a whole range. */
static void fill_ranges(struct kvm_msr_filter *filter, unsigned *used,
                        const struct vhv_msr_rule *rule, uint8_t *bitmap)
{
    static const uint32_t flags[] = {
        [VHV_MSR_READ_WRITE] = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
        [VHV_MSR_READ] = KVM_MSR_FILTER_READ,
        [VHV_MSR_WRITE] = KVM_MSR_FILTER_WRITE,
    };

    for (uint64_t first = rule->first; first <= rule->last; first += RANGE_MSRS) {
        uint64_t msrs = rule->last - first + 1;

        filter->ranges[(*used)++] = (struct kvm_msr_filter_range){
            .flags = flags[rule->access],
            .nmsrs = (uint32_t)(msrs < RANGE_MSRS ? msrs : RANGE_MSRS),
            .base = (uint32_t)first,
            .bitmap = bitmap,
        };
    }
}

static int set_filter(const struct vhv_vm *vm)
{
    /* KVM does not take a filter that denies by default and has no range. */
    static const struct vhv_msr_rule x2apic = {.first = X2APIC_FIRST, .last = X2APIC_LAST};
    const struct kvm_enable_cap exits = {.cap = KVM_CAP_X86_USER_SPACE_MSR,
                                         .args = {KVM_MSR_EXIT_REASON_FILTER}};
    const struct vhv_msr_policy *policy = &vm->msrs;
    struct kvm_msr_filter filter = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};
    uint8_t allowed[KVM_MSR_FILTER_MAX_BITMAP_SIZE], denied[KVM_MSR_FILTER_MAX_BITMAP_SIZE];
    unsigned used = 0;
    int result;

    memset(allowed, 0xFF, sizeof(allowed));
    memset(denied, 0, sizeof(denied));
    for (size_t i = 0; i < policy->count; i++) {
        const struct vhv_msr_rule *rule = &policy->rules[i];

        if (!is_for_all(rule))
            fill_ranges(&filter, &used, rule, rule->action == VHV_MSR_ALLOW ? allowed : denied);
        else if (rule->action != VHV_MSR_ALLOW)
            filter.flags = KVM_MSR_FILTER_DEFAULT_DENY;
    }
    if (!used)
        fill_ranges(&filter, &used, &x2apic, allowed);
    result = vhv_kvm_enable_cap(vm->fd, &exits);
    return result < 0 ? result : vhv_kvm_x86_set_msr_filter(vm->fd, &filter);
}

static int apply(struct vhv_vm *vm)
{
    struct vhv_msr_policy *policy = &vm->msrs;
    int result = 0;

    if (vm->hide_msrs)
        result = add_hidden(policy, vhv_guest_cpuid_table(vm->vcpus[0]->cpuid));
    if (result < 0 || !policy->count)
        return result;
    result = vhv_kvm_require(vm->fd, KVM_CAP_X86_USER_SPACE_MSR, "a rule on MSRs");
    if (result >= 0)
        result = vhv_kvm_require(vm->fd, KVM_CAP_X86_MSR_FILTER, "a rule on MSRs");
    return result < 0 ? result : set_filter(vm);
}

int vhv_msr_policy_apply(struct vhv_vm *vm)
{
    size_t own = vm->msrs.count;
    int result = apply(vm);

    if (result < 0)
        vm->msrs.count = own;
    return result;
}

static bool decides(const struct vhv_msr_rule *rule, uint32_t index, bool is_write)
{
    return index >= rule->first && index <= rule->last &&
           rule->access != (is_write ? VHV_MSR_READ : VHV_MSR_WRITE);
}

bool vhv_msr_policy_answer(struct vhv_msr_policy *policy, struct kvm_run *run)
{
    bool is_write = run->exit_reason == KVM_EXIT_X86_WRMSR;
    size_t i = 0;

    if (run->msr.reason != KVM_MSR_EXIT_REASON_FILTER)
        return false;
    while (i < policy->count && !decides(&policy->rules[i], run->msr.index, is_write))
        i++;
    if (i == policy->count)
        return false;
    atomic_fetch_add_explicit(is_write ? &policy->writes[i] : &policy->reads[i], 1,
                              memory_order_relaxed);
    run->msr.error = policy->rules[i].action == VHV_MSR_FAULT;
    if (!is_write)
        run->msr.data = 0;
    return policy->rules[i].action != VHV_MSR_EXIT;
}
