/* SPDX-License-Identifier: MIT */
/* A guest in flat 32-bit mode that executes CPUID, once for each question in its memory. It uses no
 * stack and no descriptor table. */
#include "measure_guest.h"

	.section .rodata
	.code32
	.globl vhv_measure_guest, vhv_measure_guest_end
	.hidden vhv_measure_guest, vhv_measure_guest_end

vhv_measure_guest:
	mov MEASURE_COUNT_GPA, %esi
	mov $MEASURE_QUESTIONS_GPA, %edi
1:	mov MEASURE_QUESTION_LEAF(%edi), %eax
	mov MEASURE_QUESTION_SUBLEAF(%edi), %ecx
	cpuid
	mov %eax, MEASURE_QUESTION_EAX(%edi)
	mov %ebx, MEASURE_QUESTION_EBX(%edi)
	mov %ecx, MEASURE_QUESTION_ECX(%edi)
	mov %edx, MEASURE_QUESTION_EDX(%edi)
	add $MEASURE_QUESTION_BYTES, %edi
	dec %esi
	jnz 1b
	mov $MEASURE_DONE, %al
	out %al, $MEASURE_PORT
vhv_measure_guest_end:

	.code64
	.section .note.GNU-stack, "", @progbits
