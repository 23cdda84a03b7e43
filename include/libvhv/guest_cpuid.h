/* SPDX-License-Identifier: MIT */
/*
 * A guest's CPUID: made from what the host's KVM supports, the settings and the masks, with the
 * reason for every bit. Pure: works on tables alone, also on tables captured from another host.
 *
 * Order: (1) what KVM supports, with the hypervisor bit on, what depends on the in-kernel local
 * APIC as it is, and, where KVM has none, the processor's brand string and, on Intel, leaf 15h with
 * the frequency of the TSC; (2) what the VM's hardware version does not have is taken away; (3)
 * virtualized HV (VMX, SVM, SKINIT, leaf 8000_000Ah) and memory encryption (leaf 8000_001Fh) are
 * off; (4) the profile of guestOS; (5) the settings vhv.enable, vhv.nestedPaging,
 * hypervisor.cpuid.v0, hypervisor.cpuid.vendor, cpuid.brandString and vpmc.enable; (6) the fields
 * of the vCPU: APIC ids, and one package with one core of one thread for each vCPU; (7) the masks,
 * the most specific key first, bit by bit. Nothing changes a bit after its mask, except for fields
 * that identify a vCPU (1.EBX[31:24], B.EDX, 1F.EDX, 8000_001E.EAX) and bits that are computed at
 * run time (OSXSAVE, APIC, OSPKE, D.0.EBX, D.1.EBX): a mask on those is reported as not applied.
 *
 * A mask that decides the bit of virtualized HV (VMX on Intel, SVM on AMD) turns all of it on or
 * off, as vhv.enable does. Whatever turned it on, the host's policy and a hardware version below 8
 * refuse it in the end: these are findings.
 */
#ifndef LIBVHV_GUEST_CPUID_H
#define LIBVHV_GUEST_CPUID_H

#include <libvhv/cpuid.h>
#include <libvhv/mask.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a setting or mask comes from, for messages. The strings are copied. */
struct vhv_origin {
    const char *file; /* NULL: the program itself */
    unsigned line;    /* from 1; 0: no line */
    const char *key;  /* as written in the file */
};

enum vhv_setting { VHV_SETTING_UNSET = 0, VHV_SETTING_FALSE, VHV_SETTING_TRUE };

/* A boolean setting and where it was made. */
struct vhv_cpuid_setting {
    enum vhv_setting value;
    struct vhv_origin origin;
};

/* A number, 0 if it is not set, and where it was. */
struct vhv_cpuid_number {
    uint32_t value;
    struct vhv_origin origin;
};

/* A text, NULL if it is not set, and where it was. */
struct vhv_cpuid_text {
    const char *value;
    struct vhv_origin origin;
};

/* The longest brand string, in bytes: leaves 8000_0002h to 8000_0004h hold it and a NUL. */
enum { VHV_BRAND_STRING_MAX_BYTES = 47 };

/* One mask line. */
struct vhv_cpuid_request {
    struct vhv_mask_key key;
    struct vhv_mask mask;
    struct vhv_origin origin;
};

/* What the guest's table is made from. */
struct vhv_guest_cpuid_options {
    size_t size; /* sizeof(struct vhv_guest_cpuid_options) */
    /* The host processor's own CPUID, for the reasons and the brand string; NULL: not known. */
    const struct vhv_cpuid *processor;
    struct vhv_cpuid_setting vhv_enable;    /* unset means off */
    struct vhv_cpuid_setting hypervisor_v0; /* FALSE hides the hypervisor; unset means shown */
    /* FALSE keeps nested paging (NPT, EPT) from a guest hypervisor; unset means offered */
    struct vhv_cpuid_setting nested_paging;
    /* The masks; of two with the same key the later one wins. */
    const struct vhv_cpuid_request *requests;
    size_t request_count;
    /* APIC id of the vCPU. Where there are sockets: the socket's number times cores_per_socket,
     * rounded up to a power of two, plus the core's number. */
    uint32_t vcpu_id;
    uint32_t vcpu_count; /* of the VM; 0 is taken as 1 */
    bool kernel_lapic;   /* the local APIC is in the kernel */
    bool tsc_deadline;   /* KVM_CAP_TSC_DEADLINE_TIMER */
    /* Why KVM does not offer VMX or SVM, for the message of an unmet 't'; NULL: not known. */
    const char *why_not_nested;
    struct vhv_cpuid_number hardware_version; /* virtualHW.version; 0 is the newest */
    struct vhv_cpuid_setting vhv_allow; /* of the host's policy: FALSE refuses virtualized HV */
    /* Whether KVM offers nested paging to guests, for a warning. */
    enum vhv_answer nested_paging_offered;
    struct vhv_cpuid_text guest_os;           /* guestOS, which names a profile: see vhv.vmx(5) */
    struct vhv_cpuid_number cores_per_socket; /* 0: all vCPUs are cores of one socket */
    /* At most VHV_BRAND_STRING_MAX_BYTES; NULL: KVM's, or else the processor's */
    struct vhv_cpuid_text brand_string;
    /* FALSE hides performance counters, TRUE requires them; unset: as KVM has them */
    struct vhv_cpuid_setting vpmc_enable;
    /* "VMware" has the leaves 4000_0000h and 4000_0010h of VMware in the place of KVM's; "KVM" or
     * NULL: KVM's. In any case. */
    struct vhv_cpuid_text hypervisor_vendor;
    /* Frequencies, for the leaves 15h (Intel) and 4000_0010h (VMware's); 0: not known */
    uint32_t tsc_khz;
    uint32_t apic_bus_khz; /* of the bus of the local APIC */
};

