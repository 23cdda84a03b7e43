/* SPDX-License-Identifier: MIT */
#include "host/remedy.h"

#include <stdio.h>
#include <string.h>

/* How each hypervisor is told to show virtualization to its guest, by its signature in CPUID leaf
 * 4000_0000h. */
static const struct {
    const char *signature;
    const char *expose;
} hypervisors[] = {
    {"KVMKVMKVM", "on the machine below, load kvm_intel or kvm_amd with nested=1 and give this VM "
                  "the host's processor (QEMU: -cpu host; libvirt: cpu mode='host-passthrough')"},
    {"VMwareVMware", "on the machine below, power this VM off and set vhv.enable = \"TRUE\" in its "
                     ".vmx file (vSphere: 'Expose hardware assisted virtualization to the guest "
                     "OS'); if it is set, see that the cluster's EVC mode does not hide "
                     "{extension}"},
    {"Microsoft Hv", "on the machine below, with this VM off, run 'Set-VMProcessor -VMName NAME "
                     "-ExposeVirtualizationExtensions $true'; in a cloud, choose a size of VM "
                     "that allows nesting"},
    {"XenVMMXenVMM", "on the machine below, set nestedhvm = 1 in this domain's configuration"},
    {"VBoxVBoxVBox", "on the machine below, with this VM off, run 'VBoxManage modifyvm NAME "
                     "--nested-hw-virt on'"},
    {"TCGTCGTCGTCG", "start QEMU with an emulated processor that has SVM, such as -cpu max, or "
                     "with KVM"},
};

static const char *extension(const struct vhv_host_facts *facts)
{
    switch (facts->vendor) {
    case VHV_VENDOR_INTEL:
        return "VMX";
    case VHV_VENDOR_AMD:
        return "SVM";
    default:
        return "VMX or SVM";
    }
}

static const char *firmware_switch(const struct vhv_host_facts *facts)
{
    return facts->vendor == VHV_VENDOR_INTEL ? "Intel Virtualization Technology (VT-x)"
                                             : "SVM Mode (AMD-V)";
}

static const char *slat(const struct vhv_host_facts *facts)
{
    return facts->vendor == VHV_VENDOR_INTEL ? "ept" : "npt";
}

static const char *module(const struct vhv_host_facts *facts)
{
    return facts->module[0] ? facts->module : "kvm_intel or kvm_amd";
}

static const char *backend(const struct vhv_host_facts *facts)
{
    return facts->backend[0] ? facts->backend : "an unknown backend";
}

static const char *hypervisor(const struct vhv_host_facts *facts)
{
    return facts->hypervisor;
}

static const char *lack(const struct vhv_host_facts *facts)
{
    return facts->hypervisor[0]
               ? "the hypervisor below ({hypervisor}) does not show {extension} to this machine"
               : "the processor has no {extension}";
}

static const char *expose(const struct vhv_host_facts *facts)
{
    if (!facts->hypervisor[0])
        return "use a machine whose processor has VT-x or AMD-V";
    for (size_t i = 0; i < sizeof(hypervisors) / sizeof(hypervisors[0]); i++) {
        const char *signature = hypervisors[i].signature;

        if (strncmp(facts->hypervisor, signature, strlen(signature)) == 0)
            return hypervisors[i].expose;
    }
    return "have {hypervisor} show {extension} to this machine";
}

static const char *kernel(const struct vhv_host_facts *facts)
{
    return facts->kernel[0] ? facts->kernel : "this one";
}

static const char *open_error(const struct vhv_host_facts *facts)
{
    const char *text = strerrordesc_np(facts->open_errno);

    return text ? text : "unknown error";
}

static const char *probe(const struct vhv_host_facts *facts)
{
    return facts->failed_probe[0] ? facts->failed_probe : "the facts do not say which question";
}

struct name {
    const char *name;
    const char *(*value)(const struct vhv_host_facts *facts);
    bool has_names; /* in its value; facts are taken as they are */
};

static const struct name *find_name(const char *text, size_t length)
{
    static const struct name names[] = {
        {"backend", backend, false},
        {"errno", open_error, false},
        {"expose", expose, true},
        {"extension", extension, false},
        {"hypervisor", hypervisor, false},
        {"kernel", kernel, false},
        {"lack", lack, true},
        {"module", module, false},
        {"probe", probe, false},
        {"slat", slat, false},
        {"switch", firmware_switch, false},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i].name) == length && memcmp(names[i].name, text, length) == 0)
            return &names[i];
    }
    return NULL;
}

void vhv_host_expand(char *ret, size_t bytes, const char *text, const struct vhv_host_facts *facts)
{
    size_t used = 0;

    while (*text && used + 1 < bytes) {
        size_t length = strcspn(text, "}");
        const struct name *name = *text == '{' ? find_name(text + 1, length - 1) : NULL;

        if (!name) {
            ret[used++] = *text++;
            continue;
        }
        if (name->has_names)
            vhv_host_expand(ret + used, bytes - used, name->value(facts), facts);
        else
            snprintf(ret + used, bytes - used, "%s", name->value(facts));
        used += strlen(ret + used);
        text += length + 1;
    }
    ret[used] = 0;
}
