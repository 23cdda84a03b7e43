/* SPDX-License-Identifier: MIT */
#include "backdoor.h"

#include "report.h"

enum { GETVERSION = 10, GETHZ = 45, GET_VCPU_INFO = 68, STEALCLOCK = 91 };

enum { LEAF_SIGNATURE = 0x40000000, LEAF_TIMING = 0x40000010 };

#define VMWA 0x61774d56
#define REVM 0x4d566572
#define WARE 0x65726177

struct answer {
    uint32_t eax, ebx, ecx;
    bool moved_on; /* by one instruction, neither by none nor by two */
};

/* IN and STC have one byte each. */
static struct answer ask(uint32_t command)
{
    struct answer answer = {GUEST_BACKDOOR_MAGIC, GUEST_BACKDOOR_EBX, command, false};

    asm volatile("clc\n\t"
                 "inl %%dx, %%eax\n\t"
                 "stc\n\t"
                 "setc %[moved_on]"
                 : "+a"(answer.eax), "+b"(answer.ebx),
                   "+c"(answer.ecx), [moved_on] "=r"(answer.moved_on)
                 : "d"(GUEST_BACKDOOR_PORT)
                 : "memory", "cc");
    return answer;
}

static uint64_t eax_ebx(const struct answer *answer)
{
    return answer->eax | (uint64_t)answer->ebx << 32;
}

void backdoor_report(uint32_t command)
{
    struct answer answer = ask(command);

    report(GUEST_TAG_BACKDOOR, eax_ebx(&answer));
    report(GUEST_TAG_BACKDOOR_ECX, answer.ecx | (uint64_t)answer.moved_on << 32);
}

void backdoor_find_vmware(void)
{
    struct cpuid leaf = cpuid(LEAF_SIGNATURE, 0);
    struct answer answer;

    report(GUEST_TAG_VMWARE_SIGNATURE, leaf.ebx | (uint64_t)leaf.ecx << 32);
    if (leaf.ebx != VMWA || leaf.ecx != REVM || leaf.edx != WARE)
        return;
    if (leaf.eax >= LEAF_TIMING) {
        leaf = cpuid(LEAF_TIMING, 0);
        report(GUEST_TAG_VMWARE_LEAF, leaf.eax | (uint64_t)leaf.ebx << 32);
    }
    answer = ask(GETVERSION);
    report(GUEST_TAG_VMWARE_VERSION, eax_ebx(&answer));
    if (answer.eax == UINT32_MAX || answer.ebx != GUEST_BACKDOOR_MAGIC)
        return;
    answer = ask(GETHZ);
    report(GUEST_TAG_VMWARE_HZ, eax_ebx(&answer));
    report(GUEST_TAG_VMWARE_BUS_HZ, answer.ecx);
    answer = ask(GET_VCPU_INFO);
    report(GUEST_TAG_VMWARE_VCPU, answer.eax);
    answer = ask(STEALCLOCK);
    report(GUEST_TAG_VMWARE_CLOCK, answer.eax);
}
