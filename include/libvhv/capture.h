/* SPDX-License-Identifier: MIT */
/*
 * Captures: what one host can give to its guests, to be looked at elsewhere. Pure: no file, no
 * /dev/kvm, no global; vhv_host_capture() makes one of the host that a program runs on.
 *
 * Captures of many hosts have a baseline (<libvhv/baseline.h>), and two say whether a VM may move
 * from one host to the other (<libvhv/migration.h>).
 */
#ifndef LIBVHV_CAPTURE_H
#define LIBVHV_CAPTURE_H

#include <libvhv/cpuid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A model-specific register and its value. */
struct vhv_msr {
    uint32_t index;
    uint64_t value;
};

/* The VMX capability MSRs: IA32_VMX_BASIC to IA32_VMX_VMFUNC. */
enum { VHV_VMX_MSR_FIRST = 0x480, VHV_VMX_MSR_LAST = 0x491 };

/* Longest name of a host, with its NUL. */
enum { VHV_CAPTURE_NAME_BYTES = 256 };

/* What a host can give to guests. Immutable: any number of threads may read it. */
struct vhv_capture;

/* Neighbouring bits of a CPUID register or of a VMX capability MSR that belong together. */
struct vhv_capture_field {
    uint32_t msr; /* 0: of CPUID; else the MSR, and the next three are 0 */
    uint32_t leaf;
    uint32_t subleaf;
    enum vhv_cpuid_reg reg;
    uint8_t bit;      /* the lowest one */
    uint8_t bits;     /* their number */
    const char *name; /* such as "VMX" or "number of ASIDs"; NULL if it has none here */
};

struct vhv_capture_options {
    size_t size;      /* sizeof(struct vhv_capture_options) */
    const char *name; /* of the host, if the text does not tell; NULL: "unnamed" */
    unsigned cpu;     /* which CPU of a dump of several, by its place; 0: the first */
};

/**
 * vhv_capture_new() - make a capture
 * @ret: the capture, on success; free it with vhv_capture_free()
 * @name: the host's name, for people; 1 to VHV_CAPTURE_NAME_BYTES - 1 bytes, without control
 * characters
 * @cpuid: what KVM can give to guests there; copied
 * @msrs: the VMX capability MSRs, in any order; copied
 * @count: their number; 0 where they are not known, or there is no VMX
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  not such a name, not a VMX capability MSR, or one of them twice
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_capture_new(struct vhv_capture **ret, const char *name,
                            const struct vhv_cpuid *cpuid, const struct vhv_msr *msrs,
                            size_t count);

/**
 * vhv_capture_free() - free a capture
 * @capture: the capture; NULL is fine
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_capture_free(struct vhv_capture *capture);

/**
 * vhv_capture_name() - the host's name
 * @capture: the capture
 *
 * Return: the name, valid as long as @capture.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const char *vhv_capture_name(const struct vhv_capture *capture);

/**
 * vhv_capture_cpuid() - the CPUID that the host can give
 * @capture: the capture
 *
 * Return: the table, valid as long as @capture.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_cpuid *vhv_capture_cpuid(const struct vhv_capture *capture);

/**
 * vhv_capture_msrs() - the host's VMX capability MSRs
 * @capture: the capture
 * @count: filled in with their number; 0 if none is known
 *
 * Return: the MSRs by rising index, valid as long as @capture.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_msr *vhv_capture_msrs(const struct vhv_capture *capture, size_t *count);

/**
 * vhv_capture_parse() - read a capture
 * @ret: the capture, on success
 * @text: one of the forms below; which one is found out
 * @bytes: length of @text
 * @options: NULL = defaults
 *
 * A capture's own form is JSON: {"name": "esx1", "cpuid": […], "msrs": [{"index": "0x480", "value":
 * "0x…"}, …]}. "cpuid" is the array of vhv_cpuid_parse_json(), "name" and "msrs" may be left out:
 * so what vhv_cpuid_print() writes as JSON is a capture, too. Unknown members and what does not fit
 * are errors that name the member's path, such as msrs[3].value.
 *
 * The other form is the dump that `cpuid -r` prints: a line "CPU 0:" for each CPU and under it a
 * line an entry, "0x00000007 0x00: eax=0x… ebx=0x… ecx=0x… edx=0x…". It tells what the processor
 * has, which KVM may not give to guests, and no MSRs. Leaves beyond the last one of their range,
 * which a processor answers with something else, are left out.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  neither form (cause: syntax), the options are malformed, or the dump has no such CPU
 *   -ENOMEM  no memory
 *   -ENOSPC  more than VHV_CPUID_MAX_ENTRIES entries
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_capture_parse(struct vhv_capture **ret, const char *text, size_t bytes,
                              const struct vhv_capture_options *options);

/**
 * vhv_capture_print() - write a capture as JSON
 * @capture: the capture
 * @stream: where to; what is written reads back the same by vhv_capture_parse()
 *
 * Return: 0, or a negative errno:
 *   -EIO     the stream has an error
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_capture_print(const struct vhv_capture *capture, FILE *stream);

/**
 * vhv_capture_field_format() - where a field is, and its name
 * @field: the field
 * @text: receives such as "cpuid.1.ecx bit 5 (VMX)" or "IA32_VMX_MISC bits 24:16 (number of
 * CR3-target values)"
 * @bytes: room in @text; a longer text is cut
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_capture_field_format(const struct vhv_capture_field *field, char *text,
                                      size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
