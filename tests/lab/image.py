#!/usr/bin/env python3
"""Lays an ELF kernel out flat, as the Bochs lab puts it into memory.

usage: image.py VMLINUX IMAGE

IMAGE is what memory holds from the lowest segment's physical address to the end of the highest
one, rounded up to pages, so that an initramfs may follow. Prints the address where the image goes
and the one where PVH enters the kernel.
"""

import struct
import sys

PAGE = 4096
PT_LOAD = 1
PT_NOTE = 4
XEN_ELFNOTE_PHYS32_ENTRY = 18


def program_headers(elf):
    """Yields type, file offset, physical address, file size and memory size of each segment."""
    if elf[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a little-endian 64-bit ELF file")
    (table,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    for at in range(table, table + size * count, size):
        header = struct.unpack_from("<IIQQQQQQ", elf, at)
        kind, _, offset, _, address, in_file, in_memory, _ = header
        yield kind, offset, address, in_file, in_memory


def align4(number):
    return (number + 3) & ~3


def notes(segment):
    """Yields owner, type and contents of the notes in a PT_NOTE segment."""
    at = 0
    while at < len(segment):
        owner_size, size, kind = struct.unpack_from("<III", segment, at)
        owner = at + 12
        contents = owner + align4(owner_size)
        name = segment[owner : owner + owner_size].rstrip(b"\0")
        yield name, kind, segment[contents : contents + size]
        at = contents + align4(size)


def flatten(elf):
    """Returns the image, its physical address and the PVH entry point."""
    loads = []
    entry = None
    for kind, offset, address, in_file, in_memory in program_headers(elf):
        segment = elf[offset : offset + in_file]
        if kind == PT_LOAD:
            loads.append((address, segment, in_memory))
        elif kind == PT_NOTE:
            for owner, note, contents in notes(segment):
                if owner == b"Xen" and note == XEN_ELFNOTE_PHYS32_ENTRY:
                    entry = int.from_bytes(contents, "little")
    if entry is None:
        raise ValueError("no PVH entry point (CONFIG_PVH)")

    start = min(address for address, _, _ in loads)
    end = max(address + in_memory for address, _, in_memory in loads)
    image = bytearray((end - start + PAGE - 1) & ~(PAGE - 1))
    for address, segment, _ in loads:
        image[address - start : address - start + len(segment)] = segment
    return image, start, entry


def main():
    with open(sys.argv[1], "rb") as file:
        elf = file.read()
    try:
        image, start, entry = flatten(elf)
    except (ValueError, struct.error) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    with open(sys.argv[2], "wb") as file:
        file.write(image)
    print(f"{start:#x} {entry:#x}")


main()
