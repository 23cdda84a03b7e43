/* SPDX-License-Identifier: MIT */
/*
 * How each of VMware's products has virtualized HV turned on, as its documentation writes it into
 * the machine's .vmx file and the host's /etc/vmware/config; and what it refuses. The rows depend
 * on neither a host nor a test: whoever makes a VM of one adds its own numvcpus and memsize.
 */
#ifndef VHV_TESTS_PRODUCTS_H
#define VHV_TESTS_PRODUCTS_H

#include <libvhv/base.h>

enum product_outcome {
    PRODUCT_NESTS,  /* powered on, with virtualized HV */
    PRODUCT_PLAIN,  /* powered on, without */
    PRODUCT_REFUSES /* not powered on */
};

struct product_way {
    const char *product;
    const char *way;
    const char *policy; /* of the host */
    const char *vmx;
    enum product_outcome outcome;
    bool hides_hypervisor; /* of a machine that is powered on */
    const char *warning;   /* what vhv_config_lint() says, in part; NULL: nothing */
    enum vhv_cause cause;  /* of a refusal */
    const char *message;   /* of a refusal, in part */
};

#define ALLOW  "vhv.allow = \"TRUE\"\n"
#define FORBID "# not on this host\nvhv.allow = \"FALSE\"\n"

#define HARDWARE(version) "virtualHW.version = \"" version "\"\n"
#define GUEST(name)       "guestOS = \"" name "\"\n"
#define ENABLE            "vhv.enable = \"TRUE\"\n"
#define HIDE              "hypervisor.cpuid.v0 = \"FALSE\"\n"

#define FIVE_MASKS                                                         \
    "cpuid.1.ecx=\"----:----:----:----:----:----:--h-:----\"\n"            \
    "cpuid.80000001.ecx.amd=\"----:----:----:----:----:----:----:-h--\"\n" \
    "cpuid.8000000a.eax.amd=\"hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh\"\n" \
    "cpuid.8000000a.ebx.amd=\"hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh\"\n" \
    "cpuid.8000000a.edx.amd=\"hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh\"\n"

#define NESTS(product, way, policy, vmx)                                            \
    {                                                                               \
        product, way, policy, vmx, PRODUCT_NESTS, false, NULL, VHV_CAUSE_NONE, NULL \
    }
#define NESTS_UNSEEN(product, way, policy, vmx)                                    \
    {                                                                              \
        product, way, policy, vmx, PRODUCT_NESTS, true, NULL, VHV_CAUSE_NONE, NULL \
    }

#define NOT_PORTABLE "virtualized HV on hardware version 8"
#define NESTS_8(product, way, policy, vmx)                                           \
    {                                                                                \
        product, way, policy, HARDWARE("8") vmx, PRODUCT_NESTS, false, NOT_PORTABLE, \
            VHV_CAUSE_NONE, NULL                                                     \
    }
#define NESTS_8_UNSEEN(product, way, policy, vmx)                                   \
    {                                                                               \
        product, way, policy, HARDWARE("8") vmx, PRODUCT_NESTS, true, NOT_PORTABLE, \
            VHV_CAUSE_NONE, NULL                                                    \
    }

#define REFUSES_7(product, way, policy, vmx)                                   \
    {                                                                          \
        product, way, policy, HARDWARE("7") vmx, PRODUCT_REFUSES, false,       \
            "a hardware version that does not have it", VHV_CAUSE_CANNOT_NEST, \
            "virtualHW.version is 7, which has no virtualized HV"              \
    }
#define REFUSES_FORBIDDEN(product, way, vmx, warning)                                 \
    {                                                                                 \
        product, way, FORBID, vmx, PRODUCT_REFUSES, false, warning, VHV_CAUSE_POLICY, \
            ":2: vhv.allow is FALSE"                                                  \
    }

