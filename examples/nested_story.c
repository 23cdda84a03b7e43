/* SPDX-License-Identifier: MIT */
#include "nested_story.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "protocol.h"

/* Beside the guest's tags: accesses of the inner guest to its port. */
enum { INNER_OUT = 1, INNER_IN };

/* What the inner guest's IN is answered. */
#define ANSWER 0x5ea1ed00

#define SIGNATURE_EBX_ECX UINT64_C(0x76685672656e6e49) /* GUEST_CPUID_SIGNATURE: "InnerVhv" */

/* #UD and #GP. [SDM "Exceptions and Interrupts Reference"] */
enum { INVALID_OPCODE = 6, GENERAL_PROTECTION = 13 };

enum level { OUTER, INNER };

/* Steps that come only in some cases. */
enum { SVM_ONLY = 1, VMX_ONLY = 2, PAGED_ONLY = 4, UNPAGED_ONLY = 8 };

struct step {
    uint32_t tag; /* 0 ends the table */
    enum level level;
    enum { NUMBER, NOTHING, EXTENSION, LETTERS } show; /* how the value is told */
    unsigned only;                                     /* 0: in every case */
    enum { ANY, EQUAL, NOT_EQUAL } check;
    uint64_t value;
    const char *text;
};

static const struct step nested_steps[] = {
    {GUEST_TAG_EXTENSION, OUTER, EXTENSION, 0, ANY, 0, "finds by CPUID"},
    {GUEST_TAG_FEATURE_CONTROL, OUTER, NUMBER, VMX_ONLY, EQUAL, 5,
     "finds IA32_FEATURE_CONTROL locked, VMXON permitted"},
    {GUEST_TAG_ENABLED, OUTER, NUMBER, SVM_ONLY, NOT_EQUAL, 0, "has SVM on; EFER"},
    {GUEST_TAG_ENABLED, OUTER, NUMBER, VMX_ONLY, NOT_EQUAL, 0, "has VMX on; CR4"},
    {GUEST_TAG_NESTED_ROOT, OUTER, NUMBER, PAGED_ONLY, NOT_EQUAL, 0,
     "has nested page tables; root"},
    {GUEST_TAG_NESTED_ROOT, OUTER, NOTHING, UNPAGED_ONLY, EQUAL, 0, "does without nested paging"},
    {GUEST_TAG_CPUID_EXIT, OUTER, NUMBER, 0, EQUAL, GUEST_CPUID_LEAF,
     "intercepts and answers CPUID"},
    {GUEST_TAG_INNER_SIGNATURE, INNER, LETTERS, 0, EQUAL, SIGNATURE_EBX_ECX, "reads its signature"},
    {GUEST_TAG_PORT_EXIT, OUTER, NUMBER, 0, EQUAL,
     (uint64_t)GUEST_PORT_INTERCEPTED << 32 | GUEST_INTERCEPTED_VALUE,
     "intercepts OUT (port, value)"},
    {INNER_OUT, INNER, NUMBER, 0, EQUAL, GUEST_INNER_VALUE,
     "OUT, past the guest hypervisor, to us"},
    {INNER_IN, INNER, NUMBER, 0, EQUAL, ANSWER, "IN, past the guest hypervisor, answered by us"},
    {GUEST_TAG_INNER_ANSWER, INNER, NUMBER, 0, EQUAL, ANSWER, "got our answer"},
    {GUEST_TAG_INNER_REMAPPED, INNER, NUMBER, PAGED_ONLY, EQUAL, GUEST_BACKING_VALUE,
     "reads a page that is remapped"},
    {GUEST_TAG_INNER_REMAPPED, INNER, NUMBER, UNPAGED_ONLY, EQUAL, GUEST_REMAPPED_VALUE,
     "reads a page"},
    {GUEST_TAG_PAGE_FAULT_EXIT, OUTER, NUMBER, PAGED_ONLY, EQUAL, GUEST_ABSENT_GPA,
     "repairs a nested page fault at"},
    {GUEST_TAG_INNER_ABSENT, INNER, NUMBER, PAGED_ONLY, EQUAL, GUEST_BACKING_VALUE,
     "has written the page that was absent"},
    {GUEST_TAG_INNER_ABSENT, INNER, NUMBER, UNPAGED_ONLY, EQUAL, GUEST_REMAPPED_VALUE,
     "has written a page"},
    {GUEST_TAG_HYPERCALL_EXIT, OUTER, NUMBER, 0, EQUAL, GUEST_HYPERCALL, "serves hypercall"},
    {GUEST_TAG_INNER_HYPERCALL, INNER, NUMBER, 0, EQUAL,
     GUEST_HYPERCALL_ARGUMENT + GUEST_HYPERCALL_ADDS, "got the hypercall's result"},
    {GUEST_TAG_HLT_EXIT, OUTER, NOTHING, 0, ANY, 0, "sees the inner guest halt"},
    {GUEST_TAG_EXITS, OUTER, NUMBER, PAGED_ONLY, EQUAL, 5, "has served exits"},
    {GUEST_TAG_EXITS, OUTER, NUMBER, UNPAGED_ONLY, EQUAL, 4, "has served exits"},
    {.tag = 0},
};

