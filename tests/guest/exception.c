/* SPDX-License-Identifier: MIT */
#include "exception.h"
#include "report.h"

enum { VECTORS = 32, ENTRY_BYTES = 16 };

/* [SDM "64-Bit Mode IDT"] */
struct gate {
    uint16_t offset_15_0;
    uint16_t selector;
    uint16_t type;
    uint16_t offset_31_16;
    uint32_t offset_63_32;
    uint32_t reserved;
};
#define GATE_INTERRUPT 0x8e00 /* present, privilege level 0, 64-bit interrupt gate */

/* The stack as exception.S makes it. */
struct exception_frame {
    uint64_t r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

extern const char exception_entries[];
void exception_handle(struct exception_frame *frame);

uint64_t exception_resume;
uint32_t exception_vector;

static struct gate idt[VECTORS];

void exception_init(void)
{
    const struct table_register idtr = {.limit = sizeof(idt) - 1, .base = (uint64_t)idt};

    for (unsigned i = 0; i < VECTORS; i++) {
        uint64_t entry = (uint64_t)exception_entries + i * ENTRY_BYTES;

        idt[i] = (struct gate){
            .offset_15_0 = (uint16_t)entry,
            .selector = SELECTOR_CODE,
            .type = GATE_INTERRUPT,
            .offset_31_16 = (uint16_t)(entry >> 16),
            .offset_63_32 = (uint32_t)(entry >> 32),
        };
    }
    asm volatile("lidt %0" : : "m"(idtr));
}

void exception_handle(struct exception_frame *frame)
{
    if (exception_resume) {
        exception_vector = (uint32_t)frame->vector;
        frame->rip = exception_resume;
        return;
    }
    report(GUEST_TAG_VECTOR, frame->vector);
    report(GUEST_TAG_ERROR, frame->error);
    report(GUEST_TAG_RIP, frame->rip);
    report(GUEST_TAG_ADDRESS, read_cr2());
    end(GUEST_EXCEPTION);
}
