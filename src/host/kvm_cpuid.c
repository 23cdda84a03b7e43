/* SPDX-License-Identifier: MIT */
/* CPUID tables as KVM has them. */
#include <stdlib.h>

#include "base/error.h"
#include "host/host.h"

int vhv_cpuid_from_kvm(struct vhv_cpuid **ret, const struct kvm_cpuid2 *from)
{
    struct vhv_cpuid *table;
    int result = vhv_cpuid_new(&table);

    if (result < 0)
        return result;
    for (uint32_t i = 0; i < from->nent; i++) {
        const struct kvm_cpuid_entry2 *entry = &from->entries[i];
        const struct vhv_cpuid_entry ours = {
            .leaf = entry->function,
            .subleaf = entry->index,
            .has_subleaf = entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
            .reg = {entry->eax, entry->ebx, entry->ecx, entry->edx},
        };

        result = vhv_cpuid_set(table, &ours);
        if (result < 0) {
            vhv_cpuid_free(table);
            return result;
        }
    }
    *ret = table;
    return 0;
}

int vhv_cpuid_to_kvm(struct kvm_cpuid2 **ret, const struct vhv_cpuid *from)
{
    size_t count = vhv_cpuid_count(from);
    size_t bytes = sizeof(struct kvm_cpuid2) + count * sizeof(struct kvm_cpuid_entry2);
    struct kvm_cpuid2 *table = calloc(1, bytes);

    if (!table)
        return vhv_fail_memory(bytes);
    table->nent = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct vhv_cpuid_entry *ours = vhv_cpuid_at(from, i);

        table->entries[i] = (struct kvm_cpuid_entry2){
            .function = ours->leaf,
            .index = ours->subleaf,
            .flags = ours->has_subleaf ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
            .eax = ours->reg[VHV_EAX],
            .ebx = ours->reg[VHV_EBX],
            .ecx = ours->reg[VHV_ECX],
            .edx = ours->reg[VHV_EDX],
        };
    }
    *ret = table;
    return 0;
}
