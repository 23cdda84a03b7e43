; The firmware of the Bochs lab: 64 KiB that end at 4 GiB and show again below 1 MiB. It serves no
; BIOS call: the processor goes from the reset vector to flat 32-bit protected mode and enters the
; kernel, which the emulator has put into memory together with its initramfs.
;
; bochs.sh defines:
;   IMAGE, IMAGE_END         where optramimage1 has put the flat image
;   ENTRY                    the kernel's PVH entry point
;   INITRAMFS, INITRAMFS_BYTES
;   MEMORY_END               end of RAM
;   CPUS                     number of processors
; and provides the kernel's command line as a file, cmdline.

ROM_HIGH        equ 0xffff0000          ; at the reset vector
ROM_LOW         equ 0x000f0000          ; where the kernel looks for tables
BOCHS_BLOCK     equ 0x20000             ; 128 KiB
PM_BASE         equ 0xb000              ; I/O ports of power management
SCI             equ 9                   ; its interrupt

CODE32          equ 0x08
DATA32          equ 0x10

%macro pci_write 4                      ; device, function, register, value
        mov dx, 0xcf8
        mov eax, 1 << 31 | %1 << 11 | %2 << 8 | %3
        out dx, eax
        mov dx, 0xcfc
        mov eax, %4
        out dx, eax
%endmacro

org 0
        ; Bochs takes 55h AAh here for an option ROM, and the file serves as its video BIOS too.
        dw 0

bits 16
real_mode:
        cli
        cld
        o32 lgdt [cs:gdt_pointer]
        mov eax, cr0
        or al, 1                        ; CR0.PE
        mov cr0, eax
        jmp dword CODE32:ROM_HIGH + protected_mode

align 8
gdt:
        dq 0
        dq 0x00cf9b000000ffff           ; CODE32: execute, read, 0 to 4 GiB
        dq 0x00cf93000000ffff           ; DATA32: read, write, 0 to 4 GiB
gdt_pointer:
        dw gdt_pointer - gdt - 1
        dd ROM_HIGH + gdt

bits 32
protected_mode:
        mov ax, DATA32
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax

        ; PIIX4, "Power Management", function 3: PMBA and PMREGMISC switch on the ports that the
        ; FADT names.
        pci_write 1, 3, 0x40, PM_BASE | 1
        pci_write 1, 3, 0x80, 1

        ; Bochs gives host memory to blocks of guest memory in the order in which they are first
        ; touched, but has filled it with the image in one piece. Until each block of the image
        ; has been read once, in order, no other RAM may be used, so there is no stack here.
        mov esi, IMAGE
.touch:
        mov eax, [esi]
        add esi, BOCHS_BLOCK
        cmp esi, IMAGE_END
        jb .touch

        ; Xen's PVH boot protocol, "x86/HVM direct boot ABI": EBX has the address of
        ; hvm_start_info. TR stays as it is after reset, for Linux loads its own.
        mov ebx, ROM_LOW + start_info
        mov eax, ENTRY
        jmp eax

; PVH boot protocol: hvm_start_info
align 8
start_info:
        dd 0x336ec578                   ; magic
        dd 1                            ; version
        dd 0                            ; flags
        dd 1                            ; nr_modules
        dq ROM_LOW + modules            ; modlist_paddr
        dq ROM_LOW + command_line       ; cmdline_paddr
        dq ROM_LOW + RSDP               ; rsdp_paddr
        dq ROM_LOW + memory_map         ; memmap_paddr
        dd (memory_map_end - memory_map) / 24
        dd 0

; PVH boot protocol: hvm_modlist_entry, paddr, size, cmdline_paddr, reserved
modules:
        dq INITRAMFS, INITRAMFS_BYTES, 0, 0

; PVH boot protocol: hvm_memmap_table_entry, addr, size, type, reserved
MEMMAP_RAM      equ 1
MEMMAP_RESERVED equ 2
memory_map:
        dq 0, 0x9f000
        dd MEMMAP_RAM, 0
        dq ROM_LOW, 0x10000
        dd MEMMAP_RESERVED, 0
        dq 0x100000, MEMORY_END - 0x100000
        dd MEMMAP_RAM, 0
memory_map_end:

command_line:
        incbin "cmdline"
        db 0

; Debian's cloud kernels find processors and interrupt controllers by ACPI, but not by an MP table.
; What follows is after the Advanced Configuration and Power Interface Specification 6.4. Checksums
; need the bytes of a table added up, which the macros do as they emit them; addresses in a table
; have to be known to them, so every table has its place.
RSDP            equ 0x8000
XSDT            equ 0x8040
FADT            equ 0x8080
DSDT            equ 0x8100
MADT            equ 0x8140

