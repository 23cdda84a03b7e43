/* SPDX-License-Identifier: MIT */
/*
 * What this host can do: /dev/kvm, its capabilities, the CPUID that it can give, and whether a
 * guest can be a hypervisor, and if not, why not and what to do about it.
 */
#ifndef LIBVHV_HOST_H
#define LIBVHV_HOST_H

#include <libvhv/capture.h>
#include <libvhv/config.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether guests can nest, and what stands in the way. */
enum vhv_nesting {
    VHV_NESTING_YES = 0,
    VHV_NESTING_NO_DEVICE,     /* there is no /dev/kvm and no reason for it is known */
    VHV_NESTING_NO_MODULE,     /* the processor has VMX or SVM, and no vendor module is loaded */
    VHV_NESTING_NO_PERMISSION, /* /dev/kvm may not be opened */
    VHV_NESTING_WRONG_API,     /* KVM_GET_API_VERSION is not 12 */
    VHV_NESTING_NO_VIRTUALIZATION, /* the processor has neither VMX nor SVM; nobody hides it */
    VHV_NESTING_FIRMWARE_OFF,      /* the firmware has switched VMX or SVM off */
    VHV_NESTING_MASKED_BELOW,      /* the hypervisor below us hides VMX or SVM, perhaps by EVC */
    VHV_NESTING_MODULE_OFF,        /* the vendor module was loaded with nested=0 */
    VHV_NESTING_BACKEND,           /* KVM is served by a backend that has no nesting */
    VHV_NESTING_OLD_KERNEL,        /* no KVM_CAP_NESTED_STATE: the kernel is too old */
    VHV_NESTING_NO_FEATURE_MSRS,   /* VMX without readable capability MSRs */
    VHV_NESTING_UNKNOWN            /* a probe failed; see the facts */
};

/* Everything that the verdict rests on. Strings are empty where nothing is known. */
struct vhv_host_facts {
    enum vhv_answer device;     /* the device node exists, and a driver is behind it */
    enum vhv_answer permission; /* it can be opened for reading and writing */
    int open_errno;             /* why not, as a positive errno */
    int api_version;            /* KVM_GET_API_VERSION; 0 = not asked */
    enum vhv_vendor vendor;     /* of the processor */
    enum vhv_answer cpu_has;    /* the processor shows VMX or SVM to us */
    /* IA32_FEATURE_CONTROL or VM_CR has it off, as far as it can be read. */
    enum vhv_answer firmware_off;
    enum vhv_answer kvm_offers;   /* KVM_GET_SUPPORTED_CPUID has VMX or SVM */
    enum vhv_answer nested_state; /* KVM_CAP_NESTED_STATE */
    /* VMX capability MSRs are readable as feature MSRs; VHV_YES on AMD, which needs none. */
    enum vhv_answer feature_msrs;
    enum vhv_answer module_loaded; /* kvm_intel or kvm_amd, loaded or built in */
    enum vhv_answer module_nested; /* its parameter "nested" */
    enum vhv_answer slat;       /* its parameter "ept" or "npt": second-level address translation */
    enum vhv_answer guest_slat; /* KVM offers EPT or NPT to guests */
    char module[16];            /* "kvm_intel" or "kvm_amd", by the processor's vendor */
    char backend[32];           /* another module that is there to serve KVM, such as "kvm_pvm" */
    char hypervisor[16];        /* signature of the hypervisor that we run under, "" if none */
    char kernel[128];           /* release, such as "6.1.0-40-amd64" */
    char failed_probe[256];     /* the first probe that KVM did not answer, and how it failed */
};

/* The verdict, in words. */
struct vhv_verdict {
    enum vhv_nesting nesting;
    char because[512]; /* what stands in the way, as a clause; empty if nothing does */
    char remedy[512];  /* what to do about it, as a clause; empty if nothing is to be done */
    char notes[512];   /* what else matters, such as missing SLAT; may be empty */
};

struct vhv_host_options {
    size_t size;        /* sizeof(struct vhv_host_options) */
    const char *device; /* NULL = "/dev/kvm" */
    const char *sysfs;  /* NULL = "/sys"; where module/kvm_…/parameters is */
    /* The file of the host's policy, which must be there; "": there is none; NULL: the system's and
     * over it the user's, as far as they are there; see vhv.vmx(5). */
    const char *policy;
};

/* A host that was probed; holds the open device, if it could be opened. Immutable once made. */
struct vhv_host;

/**
 * vhv_host_new() - probe the host
 * @ret: the host, on success
 * @options: NULL = defaults
 *
 * That there is no /dev/kvm, or that it may not be used, is a fact about the host and not a failure
 * of this call. A policy that cannot be read is a failure.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  the options are malformed, or the host's policy is (cause: syntax)
 *   -ENOMEM  no memory
 *   -ENOSPC  the processor or KVM has more than VHV_CPUID_MAX_ENTRIES CPUID leaves and subleaves
 *   -ENOENT, -EACCES, -EISDIR, -EIO …  the host's policy cannot be read
 *
 * Thread: any. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_CHECK_EXTENSION], [KVM-API KVM_GET_SUPPORTED_CPUID], [KVM-API
 * KVM_GET_MSR_FEATURE_INDEX_LIST].
 */
