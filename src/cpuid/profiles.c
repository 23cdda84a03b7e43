/* SPDX-License-Identifier: MIT */
#include "cpuid/profiles.h"

#include <stddef.h>

#include "cpuid/mask_text.h"

#define PROFILE(guest_os, what) "the profile " guest_os " (" what ") "

/* A hypervisor that has virtualized HV by default. */
#define NESTS(guest_os, what)                                                                     \
    {                                                                                             \
        guest_os, PROFILE(guest_os, what) "has virtualized HV on",                                \
            PROFILE(guest_os, what) "would have virtualized HV on, but the host's policy does "   \
                                    "not allow it",                                               \
            PROFILE(guest_os, what) "would have virtualized HV on, but KVM does not offer it on " \
                                    "this host",                                                  \
            NULL, true                                                                            \
    }

/* A hypervisor that does not start on another one. */
#define HIDES(guest_os, what)                                                             \
    {                                                                                     \
        guest_os, NULL, NULL, NULL, PROFILE(guest_os, what) "hides the hypervisor", false \
    }

#define PLAIN(guest_os)                         \
    {                                           \
        guest_os, NULL, NULL, NULL, NULL, false \
    }

/* The names are VMware's, but for kvm and xen. The first one that fits counts. */
static const struct vhv_profile profiles[] = {
    NESTS("vmkernel", "VMware ESX 4"),
    NESTS("vmkernel5", "VMware ESXi 5"),
    NESTS("vmkernel6", "VMware ESXi 6"),
    NESTS("vmkernel65", "VMware ESXi 6.5"),
    NESTS("vmkernel7", "VMware ESXi 7"),
    NESTS("vmkernel8", "VMware ESXi 8"),
    NESTS("vmkernel9", "VMware ESXi 9"),
    HIDES("winhyperv", "Microsoft Hyper-V"),
    HIDES("windowshyperv", "Microsoft Hyper-V"),
    PLAIN("kvm"),
    PLAIN("xen"),
    PLAIN("almalinux*"),
    PLAIN("amazonlinux*"),
    PLAIN("asianux*"),
    PLAIN("centos*"),
    PLAIN("coreos*"),
    PLAIN("crxpod*"),
    PLAIN("crxsys*"),
    PLAIN("darwin*"),
    PLAIN("debian*"),
    PLAIN("dos"),
    PLAIN("ecomstation*"),
    PLAIN("fedora*"),
    PLAIN("freebsd*"),
    PLAIN("genericlinux*"),
    PLAIN("linux*"),
    PLAIN("longhorn*"),
    PLAIN("mandrake*"),
    PLAIN("mandriva*"),
    PLAIN("netware*"),
    PLAIN("nld9"),
    PLAIN("oes*"),
    PLAIN("openserver*"),
    PLAIN("opensuse*"),
    PLAIN("oraclelinux*"),
    PLAIN("os2*"),
    PLAIN("other*"),
    PLAIN("redhat*"),
    PLAIN("rhel*"),
    PLAIN("rockylinux*"),
    PLAIN("sjds"),
    PLAIN("sles*"),
    PLAIN("solaris*"),
    PLAIN("suse*"),
    PLAIN("turbolinux*"),
    PLAIN("ubuntu*"),
    PLAIN("unixware*"),
    PLAIN("vmware-photon*"),
    PLAIN("vmwarephoton*"),
    PLAIN("win*"),
};

static bool fits(const char *pattern, const char *name)
{
    while (*pattern && *pattern == vhv_ascii_lower(*name)) {
        pattern++;
        name++;
    }
    return *pattern == '*' || (!*pattern && !*name);
}

const struct vhv_profile *vhv_profile_find(const char *guest_os)
{
    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
        if (fits(profiles[i].guest_os, guest_os))
            return &profiles[i];
    }
    return NULL;
}
