/* SPDX-License-Identifier: MIT */
/* What the readers and writers of other systems' words for CPUID have in common. */
#ifndef VHV_CONFIG_CONVERT_H
#define VHV_CONFIG_CONVERT_H

#include <libvhv/convert.h>
#include <libvhv/feature.h>

#include "config/dictionary.h"

/* Who is told of losses. */
struct vhv_losses {
    vhv_config_warning_fn loss; /* NULL: nobody */
    void *cookie;
    int count;
};

/* Counts and tells a loss. Returns 0, or -ECANCELED with a message. */
int vhv_lose(struct vhv_losses *losses, const struct vhv_config_warning *loss);

/* convert_import.c */

/* Bits of a register that are decided. */
struct vhv_import_entry {
    struct vhv_mask_key key;
    struct vhv_mask mask;
    size_t order; /* later ones win */
};

struct vhv_import {
    const char *name; /* of the file */
    const char *text; /* without NUL but at its end */
    struct vhv_losses losses;
    struct vhv_import_entry *bits;
    size_t count;
    size_t capacity;
};

/* What of a bit takes back what was said of it before. */
enum { VHV_IMPORT_UNDECIDED = VHV_MASK_IGNORE };

/* Decides what @mask does not pass. Whether @key has a subleaf follows from its leaf and subleaf.
 * Returns 0 or -ENOMEM. */
int vhv_import_mask(struct vhv_import *import, const struct vhv_mask_key *key,
                    const struct vhv_mask *mask);

/* Decides @bits of a register by @op. Returns 0 or -ENOMEM. */
int vhv_import_bits(struct vhv_import *import, const struct vhv_mask_key *key, uint32_t bits,
                    uint8_t op);

/* Leaves virtualized HV to the host, where the form has it on by default. Returns 0 or -ENOMEM. */
int vhv_import_host_vhv(struct vhv_import *import);

/* Tells of @word, or the place of that name, that masks cannot say it. Returns 0 or -ECANCELED. */
int vhv_import_lose(struct vhv_import *import, const char *word, const char *what, const char *why,
                    const char *remedy);

/* Fails with line and column of what is at @at in the text. Returns -EINVAL. */
int vhv_import_fail_at(const struct vhv_import *import, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Room for a word in a message. */
enum { VHV_WORD_BYTES = 48 };

/* The text without the white space around it. */
struct vhv_span vhv_span_trim(const char *text);

bool vhv_span_is(const struct vhv_span *span, const char *word);

/* Copies as much of @span as fits, for a message. */
void vhv_span_show(char shown[VHV_WORD_BYTES], const struct vhv_span *span);

/* Reads a decimal, hexadecimal or octal number, as strtoull() with base 0. Returns 0 or -EINVAL. */
int vhv_import_number(const struct vhv_import *import, const struct vhv_span *span,
                      uint64_t *number);

/* Makes the configuration of all bits. Returns 0 or -ENOMEM. */
int vhv_import_finish(struct vhv_config **ret, struct vhv_import *import);

/* convert_export.c */

/* The bits of virtualized HV, and the register of each. */
#define VHV_CONVERT_VMX_BIT (UINT32_C(1) << 5)
#define VHV_CONVERT_SVM_BIT (UINT32_C(1) << 2)
extern const struct vhv_mask_key vhv_convert_vmx, vhv_convert_svm;

/* A register, and what is decided of its bits. */
struct vhv_export_register {
    struct vhv_mask_key key;                /* without vendor */
    struct vhv_mask mask;                   /* of operations that decide, and VHV_MASK_PASS */
    const struct vhv_cpuid_request *by[32]; /* who decided; NULL: a setting or default */
    uint32_t written;                       /* bits that the form has said */
    uint32_t unforced;                      /* of them, bits that it does not force */
};

struct vhv_export {
    const struct vhv_config *config;
    enum vhv_vendor vendor;
    const char *form; /* its name */
    FILE *stream;
    struct vhv_losses losses;
    struct vhv_export_register *registers; /* sorted by leaf, subleaf and register */
    size_t count;
};

/* Decides every bit, and tells what no form says. Returns 0, -ECANCELED or -ENOMEM. */
int vhv_export_begin(struct vhv_export *export);

struct vhv_export_register *vhv_export_find(const struct vhv_export *export, uint32_t leaf,
                                            uint32_t subleaf, enum vhv_cpuid_reg reg);

/* Tells what nothing was written for. Returns 0 or -ECANCELED. */
int vhv_export_end(struct vhv_export *export);

/* Bits of a register that are decided, that are to be 0, and that are to be 1. What is decided and
 * neither is the host's. */
uint32_t vhv_export_decided(const struct vhv_export_register *found);
uint32_t vhv_export_zeros(const struct vhv_export_register *found);
uint32_t vhv_export_ones(const struct vhv_export_register *found);

/* convert_names.c */

enum vhv_namer { VHV_NAMER_QEMU, VHV_NAMER_XEN, VHV_NAMERS };

/* A number in a register, in one part or two. */
struct vhv_field_name {
    const char *names[VHV_NAMERS]; /* NULL: it has no name there */
    struct vhv_mask_key key;
    uint8_t bit, bits;         /* the lower part */
    uint8_t upper, upper_bits; /* the upper part; 0 bits: there is none */
    bool sums;                 /* the upper part counts on from the lower one's greatest value */
};

bool vhv_is_feature(enum vhv_namer namer, const struct vhv_span *name);

/* Decides the feature, or features, of a name by @op. Returns 1, 0 if there is no such feature, or
 * -ENOMEM. */
int vhv_import_feature(struct vhv_import *import, enum vhv_namer namer, const struct vhv_span *name,
                       uint8_t op);

/* The field of that name; NULL if there is none. */
const struct vhv_field_name *vhv_field_find(enum vhv_namer namer, const struct vhv_span *name);

/* All bits of a field. */
uint32_t vhv_field_mask(const struct vhv_field_name *field);

/* Decides a field. Returns 0, -ERANGE without a message if the number is too large, or -ENOMEM. */
int vhv_import_field(struct vhv_import *import, const struct vhv_field_name *field,
                     uint64_t number);

/* How a form writes names. */
struct vhv_name_writer {
    enum vhv_namer namer;
    bool forces; /* a feature can be forced that the host lacks */
    void (*feature)(FILE *stream, const char *name, uint8_t op);
    void (*field)(FILE *stream, const char *name, uint32_t number);
};

/* Writes what has a name. */
void vhv_export_names(struct vhv_export *export, const struct vhv_name_writer *writer);

/* firecracker.c, qemu.c, xen.c, xen_registers.c */

int vhv_firecracker_import(struct vhv_import *import);
int vhv_firecracker_export(struct vhv_export *export);
int vhv_qemu_import(struct vhv_import *import);
int vhv_qemu_export(struct vhv_export *export);
int vhv_xen_import(struct vhv_import *import);
int vhv_xen_export(struct vhv_export *export);
int vhv_xen_export_registers(struct vhv_export *export);

#endif
