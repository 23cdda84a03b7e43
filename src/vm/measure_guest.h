/* SPDX-License-Identifier: MIT */
/* The guest that measures, and what it and measure.c agree on. */
#ifndef VHV_VM_MEASURE_GUEST_H
#define VHV_VM_MEASURE_GUEST_H

/* Its memory: the code, the number of questions, and from the next page on the questions, each a
 * struct vhv_cpuid_question. */
#define MEASURE_CODE_GPA      0x1000
#define MEASURE_COUNT_GPA     0x1ffc
#define MEASURE_QUESTIONS_GPA 0x2000

#define MEASURE_QUESTION_BYTES   24
#define MEASURE_QUESTION_LEAF    0
#define MEASURE_QUESTION_SUBLEAF 4
#define MEASURE_QUESTION_EAX     8
#define MEASURE_QUESTION_EBX     12
#define MEASURE_QUESTION_ECX     16
#define MEASURE_QUESTION_EDX     20

/* A byte of this value to this port says that all of them are answered. */
#define MEASURE_PORT 0x80
#define MEASURE_DONE 0x5a

#ifndef __ASSEMBLER__
#include <stdint.h>

extern const uint8_t vhv_measure_guest[], vhv_measure_guest_end[];
#endif

#endif