VHV_API int vhv_host_new(struct vhv_host **ret, const struct vhv_host_options *options);

/**
 * vhv_host_free() - close the device and free the host
 * @host: the host; NULL is fine. VMs made from it stay usable.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_host_free(struct vhv_host *host);

/**
 * vhv_host_facts() - what was found
 * @host: the host
 *
 * Return: the facts, valid as long as @host.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_host_facts *vhv_host_facts(const struct vhv_host *host);

/**
 * vhv_host_verdict() - whether guests can nest here
 * @host: the host
 *
 * Return: the verdict, valid as long as @host.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_verdict *vhv_host_verdict(const struct vhv_host *host);

/**
 * vhv_host_judge() - the verdict on facts from elsewhere
 * @facts: what was found, on this host or another
 * @verdict: filled in
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_host_judge(const struct vhv_host_facts *facts, struct vhv_verdict *verdict);

/**
 * vhv_host_print() - write facts and verdict
 * @host: the host
 * @stream: where to
 * @json: as a JSON object; else as text
 *
 * Return: 0, or a negative errno:
 *   -EIO     the stream has an error
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_host_print(const struct vhv_host *host, FILE *stream, bool json);

/**
 * vhv_host_processor() - the processor's CPUID as we see it
 * @host: the host
 *
 * Return: the table, valid as long as @host.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_cpuid *vhv_host_processor(const struct vhv_host *host);

/**
 * vhv_host_supported() - the CPUID that KVM can give to guests
 * @host: the host
 *
 * Return: the table, valid as long as @host; NULL if KVM could not be asked.
 *
 * Thread: any. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_GET_SUPPORTED_CPUID].
 */
VHV_API const struct vhv_cpuid *vhv_host_supported(const struct vhv_host *host);

/**
 * vhv_host_policy() - the host's policy
 * @host: the host
 *
 * VMs of @host obey it. For a guest's CPUID without a VM there is vhv_config_set_policy().
 *
 * Return: the policy, valid as long as @host; it has nothing in it if there is none.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const struct vhv_config *vhv_host_policy(const struct vhv_host *host);

/**
 * vhv_host_cpuid() - what a host says of its guests' CPUID
 * @host: the host
 * @options: with its size set; its members processor, tsc_deadline, why_not_nested, vhv_allow and
 * nested_paging_offered are filled in; the others are left alone. What they point to belongs to
 * @host and is valid as long as it.
 *
 * With vhv_config_cpuid() it gives all that vhv_guest_cpuid_new() needs beside
 * vhv_host_supported() and what the program knows of its VM.
 *
 * Thread: any. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_CHECK_EXTENSION].
 */
VHV_API void vhv_host_cpuid(const struct vhv_host *host, struct vhv_guest_cpuid_options *options);

/**
 * vhv_host_feature_msr() - a feature MSR as KVM would give it to guests
 * @host: the host
 * @index: the MSR, such as 480h for IA32_VMX_BASIC
 * @value: filled in if the answer is VHV_YES
 *
 * Return: VHV_YES; VHV_NO if KVM does not list it, or lists it and does not let it be read;
 * VHV_UNKNOWN if KVM could not be asked.
 *
 * Thread: any. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_GET_MSR_FEATURE_INDEX_LIST].
 */
VHV_API enum vhv_answer vhv_host_feature_msr(const struct vhv_host *host, uint32_t index,
                                             uint64_t *value);

/**
 * vhv_host_capture() - put down what this host can give to guests
 * @ret: the capture, on success; free it with vhv_capture_free()
 * @host: the host
 * @name: its name for people
 *
 * What vhv_host_supported() and, for the VMX capability MSRs, vhv_host_feature_msr() tell.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  not such a name
 *   -ENODEV  KVM could not be asked (cause: no-kvm)
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_host_capture(struct vhv_capture **ret, const struct vhv_host *host,
                             const char *name);

/**
 * vhv_host_capability() - ask KVM for a capability
 * @host: the host
 * @capability: KVM_CAP_… of <linux/kvm.h>
 * @value: filled in with KVM's answer if the answer is VHV_YES; may be NULL
 *
 * Return: VHV_YES; VHV_NO if KVM answers 0; VHV_UNKNOWN if KVM could not be asked.
 *
 * Thread: any. Stage: any. Since: 0.1.
 * Source: [KVM-API KVM_CHECK_EXTENSION].
 */
VHV_API enum vhv_answer vhv_host_capability(const struct vhv_host *host, unsigned long capability,
                                            int *value);

/**
 * vhv_nesting_name() - a verdict as a word
 * @nesting: the verdict
 *
 * Return: a static string such as "module-off"; "unknown" for a value that this version does not
 * know.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const char *vhv_nesting_name(enum vhv_nesting nesting);

#ifdef __cplusplus
}
#endif

#endif
