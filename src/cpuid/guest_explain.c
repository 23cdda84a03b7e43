/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/error.h"
#include "cpuid/guest.h"

/* Where the chain of one bit has got to. */
struct chain {
    const struct vhv_guest_cpuid *guest;
    uint32_t leaf;
    uint32_t subleaf;
    enum vhv_cpuid_reg reg;
    unsigned bit;
    unsigned value; /* after the last step that was applied */
    vhv_cpuid_reason_fn reason;
    void *cookie;
};

static unsigned bit_of(const struct chain *chain, const struct vhv_cpuid *table)
{
    return vhv_cpuid_get(table, chain->leaf, chain->subleaf, chain->reg) >> chain->bit & 1;
}

static int tell_table(struct chain *chain, enum vhv_cpuid_source source,
                      const struct vhv_cpuid *table, const char *text)
{
    struct vhv_cpuid_reason reason = {.source = source, .applied = true, .text = text};

    if (!table)
        return 0;
    chain->value = reason.value = bit_of(chain, table);
    return chain->reason(&reason, chain->cookie);
}

static int tell_step(struct chain *chain, const struct vhv_guest_step *step)
{
    char origin[VHV_ERROR_MESSAGE_BYTES], text[VHV_ERROR_MESSAGE_BYTES + 32];
    struct vhv_cpuid_reason reason = {
        .source = step->source, .applied = step->applied, .op = step->op, .text = step->text};

    if (step->source == VHV_SOURCE_RUNTIME)
        chain->value = bit_of(chain, chain->guest->table);
    else if (step->applied && step->op != VHV_MASK_IGNORE)
        chain->value = step->values >> chain->bit & 1;
    reason.value = chain->value;
    if (step->origin)
        reason.origin = *step->origin;
    if (step->overridden_by) {
        vhv_guest_print_origin(origin, sizeof(origin), step->overridden_by, &step->field);
        snprintf(text, sizeof(text), "%s by %s", step->text, origin);
        reason.text = text;
    }
    return chain->reason(&reason, chain->cookie);
}

/* A leaf without subleaves gives the same answer for all; its steps are kept under subleaf 0. */
static uint32_t subleaf_of_steps(const struct vhv_guest_cpuid *guest, uint32_t leaf,
                                 uint32_t subleaf)
{
    const struct vhv_cpuid_entry *entry = vhv_cpuid_find(guest->table, leaf, subleaf);

    if (!entry)
        entry = vhv_cpuid_find(guest->supported, leaf, subleaf);
    return entry && !entry->has_subleaf ? 0 : subleaf;
}

int vhv_guest_cpuid_explain(const struct vhv_guest_cpuid *guest, uint32_t leaf, uint32_t subleaf,
                            enum vhv_cpuid_reg reg, unsigned bit, vhv_cpuid_reason_fn reason,
                            void *cookie)
{
    uint32_t kept_under = subleaf_of_steps(guest, leaf, subleaf);
    struct chain chain = {guest, leaf, subleaf, reg, bit, 0, reason, cookie};
    int stop;

    if ((unsigned)reg >= VHV_CPUID_REGS || bit > 31)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE,
                        "no register %u with a bit %u: registers are 0 (EAX) to 3 (EDX), bits 0 to "
                        "31",
                        (unsigned)reg, bit);
    stop = tell_table(&chain, VHV_SOURCE_PROCESSOR, guest->processor, "what the processor shows");
    if (!stop)
        stop = tell_table(&chain, VHV_SOURCE_KVM, guest->supported, "what KVM supports");
    for (size_t i = 0; !stop && i < guest->step_count; i++) {
        const struct vhv_guest_step *step = &guest->steps[i];

        if (step->field.leaf == leaf && step->field.subleaf == kept_under &&
            step->field.reg == reg && step->field.bits >> bit & 1)
            stop = tell_step(&chain, step);
    }
    return stop;
}

const char *vhv_cpuid_source_name(enum vhv_cpuid_source source)
{
    static const char *const names[] = {
        [VHV_SOURCE_PROCESSOR] = "processor", [VHV_SOURCE_KVM] = "kvm",
        [VHV_SOURCE_DEFAULT] = "default",     [VHV_SOURCE_SETTING] = "setting",
        [VHV_SOURCE_VCPU] = "vcpu",           [VHV_SOURCE_MASK] = "mask",
        [VHV_SOURCE_RUNTIME] = "runtime",     [VHV_SOURCE_READBACK] = "read-back",
        [VHV_SOURCE_PROFILE] = "profile",     [VHV_SOURCE_MEASURED] = "measured",
    };

    if ((size_t)source >= sizeof(names) / sizeof(names[0]))
        return "unknown";
    return names[source];
}
