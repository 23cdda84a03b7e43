/* SPDX-License-Identifier: MIT */
/*
 * CPUID masks in VMware's syntax: what a guest shall see of one register, bit by bit.
 *
 *     cpuid.80000001.ecx.amd = "----:----:----:----:----:----:----:-h--"
 */
#ifndef LIBVHV_MASK_H
#define LIBVHV_MASK_H

#include <libvhv/cpuid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a mask says of one bit; the character in its text. Upper case means the same. */
enum vhv_mask_op {
    VHV_MASK_PASS = 0, /* '-' as without the mask */
    VHV_MASK_HIDE,     /* '0' the guest reads 0 */
    VHV_MASK_FORCE,    /* '1' the guest reads 1, whether or not KVM can do it */
    VHV_MASK_HOST,     /* 'h' what KVM can give on this host; must agree for a migration */
    VHV_MASK_RESERVED, /* 'r' the guest reads 0; the host's value must agree for a migration */
    VHV_MASK_TRUE,     /* 't' the guest reads 1; power-on is refused where the host has 0 */
    VHV_MASK_FALSE,    /* 'f' the guest reads 0; power-on is refused where the host has 1 */
    VHV_MASK_IGNORE,   /* 'x' as without the mask; not compared for a migration */
    VHV_MASK_INSTALL /* 'i' legal, its meaning was never published: taken as '-', with a warning */
};

/* A mask: op[0] is for bit 0, which is the rightmost character. A zeroed mask passes every bit. */
struct vhv_mask {
    uint8_t op[32]; /* enum vhv_mask_op */
};

/* The register that a mask is for: cpuid.<leaf>[.<subleaf>].<register>[.<vendor>] */
struct vhv_mask_key {
    uint32_t leaf;
    uint32_t subleaf; /* 0 if the key has none */
    bool has_subleaf; /* the key named a subleaf */
    enum vhv_cpuid_reg reg;
    enum vhv_vendor vendor; /* VHV_VENDOR_ANY if the key names none */
};

/* Room for vhv_mask_format(): eight groups of four, seven colons, a NUL. */
enum { VHV_MASK_TEXT_BYTES = 40 };
/* Room for vhv_mask_key_format(). */
enum { VHV_MASK_KEY_TEXT_BYTES = 48 };

/**
 * vhv_mask_parse() - read a mask
 * @mask: filled in on success
 * @text: 32 mask characters, bit 31 first. ':' and spaces between them are for people alone: any
 * number of them, anywhere.
 *
 * Anything else is an error whose message has the text, the column (from 1) and a caret under it,
 * and says what was found and what was meant: too few or too many characters, a number (0x…),
 * typographic dashes and quotes, Markdown's "\-".
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  not a mask (cause: syntax)
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_mask_parse(struct vhv_mask *mask, const char *text);

/**
 * vhv_mask_format() - write a mask in groups of four
 * @mask: the mask
 * @text: receives 39 characters and a NUL
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_mask_format(const struct vhv_mask *mask, char text[VHV_MASK_TEXT_BYTES]);

/**
 * vhv_mask_key_parse() - read a mask's key
 * @key: filled in on success
 * @text: such as "cpuid.1.ecx", "cpuid.d.1.eax" or "cpuid.80000001.ecx.amd", in any case; numbers
 * are hexadecimal without 0x
 *
 * A leaf that only makes sense as a decimal number (2147483650) is an error that offers the
 * hexadecimal reading.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  not such a key (cause: syntax); the message names the part
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_mask_key_parse(struct vhv_mask_key *key, const char *text);

/**
 * vhv_mask_key_format() - write a key
 * @key: the key
 * @text: receives the key in lower case and a NUL
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_mask_key_format(const struct vhv_mask_key *key,
                                 char text[VHV_MASK_KEY_TEXT_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