static const struct product_way product_ways[] = {
    /* The administrator allows it on the host; ESX has it by default, others by masks. */
    NESTS_8("ESXi 5.0", "ESX 4", ALLOW, GUEST("vmkernel")),
    NESTS_8("ESXi 5.0", "ESXi 5", ALLOW, GUEST("vmkernel5")),
    NESTS_8("ESXi 5.0", "five masks", ALLOW, GUEST("otherlinux-64") FIVE_MASKS),
    NESTS_8_UNSEEN("ESXi 5.0", "five masks, type Hyper-V", ALLOW, GUEST("winhyperv") FIVE_MASKS),
    NESTS_8_UNSEEN("ESXi 5.0", "five masks, Hyper-V in Windows", ALLOW,
                   GUEST("windows7srv-64") FIVE_MASKS HIDE),
    REFUSES_7("ESXi 5.0", "five masks", ALLOW, FIVE_MASKS),
    {"ESXi 5.0", "ESXi 5", ALLOW, HARDWARE("7") GUEST("vmkernel5"), PRODUCT_PLAIN, false, NULL,
     VHV_CAUSE_NONE, NULL},
    REFUSES_FORBIDDEN("ESXi 5.0", "five masks", HARDWARE("8") FIVE_MASKS, NOT_PORTABLE),
    {"ESXi 5.0", "ESXi 5", FORBID, HARDWARE("8") GUEST("vmkernel5"), PRODUCT_PLAIN, false,
     NOT_PORTABLE, VHV_CAUSE_NONE, NULL},
    /* There it is refused where nobody allows it; here it is not. */
    NESTS_8("ESXi 5.0", "five masks, nothing said", "", FIVE_MASKS),

    /* "Expose hardware-assisted virtualization to the guest operating system" */
    NESTS("ESXi 5.1", "web client", "", HARDWARE("9") ENABLE),
    NESTS("ESXi 5.1", "web client, ESXi 5", "", HARDWARE("9") GUEST("vmkernel5") ENABLE),
    NESTS_UNSEEN("ESXi 5.1", "web client, type Hyper-V", "",
                 HARDWARE("9") GUEST("winhyperv") ENABLE),
    NESTS_8("ESXi 5.1", "a machine of ESXi 5.0", ALLOW, GUEST("vmkernel5")),
    NESTS_8("ESXi 5.1", "vhv.enable", "", ENABLE),
    {"ESXi 5.1", "ESXi 5 that nobody exposes it to", ALLOW, HARDWARE("9") GUEST("vmkernel5"),
     PRODUCT_PLAIN, false, NULL, VHV_CAUSE_NONE, NULL},
    REFUSES_7("ESXi 5.1", "web client", "", ENABLE),
    REFUSES_FORBIDDEN("ESXi 5.1", "web client", HARDWARE("9") ENABLE, NULL),

    NESTS("ESXi 5.5", "web client", "", HARDWARE("9") ENABLE),
    NESTS("ESXi 5.5", "web client", "", HARDWARE("10") GUEST("vmkernel5") ENABLE),
    NESTS_UNSEEN("ESXi 5.5", "web client, Hyper-V in Windows", "",
                 HARDWARE("10") GUEST("windows8srv-64") ENABLE HIDE),
    REFUSES_7("ESXi 5.5", "web client", "", ENABLE),
    REFUSES_FORBIDDEN("ESXi 5.5", "web client", HARDWARE("10") ENABLE, NULL),

    NESTS("ESXi 6.0", "web client", "", HARDWARE("9") ENABLE),
    NESTS("ESXi 6.0", "web client", "", HARDWARE("11") GUEST("vmkernel6") ENABLE),
    NESTS_UNSEEN("ESXi 6.0", "web client, Hyper-V in Windows", "",
                 HARDWARE("11") GUEST("windows9srv-64") ENABLE HIDE),
    REFUSES_7("ESXi 6.0", "web client", "", ENABLE),
    REFUSES_FORBIDDEN("ESXi 6.0", "web client", HARDWARE("11") ENABLE, NULL),

    /* "Virtualize Intel VT-x/EPT or AMD-V/RVI" */
    NESTS_8("Workstation 8", "processor settings", "", GUEST("vmkernel5") ENABLE),
    NESTS_8_UNSEEN("Workstation 8", "processor settings, type Hyper-V", "",
                   GUEST("winhyperv") ENABLE),
    REFUSES_7("Workstation 8", "processor settings", "", ENABLE),
    NESTS("Workstation 9", "processor settings", "", HARDWARE("9") ENABLE),
    NESTS_8("Workstation 9", "processor settings", "", ENABLE),
    REFUSES_7("Workstation 9", "processor settings", "", ENABLE),
    NESTS("Workstation 10", "processor settings", "", HARDWARE("10") ENABLE),
    REFUSES_7("Workstation 10", "processor settings", "", ENABLE),
    NESTS("Workstation 11", "processor settings", "", HARDWARE("11") ENABLE),
    REFUSES_7("Workstation 11", "processor settings", "", ENABLE),

    NESTS_8("Player 4", "processor settings", "", GUEST("vmkernel5") ENABLE),
    REFUSES_7("Player 4", "processor settings", "", ENABLE),
    NESTS("Player 5", "processor settings", "", HARDWARE("9") ENABLE),
    REFUSES_7("Player 5", "processor settings", "", ENABLE),
    NESTS("Player 6", "processor settings", "", HARDWARE("10") ENABLE),
    REFUSES_7("Player 6", "processor settings", "", ENABLE),
    NESTS("Player 7", "processor settings", "", HARDWARE("11") ENABLE),
    REFUSES_7("Player 7", "processor settings", "", ENABLE),

    NESTS_8("Fusion 4", "processor settings", "", GUEST("vmkernel5") ENABLE),
    REFUSES_7("Fusion 4", "processor settings", "", ENABLE),
    NESTS("Fusion 5", "processor settings", "", HARDWARE("9") ENABLE),
    REFUSES_7("Fusion 5", "processor settings", "", ENABLE),
    NESTS("Fusion 6", "processor settings", "", HARDWARE("10") ENABLE),
    REFUSES_7("Fusion 6", "processor settings", "", ENABLE),
    NESTS("Fusion 7", "processor settings", "", HARDWARE("11") ENABLE),
    REFUSES_7("Fusion 7", "processor settings", "", ENABLE),
};

enum { PRODUCT_WAYS = sizeof(product_ways) / sizeof(product_ways[0]) };

#undef ALLOW
#undef FORBID
#undef HARDWARE
#undef GUEST
#undef ENABLE
#undef HIDE
#undef FIVE_MASKS
#undef NESTS
#undef NESTS_UNSEEN
#undef NOT_PORTABLE
#undef NESTS_8
#undef NESTS_8_UNSEEN
#undef REFUSES_7
#undef REFUSES_FORBIDDEN

#endif