/* Who decided a bit. */
enum vhv_cpuid_source {
    VHV_SOURCE_PROCESSOR, /* what the host's processor shows to us */
    VHV_SOURCE_KVM,       /* what KVM supports on this host */
    VHV_SOURCE_DEFAULT,   /* libvhv's default */
    VHV_SOURCE_SETTING,   /* a setting of the configuration */
    VHV_SOURCE_VCPU,      /* by the vCPU's id and the number of vCPUs */
    VHV_SOURCE_MASK,      /* a mask */
    VHV_SOURCE_RUNTIME,   /* computed while the guest runs; a mask does not reach it */
    VHV_SOURCE_READBACK,  /* KVM_GET_CPUID2 answered something else than was set */
    VHV_SOURCE_PROFILE,   /* the profile of guestOS */
    VHV_SOURCE_MEASURED   /* a guest reads something else than KVM says, or than was set */
};

/* One link of a bit's chain of reasons. @text lives for the time of the call, the strings of
 * @origin as long as the object. */
struct vhv_cpuid_reason {
    enum vhv_cpuid_source source;
    unsigned value;           /* 0 or 1: the bit after this step */
    bool applied;             /* false: asked for, and not done; @text says why */
    enum vhv_mask_op op;      /* of a mask */
    struct vhv_origin origin; /* of the setting, mask or guestOS; else all zero */
    /* In words, without the origin, such as "virtualized HV is off unless asked for". */
    const char *text;
};

/* Something that was asked for and the guest does not get, gets in vain, or must not have. Strings
 * live as long as the object. */
struct vhv_cpuid_finding {
    bool is_error; /* power-on is refused unless the program asked for reports only */
    uint32_t leaf;
    uint32_t subleaf;
    enum vhv_cpuid_reg reg;
    uint8_t bit;
    struct vhv_origin origin; /* all zero if nobody asked */
    const char *text;         /* the whole message, with file, line, key, leaf, bit */
    /* Its end alone, such as "must be 0 on this host, but KVM offers 1": bits of a mask that fare
     * alike have the same. */
    const char *detail;
};

/* The guest's table and its reasons. Not locked: one thread at a time, or many that only read. */
struct vhv_guest_cpuid;

/* Told each reason, oldest first; returns 0 to go on, anything else to stop with that value. */
typedef int (*vhv_cpuid_reason_fn)(const struct vhv_cpuid_reason *reason, void *cookie);

/**
 * vhv_guest_cpuid_new() - make the CPUID of one vCPU
 * @ret: the object, on success
 * @supported: what KVM can give on the host (KVM_GET_SUPPORTED_CPUID)
 * @options: NULL = defaults
 *
 * An unmet 't' or 'f' and a mask that cannot be applied do not make this fail: they are findings
 * (vhv_guest_cpuid_finding()), which vhv_guest_cpuid_check() or the VM's power-on turn into an
 * error.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  the options are malformed
 *   -ENOMEM  no memory
 *   -ENOSPC  masks name more leaves than a table can hold
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_guest_cpuid_new(struct vhv_guest_cpuid **ret, const struct vhv_cpuid *supported,
                                const struct vhv_guest_cpuid_options *options);

/**
 * vhv_guest_cpuid_free() - free it
 * @guest: the object; NULL is fine
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_guest_cpuid_free(struct vhv_guest_cpuid *guest);

/**
 * vhv_guest_cpuid_table() - what the guest reads
 * @guest: the object
 *
 * Return: the table to be set; after vhv_guest_cpuid_read_back() the effective one. Valid as long
 * as @guest.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_cpuid *vhv_guest_cpuid_table(const struct vhv_guest_cpuid *guest);

/**
 * vhv_guest_cpuid_has_vhv() - whether the guest is offered virtualized HV
 * @guest: the object
 *
 * Return: true if the table shows VMX (Intel) or SVM (AMD), by whichever way it was asked for.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API bool vhv_guest_cpuid_has_vhv(const struct vhv_guest_cpuid *guest);

/**
 * vhv_guest_cpuid_hides_hypervisor() - whether the guest is not to find a hypervisor
 * @guest: the object
 *
 * Return: true if hypervisor.cpuid.v0 is FALSE, if it is not set and the profile of guestOS hides
 * the hypervisor, or if a mask hides CPUID.1:ECX[31].
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API bool vhv_guest_cpuid_hides_hypervisor(const struct vhv_guest_cpuid *guest);

/**
 * vhv_guest_cpuid_hides_nested_paging() - whether a guest hypervisor is to do without nested paging
 * @guest: the object
 *
 * NPT is a bit of CPUID; EPT is not: the VM's power-on takes it from the VMX capability MSRs.
 *
 * Return: true if vhv.nestedPaging is FALSE.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API bool vhv_guest_cpuid_hides_nested_paging(const struct vhv_guest_cpuid *guest);

/**
 * vhv_guest_cpuid_explain() - the chain of reasons for one bit
 * @guest: the object
 * @leaf: EAX
 * @subleaf: ECX
 * @reg: the register
 * @bit: 0 to 31
 * @reason: called for each step that decided or tried to decide the bit, oldest first; the last one
 * with @applied is the effective value
 * @cookie: handed to @reason
 *
 * Return: 0, what @reason returned to stop, or a negative errno:
 *   -EINVAL  no such register or bit
 *
 * Thread: any; @reason is called on it. Stage: any. Since: 0.1.
 */
