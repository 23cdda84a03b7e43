/* SPDX-License-Identifier: MIT */
/* Fields that keep their value, whatever masks say. */
#include "cpuid/guest.h"

#define APIC_ID "it identifies the vCPU, and each vCPU has its own"
#define AT_RUN  "it is computed while the guest runs"

static const struct vhv_guest_fixed fixed[] = {
    {{0x1, 0, VHV_EBX, 0xff000000}, false, VHV_SOURCE_VCPU, APIC_ID},        /* initial APIC id */
    {{0xb, 0, VHV_EDX, 0xffffffff}, true, VHV_SOURCE_VCPU, APIC_ID},         /* x2APIC id */
    {{0x1f, 0, VHV_EDX, 0xffffffff}, true, VHV_SOURCE_VCPU, APIC_ID},        /* x2APIC id */
    {{0x8000001e, 0, VHV_EAX, 0xffffffff}, false, VHV_SOURCE_VCPU, APIC_ID}, /* extended APIC id */
    {{0x1, 0, VHV_ECX, 1u << 27}, false, VHV_SOURCE_RUNTIME, AT_RUN},        /* OSXSAVE */
    {{0x1, 0, VHV_EDX, 1u << 9}, false, VHV_SOURCE_RUNTIME, AT_RUN},         /* APIC */
    {{0x7, 0, VHV_ECX, 1u << 4}, false, VHV_SOURCE_RUNTIME, AT_RUN},         /* OSPKE */
    {{0xd, 0, VHV_EBX, 0xffffffff}, false, VHV_SOURCE_RUNTIME, AT_RUN},      /* bytes for XCR0 */
    {{0xd, 1, VHV_EBX, 0xffffffff}, false, VHV_SOURCE_RUNTIME, AT_RUN},      /* and for IA32_XSS */
};

enum { FIXED_COUNT = sizeof(fixed) / sizeof(fixed[0]) };

static bool is_of_register(const struct vhv_guest_fixed *candidate, uint32_t leaf, uint32_t subleaf,
                           enum vhv_cpuid_reg reg)
{
    return candidate->field.leaf == leaf && candidate->field.reg == reg &&
           (candidate->any_subleaf || candidate->field.subleaf == subleaf);
}

const struct vhv_guest_fixed *vhv_guest_fixed(uint32_t leaf, uint32_t subleaf,
                                              enum vhv_cpuid_reg reg, uint32_t bit)
{
    for (size_t i = 0; i < FIXED_COUNT; i++) {
        if (is_of_register(&fixed[i], leaf, subleaf, reg) && (fixed[i].field.bits & bit))
            return &fixed[i];
    }
    return NULL;
}

uint32_t vhv_guest_runtime_bits(uint32_t leaf, uint32_t subleaf, enum vhv_cpuid_reg reg)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < FIXED_COUNT; i++) {
        if (fixed[i].source == VHV_SOURCE_RUNTIME && is_of_register(&fixed[i], leaf, subleaf, reg))
            bits |= fixed[i].field.bits;
    }
    return bits;
}

void vhv_guest_runtime_steps(struct vhv_guest_build *build)
{
    struct vhv_guest_cpuid *guest = build->guest;

    for (size_t i = 0; i < FIXED_COUNT; i++) {
        const struct vhv_cpuid_field *field = &fixed[i].field;

        if (fixed[i].source != VHV_SOURCE_RUNTIME ||
            !vhv_cpuid_find(guest->table, field->leaf, field->subleaf))
            continue;
        vhv_guest_record(guest, &(struct vhv_guest_step){
                                    .field = *field,
                                    .values = vhv_cpuid_get(guest->table, field->leaf,
                                                            field->subleaf, field->reg),
                                    .source = VHV_SOURCE_RUNTIME,
                                    .applied = true,
                                    .text = fixed[i].text,
                                });
    }
}