static const struct step off_steps[] = {
    {GUEST_TAG_PROBE_PROCESSOR, OUTER, EXTENSION, 0, ANY, 0, "has a processor with"},
    {GUEST_TAG_PROBE_SHOWN, OUTER, EXTENSION, 0, EQUAL, 0, "finds by CPUID"},
    {GUEST_TAG_PROBE_EAX_EBX, OUTER, NUMBER, SVM_ONLY, EQUAL, 0,
     "reads leaf 8000000Ah, EAX and EBX"},
    {GUEST_TAG_PROBE_ECX_EDX, OUTER, NUMBER, SVM_ONLY, EQUAL, 0,
     "reads leaf 8000000Ah, ECX and EDX"},
    {GUEST_TAG_PROBE_ENTER, OUTER, NUMBER, SVM_ONLY, EQUAL, INVALID_OPCODE, "gets #UD of VMRUN"},
    {GUEST_TAG_PROBE_ENTER, OUTER, NUMBER, VMX_ONLY, EQUAL, INVALID_OPCODE, "gets #UD of VMXON"},
    {GUEST_TAG_PROBE_ENABLE, OUTER, NUMBER, SVM_ONLY, EQUAL, GENERAL_PROTECTION,
     "gets #GP of setting EFER.SVME"},
    {GUEST_TAG_PROBE_ENABLE, OUTER, NUMBER, VMX_ONLY, EQUAL, GENERAL_PROTECTION,
     "gets #GP of setting CR4.VMXE"},
    {.tag = 0},
};

static const struct {
    uint32_t tag;
    const char *text;
} troubles[] = {
    {GUEST_TAG_VECTOR, "exception"},
    {GUEST_TAG_ERROR, "error code"},
    {GUEST_TAG_RIP, "RIP"},
    {GUEST_TAG_ADDRESS, "CR2"},
    {GUEST_TAG_EXIT_CODE, "exit code"},
    {GUEST_TAG_EXIT_DETAIL, "exit information"},
    {GUEST_TAG_EXIT_ADDRESS, "exit address"},
};

static const char *const endings[] = {
    [GUEST_EXCEPTION] = "took an exception",
    [GUEST_UNEXPECTED_EXIT] = "got an exit of the inner guest that it does not know",
    [GUEST_NO_EXTENSION] = "finds neither SVM nor VMX",
    [GUEST_VMX_NOT_PERMITTED] = "finds that IA32_FEATURE_CONTROL does not permit VMXON",
    [GUEST_NO_NESTED_PAGING] = "is not offered nested paging; try --no-nested-paging",
    [GUEST_INSTRUCTION_REFUSED] = "had a VMX instruction refused",
    [GUEST_BAD_PARAMETERS] = "does not understand its parameters",
};

static void line(const char *who, const char *format, va_list args)
{
    printf("%-16s | ", who);
    vprintf(format, args);
    putchar('\n');
}

void story_say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line("program", format, args);
    va_end(args);
}

void story_fail(struct story *story, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line("FAILED", format, args);
    va_end(args);
    story->failed = true;
}

static void level_line(bool is_inner, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line(is_inner ? "     inner guest" : "guest hypervisor", format, args);
    va_end(args);
}

