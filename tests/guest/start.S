/* SPDX-License-Identifier: MIT */
/*
 * From flat 32-bit protected mode without paging to C in 64-bit mode.
 * [SDM "Initializing IA-32e Mode"], [APM2 "Long-Mode Initialization Example"]
 */

#include "x86.h"

#define STACK_BYTES 0x4000

	.section .text.start, "ax"
	.code32
	.globl start
start:
	cld
	lgdt gdt_register

	/* The image is flat, without its .bss. */
	mov $bss_start, %edi
	mov $bss_end, %ecx
	sub %edi, %ecx
	shr $2, %ecx
	xor %eax, %eax
	rep stosl

	mov %cr4, %eax
	or $CR4_PAE, %eax
	mov %eax, %cr4
	mov $pml4, %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	rdmsr
	or $EFER_LME, %eax
	wrmsr
	mov %cr0, %eax
	or $CR0_PG, %eax
	mov %eax, %cr0
	ljmp $SELECTOR_CODE, $start64

	.code64
start64:
	mov $SELECTOR_DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov %eax, %fs
	mov %eax, %gs
	/* A descriptor's base is scattered, which no relocation can do. */
	mov $tss, %eax
	mov %ax, tss_descriptor + 2
	shr $16, %eax
	mov %al, tss_descriptor + 4
	mov %ah, tss_descriptor + 7
	/* VMX takes no guest and no host without a task register. */
	mov $SELECTOR_TSS, %eax
	ltr %ax
	mov $stack_end, %esp
	call guest_main
	/* It does not return. */
	ud2

	.data
	.balign 8
gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 64-bit code */
	.quad 0x00cf93000000ffff	/* data */
tss_descriptor:
	.quad 0x0000890000000000 + TSS_BYTES - 1	/* available 64-bit TSS */
	.quad 0
gdt_end:
gdt_register:
	.word gdt_end - gdt - 1
	.long gdt
	.long 0				/* for LGDT's 64-bit form, too */

	/* The first GiB, where it is, by pages of 2 MiB. */
	.balign 4096
pml4:
	.quad pdpt + PAGE_PRESENT | PAGE_WRITE
	.balign 4096
pdpt:
	.quad page_directory + PAGE_PRESENT | PAGE_WRITE
	.balign 4096
page_directory:
	.set page, 0
	.rept 512
	.quad page * PAGE_LARGE_BYTES | PAGE_LARGE | PAGE_PRESENT | PAGE_WRITE
	.set page, page + 1
	.endr

	.bss
	.balign 16
	.globl tss
tss:
	.skip TSS_BYTES
	.balign 16
	.skip STACK_BYTES
stack_end:

	.section .note.GNU-stack, "", @progbits
