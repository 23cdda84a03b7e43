/* SPDX-License-Identifier: MIT */
/*
 * The entry into the inner guest and back. Registers that neither VMRUN nor VMLAUNCH load are
 * exchanged here; struct inner_registers has this file's order. RSP is in the control block, RAX
 * only under VMX in the struct.
 */
#include "vmcs.h"

	.macro load_registers
	mov 0x00(%rsi), %rax
	mov 0x08(%rsi), %rbx
	mov 0x10(%rsi), %rcx
	mov 0x18(%rsi), %rdx
	mov 0x28(%rsi), %rdi
	mov 0x30(%rsi), %rbp
	mov 0x38(%rsi), %r8
	mov 0x40(%rsi), %r9
	mov 0x48(%rsi), %r10
	mov 0x50(%rsi), %r11
	mov 0x58(%rsi), %r12
	mov 0x60(%rsi), %r13
	mov 0x68(%rsi), %r14
	mov 0x70(%rsi), %r15
	mov 0x20(%rsi), %rsi
	.endm

	/* The pointer to the struct is on top of the stack. */
	.macro store_registers
	push %rsi
	mov 8(%rsp), %rsi
	mov %rax, 0x00(%rsi)
	mov %rbx, 0x08(%rsi)
	mov %rcx, 0x10(%rsi)
	mov %rdx, 0x18(%rsi)
	pop %rax
	mov %rax, 0x20(%rsi)
	mov %rdi, 0x28(%rsi)
	mov %rbp, 0x30(%rsi)
	mov %r8, 0x38(%rsi)
	mov %r9, 0x40(%rsi)
	mov %r10, 0x48(%rsi)
	mov %r11, 0x50(%rsi)
	mov %r12, 0x58(%rsi)
	mov %r13, 0x60(%rsi)
	mov %r14, 0x68(%rsi)
	mov %r15, 0x70(%rsi)
	pop %rsi
	.endm

	/* What a function must leave as it was. [System V ABI "Registers"] */
	.macro push_preserved
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	.endm

	.macro pop_preserved
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	.endm

	.text

/* void svm_enter(uint64_t vmcb, struct inner_registers *registers) */
	.globl svm_enter
svm_enter:
	push_preserved
	push %rsi
	push %rdi
	load_registers
	pop %rax			/* the inner guest's RAX is in the VMCB */
	vmrun %rax
	stgi				/* an exit clears the global interrupt flag */
	store_registers
	pop_preserved
	ret

/* uint64_t vmx_enter(bool launched, struct inner_registers *registers)
 * Returns 0 after an exit, RFLAGS after a refused entry. */
	.globl vmx_enter
vmx_enter:
	push_preserved
	push %rsi
	mov $VMCS_HOST_RSP, %eax
	vmwrite %rsp, %rax
	mov $VMCS_HOST_RIP, %eax
	lea vmx_exit, %rdx
	vmwrite %rdx, %rax
	test %dil, %dil
	load_registers			/* leaves the flags alone */
	jnz 1f
	vmlaunch
	jmp 2f
1:	vmresume
2:	pushf
	pop %rax
	pop %rsi
	pop_preserved
	ret

vmx_exit:
	store_registers
	pop_preserved
	xor %eax, %eax
	ret

	.section .note.GNU-stack, "", @progbits
