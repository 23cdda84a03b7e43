/* SPDX-License-Identifier: MIT */
/* What the files of vhv-cpuid share: what it was asked for, and the tables that this is about. */
#ifndef EXAMPLES_VHV_CPUID_H
#define EXAMPLES_VHV_CPUID_H

#include <libvhv/vhv.h>

/* Exit statuses. A function that returns one has told why on standard error, unless it is FINE. */
enum { FINE = 0, NOT_SO = 1, FAILED = 2, NO_KVM = 3 };

/* A mask or setting of the command line. */
struct line {
    bool is_mask;
    const char *text;
};

/* A bit of a register. */
struct place {
    uint32_t leaf;
    uint32_t subleaf;
    enum vhv_cpuid_reg reg;
    unsigned bit;
};

struct choice {
    struct place place;         /* to be explained */
    const char *config_file;    /* NULL: none */
    const char *supported_file; /* NULL: KVM is asked; "-": standard input */
    const char *processor_file; /* NULL: the processor is asked, if KVM is; "-": standard input */
    const char *device;         /* NULL: /dev/kvm */
    const char *vcpus;          /* NULL: as many as the configuration says */
    unsigned long vcpu;
    bool with_kvm;
    bool measure; /* with_kvm, too */
    bool no_irqchip;
    bool levels; /* of the guest's table and KVM's, in turn */
    enum vhv_cpuid_style style;
    struct line *lines;
    size_t line_count;
};

struct subject {
    const struct vhv_cpuid *processor;   /* NULL: not known */
    const struct vhv_cpuid *supported;   /* NULL: KVM could not be asked */
    const struct vhv_guest_cpuid *guest; /* NULL until it is made */
    /* What these belong to. */
    struct vhv_capture *loaded_processor;
    struct vhv_capture *loaded_supported;
    struct vhv_host *host; /* NULL: tables come from files alone */
    struct vhv_config *config;
    struct vhv_guest_cpuid *computed;
    struct vhv_vm *vm;
};

/* vhv-cpuid.c */

/* Prints an error. Returns FAILED. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints the library's error, behind @where if that is not NULL. Returns the status for it. */
int failure(const char *where);

/* cpuid_subject.c */

/* Reads a capture, a table or a dump, of which @cpu is the place of the CPU; "-" is the standard
 * input. */
int load_capture(struct vhv_capture **ret, const char *path, unsigned cpu);

/* Finds the host's tables, in files or here. */
int subject_load(struct subject *subject, const struct choice *choice);
/* FINE if it is known what KVM supports; else says why not. */
int subject_need_supported(const struct subject *subject);
/* Makes the guest's CPUID, and tells what is not as it was asked for: NOT_SO. After another failure
 * there is no subject->guest. */
int subject_make_guest(struct subject *subject, const struct choice *choice);
void subject_end(struct subject *subject);

/* cpuid_findings.c: on standard error, but for print_origin() */

/* Tells what is not as it was asked for. Returns NOT_SO if power-on would refuse that. */
int tell_findings(const struct subject *subject);
/* Tells what in the configuration was probably not meant. */
void tell_warnings(const struct subject *subject);
/* Tells which registers KVM gives to a guest, if one was made, otherwise than they were set. */
void tell_read_back(const struct subject *subject);
/* Prints "hypervisor.vmx:12: cpuid.1.ecx", the line if there is one. */
void print_origin(FILE *stream, const struct vhv_origin *origin);

/* cpuid_explain.c */

/* "eax" and so on, by enum vhv_cpuid_reg. */
extern const char *const register_names[VHV_CPUID_REGS];

/* Reads "VMX", "1.ecx.5", "7.0.ebx.FSGSBASE" and the like. */
int place_parse(struct place *place, const char *text);
/* Prints the reasons for choice->place. */
int explain(const struct subject *subject, const struct choice *choice);

/* cpuid_convert.c */

/* The command of that name, which is argv[1], with its own options. */
int convert(int argc, char **argv);

/* cpuid_fleet.c */

/* The commands capture, baseline and compare, of which argv[1] is one, with their own options. */
int fleet(int argc, char **argv);

/* cpuid_diff.c */

/* Prints in which registers the guest's table is not what KVM supports. */
int diff(const struct subject *subject, const struct choice *choice);

#endif
