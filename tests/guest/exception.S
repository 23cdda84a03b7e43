/* SPDX-License-Identifier: MIT */
/*
 * An entry point for each of the architecture's 32 exceptions. Each makes the stack that of struct
 * exception_frame, whose order is this file's.
 */

/* The vectors that push an error code. [SDM "Exceptions and Interrupts Reference"] */
#define PUSHES_ERROR_CODE 0x60227d00

	.text
	.balign 16
	.globl exception_entries
exception_entries:
	.set vector, 0
	.rept 32
	.balign 16
	.if !(PUSHES_ERROR_CODE >> vector & 1)
	push $0
	.endif
	push $vector
	jmp exception_common
	.set vector, vector + 1
	.endr

exception_common:
	push %rax
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	mov %rsp, %rdi
	cld
	call exception_handle
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp			/* vector and error code */
	iretq

	.section .note.GNU-stack, "", @progbits