VHV_API int vhv_guest_cpuid_explain(const struct vhv_guest_cpuid *guest, uint32_t leaf,
                                    uint32_t subleaf, enum vhv_cpuid_reg reg, unsigned bit,
                                    vhv_cpuid_reason_fn reason, void *cookie);

/**
 * vhv_guest_cpuid_finding() - go through what was asked for and is not so
 * @guest: the object
 * @index: from 0
 *
 * Return: the finding, valid as long as @guest is neither read back nor freed; NULL beyond the last
 * one.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_cpuid_finding *vhv_guest_cpuid_finding(const struct vhv_guest_cpuid *guest,
                                                                size_t index);

/**
 * vhv_guest_cpuid_check() - turn the first finding that is an error into one
 * @guest: the object
 *
 * Return: 0, or a negative errno:
 *   -EOPNOTSUPP  virtualized HV cannot be given (cause: cannot-nest), a requirement is unmet
 *                (requirement-unmet), or a bit that was asked for is not honoured
 *                (cpuid-not-honoured); the message is the finding's text
 *   -EPERM       the host's policy refuses virtualized HV (cause: policy)
 *   -EINVAL      cores_per_socket does not go with the vCPUs
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_guest_cpuid_check(const struct vhv_guest_cpuid *guest);

/**
 * vhv_guest_cpuid_read_back() - compare with what KVM made of it
 * @guest: the object
 * @effective: what KVM_GET_CPUID2 answered
 *
 * Each bit that differs becomes a reason (VHV_SOURCE_READBACK), except for those that are computed
 * at run time; where a mask, setting or profile asked for the bit, also a finding that is an error;
 * where virtualized HV is off by default and yet shown, one that is a warning, or an error if the
 * host's policy refuses it. The table becomes the effective one. To be called once; on failure
 * @guest is as it was.
 *
 * Return: the number of bits that differ, or a negative errno:
 *   -EALREADY  it was read back or measured before
 *   -ENOMEM    no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_guest_cpuid_read_back(struct vhv_guest_cpuid *guest,
                                      const struct vhv_cpuid *effective);

/**
 * vhv_guest_cpuid_measured() - compare with what a guest really reads
 * @guest: the object
 * @measured: what CPUID answers in a guest that was given the table; see vhv_cpuid_measure()
 *
 * Each bit that differs from the table, which is KVM's read-back if there was one, becomes a reason
 * (VHV_SOURCE_MEASURED) and a finding, except for those that are computed at run time. The finding
 * is an error where a mask, setting or profile asked for the bit and a guest reads the other value,
 * and a warning elsewhere. The table becomes the measured one. To be called once, after
 * vhv_guest_cpuid_read_back() if that is called at all; on failure @guest is as it was.
 *
 * Return: the number of bits that differ, or a negative errno:
 *   -EALREADY  it was measured before
 *   -ENOMEM    no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_guest_cpuid_measured(struct vhv_guest_cpuid *guest,
                                     const struct vhv_cpuid *measured);

/**
 * vhv_cpuid_source_name() - a source as a word
 * @source: the source
 *
 * Return: a static string such as "mask"; "unknown" for a value that this version does not know.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const char *vhv_cpuid_source_name(enum vhv_cpuid_source source);

#ifdef __cplusplus
}
#endif

#endif
