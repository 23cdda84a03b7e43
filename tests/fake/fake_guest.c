/* SPDX-License-Identifier: MIT */
/* The guest that measures CPUID, as it would run on the played host. */
#include <string.h>

#include "cpuid/survey.h"
#include "fake_kvm.h"
#include "vm/measure_guest.h"

static char *memory_at(uint64_t gpa)
{
    const struct kvm_userspace_memory_region *slot = fake_kvm_slot(0);

    return (char *)(uintptr_t)(slot->userspace_addr - slot->guest_phys_addr + gpa);
}

/* As KVM answers where it has no more than the table. */
static const struct kvm_cpuid_entry2 *find(const struct vhv_cpuid_question *question)
{
    for (uint32_t i = 0; i < fake_kvm.cpuid->nent; i++) {
        const struct kvm_cpuid_entry2 *entry = &fake_kvm.cpuid->entries[i];

        if (entry->function == question->leaf &&
            (entry->index == question->subleaf ||
             !(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
            return entry;
    }
    return NULL;
}

static void answer(struct vhv_cpuid_question *question)
{
    static const struct kvm_cpuid_entry2 nothing;
    const struct kvm_cpuid_entry2 *entry = find(question);

    if (!entry)
        entry = &nothing;
    question->reg[VHV_EAX] = entry->eax;
    question->reg[VHV_EBX] = entry->ebx;
    question->reg[VHV_ECX] = entry->ecx;
    question->reg[VHV_EDX] = entry->edx;
    if (question->leaf != fake_kvm.measured.leaf || question->subleaf)
        return;
    question->reg[VHV_EAX] ^= fake_kvm.measured.eax;
    question->reg[VHV_EBX] ^= fake_kvm.measured.ebx;
    question->reg[VHV_ECX] ^= fake_kvm.measured.ecx;
    question->reg[VHV_EDX] ^= fake_kvm.measured.edx;
}

int fake_measuring_guest(struct kvm_run *run)
{
    struct vhv_cpuid_question *questions = (void *)memory_at(MEASURE_QUESTIONS_GPA);
    uint32_t count;

    memcpy(&count, memory_at(MEASURE_COUNT_GPA), sizeof(count));
    for (uint32_t i = 0; i < count; i++)
        answer(&questions[i]);
    run->exit_reason = KVM_EXIT_IO;
    run->io.direction = KVM_EXIT_IO_OUT;
    run->io.port = MEASURE_PORT;
    run->io.size = 1;
    run->io.count = 1;
    run->io.data_offset = 4096;
    ((char *)run)[4096] = MEASURE_DONE;
    return 0;
}