%macro bytes 1-*
    %rep %0
        db %1
        %assign sum sum + (%1)
        %rotate 1
    %endrep
%endmacro

%macro words 1-*
    %rep %0
        bytes (%1) & 0xff, (%1) >> 8 & 0xff
        %rotate 1
    %endrep
%endmacro

%macro dwords 1-*
    %rep %0
        words (%1) & 0xffff, (%1) >> 16 & 0xffff
        %rotate 1
    %endrep
%endmacro

%macro qwords 1-*
    %rep %0
        dwords %1, 0
        %rotate 1
    %endrep
%endmacro

%macro text 1
    %strlen length %1
    %assign i 1
    %rep length
        %substr character %1 i
        bytes character
        %assign i i + 1
    %endrep
%endmacro

; begin ADDRESS: starts a sum there
%macro begin 1
        times %1 - ($ - $$) db 0
        %assign sum 0
%endmacro

; end CHECKSUM: gives the byte of this name, anywhere in the table, the value that makes the sum 0
%macro end 1
%1      equ -sum & 0xff
%endmacro

; header SIGNATURE, LENGTH, REVISION, CHECKSUM: "System Description Table Header"
%macro header 4
        text %1
        dwords %2
        bytes %3
        db %4
        text "VHVLABBOCHS   "           ; OEMID, OEM Table ID
        dwords 1
        text "VHV "                     ; creator
        dwords 1
%endmacro

; "Root System Description Pointer (RSDP) Structure": the first checksum is of the first 20 bytes,
; the second one of all, to which these contribute 0.
        begin RSDP
        text "RSD PTR "
        db rsdp_checksum
        text "VHVLAB"
        bytes 2                         ; revision
        dwords 0                        ; no RSDT
        end rsdp_checksum
        %assign sum 0
        dwords 36
        qwords ROM_LOW + XSDT
        db rsdp_extended_checksum
        bytes 0, 0, 0
        end rsdp_extended_checksum

; "Extended System Description Table (XSDT)"
        begin XSDT
        header "XSDT", 36 + 2 * 8, 1, xsdt_checksum
        qwords ROM_LOW + FADT, ROM_LOW + MADT
        end xsdt_checksum

; "Fixed ACPI Description Table (FADT)", the part that ACPI 1.0 knew
        begin FADT
        header "FACP", 116, 1, fadt_checksum
        dwords 0, ROM_LOW + DSDT        ; no FACS
        bytes 0, 0
        words SCI
        dwords 0                        ; no SMI_CMD: always in ACPI mode
        bytes 0, 0, 0, 0
        dwords PM_BASE, 0               ; PM1a and PM1b event
        dwords PM_BASE + 4, 0, 0        ; PM1a, PM1b and PM2 control
        dwords PM_BASE + 8              ; PM timer
        dwords PM_BASE + 12, 0          ; GPE0 and GPE1
        bytes 4, 2, 0, 4, 4, 0          ; lengths: PM1 event and control, PM2, timer, GPE0, GPE1
        bytes 0, 0
        words 0xffff, 0xffff            ; neither C2
        words 0, 0                      ; nor C3
        bytes 0, 0, 0, 0, 0
        words 0                         ; IAPC_BOOT_ARCH
        bytes 0
        dwords 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5        ; WBINVD, PROC_C1, no fixed buttons
        end fadt_checksum

; "Differentiated System Description Table (DSDT)": it describes no device
        begin DSDT
        header "DSDT", 36, 1, dsdt_checksum
        end dsdt_checksum

; "Multiple APIC Description Table (MADT)"
        begin MADT
        header "APIC", 44 + 8 * CPUS + 12 + 2 * 10 + 6, 1, madt_checksum
        dwords 0xfee00000               ; local APICs
        dwords 1                        ; PCAT_COMPAT: 8259s, too
; "Processor Local APIC Structure"
%assign cpu 0
%rep CPUS
        bytes 0, 8, cpu, cpu
        dwords 1                        ; enabled
    %assign cpu cpu + 1
%endrep
; "I/O APIC Structure": its ID follows those of the processors
        bytes 1, 12, CPUS, 0
        dwords 0xfec00000, 0
; "Interrupt Source Override Structure": the timer's interrupt comes in at pin 2, and SCI is active
; high and level-triggered
        bytes 2, 10, 0, 0
        dwords 2
        words 0
        bytes 2, 10, 0, SCI
        dwords SCI
        words 1101b
; "Local APIC NMI Structure": LINT1 of every processor
        bytes 4, 6, 0xff
        words 0
        bytes 1
        end madt_checksum

        times 0xfff0 - ($ - $$) db 0
bits 16
reset_vector:
        jmp near real_mode
        times 0x10000 - ($ - $$) db 0