static void find_next(struct story *story)
{
    while (story->next->tag && story->next->only & story->skip)
        story->next++;
}

void story_start(struct story *story, bool is_off, bool nested_paging)
{
    *story = (struct story){
        .next = is_off ? off_steps : nested_steps,
        .skip = nested_paging ? UNPAGED_ONLY : PAGED_ONLY,
    };
}

static void tell(const struct step *step, bool is_inner, uint64_t value)
{
    char letters[sizeof(value) + 1] = "";

    switch (step->show) {
    case NOTHING:
        level_line(is_inner, "%s", step->text);
        break;
    case EXTENSION:
        level_line(is_inner, "%s: %s", step->text,
                   value == GUEST_SVM   ? "SVM"
                   : value == GUEST_VMX ? "VMX"
                                        : "neither SVM nor VMX");
        break;
    case LETTERS:
        memcpy(letters, &value, sizeof(value));
        level_line(is_inner, "%s: \"%s\"", step->text, letters);
        break;
    default:
        level_line(is_inner, "%s: %#" PRIx64, step->text, value);
    }
}

static bool is_as_it_must(const struct step *step, uint64_t value)
{
    switch (step->check) {
    case EQUAL:
        return value == step->value;
    case NOT_EQUAL:
        return value != step->value;
    default:
        return true;
    }
}

static void take_step(struct story *story, bool is_inner, uint32_t tag, uint64_t value)
{
    const struct step *step = story->next;

    if (tag != step->tag) {
        level_line(is_inner, "report %#" PRIx32 ": %#" PRIx64, tag, value);
        story_fail(story, "the step that must come now is: %s", step->tag ? step->text : "the end");
        return;
    }
    tell(step, is_inner, value);
    if (!is_as_it_must(step, value))
        story_fail(story, "must %sbe %#" PRIx64, step->check == EQUAL ? "" : "not ", step->value);
    if (is_inner != (step->level == INNER))
        story_fail(story, "the vCPU is on the wrong level");
    if (tag == GUEST_TAG_EXTENSION || tag == GUEST_TAG_PROBE_PROCESSOR)
        story->skip |= value == GUEST_SVM ? VMX_ONLY : SVM_ONLY;
    story->next++;
    find_next(story);
}

static void report(struct story *story, bool is_inner, uint64_t value)
{
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
        if (story->tag == troubles[i].tag) {
            story_fail(story, "%s %#" PRIx64, troubles[i].text, value);
            return;
        }
    }
    take_step(story, is_inner, story->tag, value);
}

static void end(struct story *story, bool is_inner, uint32_t status)
{
    const char *text = status < sizeof(endings) / sizeof(endings[0]) ? endings[status] : "ends";

    story->ended = true;
    if (status != GUEST_DONE)
        story_fail(story, "the %s %s", is_inner ? "inner guest" : "guest hypervisor", text);
    else if (story->next->tag)
        story_fail(story, "the guest ends before the step: %s", story->next->text);
}

void story_tell(struct story *story, bool is_inner, const struct vhv_exit *exit)
{
    uint32_t *data = exit->io.data;

    if (exit->io.bytes != sizeof(*data) || exit->io.count != 1) {
        story_fail(story, "unexpected access to port %#x", exit->io.port);
    } else if (exit->io.port == GUEST_PORT_INNER && !exit->io.is_write) {
        *data = ANSWER;
        take_step(story, is_inner, INNER_IN, *data);
    } else if (exit->io.port == GUEST_PORT_INNER) {
        take_step(story, is_inner, INNER_OUT, *data);
    } else if (exit->io.port == GUEST_PORT_TAG) {
        story->tag = *data;
    } else if (exit->io.port == GUEST_PORT_VALUE_LOW) {
        story->value_low = *data;
    } else if (exit->io.port == GUEST_PORT_VALUE_HIGH) {
        report(story, is_inner, (uint64_t)*data << 32 | story->value_low);
    } else if (exit->io.port == GUEST_PORT_END) {
        end(story, is_inner, *data);
    } else {
        story_fail(story, "unexpected access to port %#x", exit->io.port);
    }
}
