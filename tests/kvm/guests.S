/* SPDX-License-Identifier: MIT */
/* Guests of a few instructions in 16-bit real mode. See guests.h. */
#include "guests.h"

	.macro guest name
	.globl guest_\name, guest_\name\()_end
guest_\name:
	.set guest_start, guest_\name
	.endm
	.macro end name
guest_\name\()_end:
	.endm

/* Where a label of the guest is once that is loaded. */
#define AT(label) (0x1000 + label - guest_start)

	.section .rodata
	.code16

guest halt
	hlt
end halt

/* One access of each size to a port of its own. */
guest out
	mov $0x5a, %al
	out %al, $PORT_1
	mov $0x1234, %ax
	out %ax, $PORT_2
	mov $0x89abcdef, %eax
	out %eax, $PORT_4
	hlt
end out

guest in
	in $PORT_1, %al
	mov %al, RESULT
	in $PORT_2, %ax
	mov %ax, RESULT + 2
	in $PORT_4, %eax
	mov %eax, RESULT + 4
	hlt
end in

guest string_out
	cld
	mov $AT(1f), %si
	mov $5, %cx
	mov $PORT_1, %dx
	rep outsb
	hlt
1:	.ascii "abcde"
end string_out

guest string_in
	cld
	mov $RESULT, %di
	mov $4, %cx
	mov $PORT_2, %dx
	rep insw
	hlt
end string_in

/* Two bytes, the second of which is PORT_1's. */
guest straddle
	mov $0x1234, %ax
	out %ax, $PORT_1 - 1
	in $PORT_1 - 1, %ax
	mov %ax, RESULT
	hlt
end straddle

guest mmio_write
	mov $MMIO_SEGMENT, %ax
	mov %ax, %ds
	movb $0x5a, 0
	movw $0x1234, 2
	movl $0x89abcdef, 4
	hlt
end mmio_write

guest mmio_read
	mov $MMIO_SEGMENT, %ax
	mov %ax, %ds
	mov 0, %al
	mov %al, %ss:RESULT
	mov 2, %ax
	mov %ax, %ss:RESULT + 2
	mov 4, %eax
	mov %eax, %ss:RESULT + 4
	hlt
end mmio_read

/* A write, then a read back, which goes to a port. */
guest write_rom
	movb $0x77, ROM
	mov ROM, %al
	out %al, $PORT_1
	hlt
end write_rom

guest touch
	movb $1, TOUCHED_1
	movb $1, TOUCHED_2
	hlt
end touch

/* Counts in memory for ever, interrupts enabled. */
guest spin
	sti
1:	incl COUNTER
	jmp 1b
end spin

/* Counts in a register, and writes it to a port, for ever. */
guest count
	xor %eax, %eax
1:	inc %eax
	out %eax, $PORT_4
	jmp 1b
end count

/* A handler of vector VECTOR; then interrupts are enabled, and HLT follows. */
guest interrupt
	mov $0x8000, %sp
	movw $AT(2f), 4 * VECTOR
	movw $0, 4 * VECTOR + 2
	out %al, $PORT_READY
	sti
	nop
1:	hlt
	jmp 1b
2:	mov $VECTOR, %al
	out %al, $PORT_1
	iret
end interrupt

guest nmi
	mov $0x8000, %sp
	movw $AT(2f), 4 * 2
	movw $0, 4 * 2 + 2
	out %al, $PORT_READY
1:	jmp 1b
2:	mov $2, %al
	out %al, $PORT_1
	iret
end nmi

	/* The 8259A's initialization: vectors from 20h, no slave in use, all lines open. */
	.macro set_up_pic
	mov $0x11, %al
	out %al, $0x20
	mov $0x20, %al
	out %al, $0x21
	mov $0x04, %al
	out %al, $0x21
	mov $0x01, %al
	out %al, $0x21
	mov $0x00, %al
	out %al, $0x21
	.endm

/* A handler of the PIC's line PIC_LINE. */
guest pic
	mov $0x8000, %sp
	movw $AT(2f), 4 * (0x20 + PIC_LINE)
	movw $0, 4 * (0x20 + PIC_LINE) + 2
	set_up_pic
	out %al, $PORT_READY
1:	sti
	hlt
	jmp 1b
2:	mov $0x20, %al			/* end of interrupt */
	out %al, $0x20
	mov $PIC_LINE, %al
	out %al, $PORT_1
	iret
end pic

/* The PIT's channel 0 as a rate generator, and a handler of its line. */
guest pit
	mov $0x8000, %sp
	movw $AT(2f), 4 * 0x20
	movw $0, 4 * 0x20 + 2
	set_up_pic
	mov $0x34, %al
	out %al, $0x43
	mov $0x00, %al
	out %al, $0x40
	mov $0x10, %al
	out %al, $0x40
	out %al, $PORT_READY
1:	sti
	hlt
	jmp 1b
2:	mov $0x20, %al			/* end of interrupt */
	out %al, $0x20
	mov $0, %al
	out %al, $PORT_1
	iret
end pit

/* A port and an address that eventfds may be bound to. */
guest doorbells
	mov $0x5a, %al
	out %al, $PORT_1
	mov $MMIO_SEGMENT, %ax
	mov %ax, %ds
	movl $0x89abcdef, 4
	hlt
end doorbells

	.macro ask command
	mov $0x564d5868, %eax
	mov $\command, %ecx
	mov $0x5658, %dx
	in %dx, %eax
	.endm

/* Instructions of one byte follow, so that an RIP that moves on twice or not at all shows. */
guest backdoor
	xor %bp, %bp
	xor %ebx, %ebx
	ask 10
	inc %bp
	inc %bp
	mov %ebx, RESULT
	mov %eax, RESULT + 4
	hlt
end backdoor

/* What no guest of VMware's does: a string instruction, whose count the answer overwrites. */
guest backdoor_string
	cld
	mov $RESULT, %di
	mov $0x564d5868, %eax
	mov $10, %ecx
	mov $0x5658, %dx
	rep insl
	hlt
end backdoor_string

/* In 32-bit mode: no descriptor table has a gate for the exception, and none for what follows. */
	.code32
guest triple_fault
	ud2
end triple_fault

	.code64
	.section .note.GNU-stack, "", @progbits
