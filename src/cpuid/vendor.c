/* SPDX-License-Identifier: MIT */
#include "cpuid/vendor.h"

bool vhv_cpuid_same_vendor(const struct vhv_cpuid *a, const struct vhv_cpuid *b)
{
    for (enum vhv_cpuid_reg reg = VHV_EBX; reg <= VHV_EDX; reg++) {
        if (vhv_cpuid_get(a, 0, 0, reg) != vhv_cpuid_get(b, 0, 0, reg))
            return false;
    }
    return true;
}

void vhv_cpuid_vendor_text(const struct vhv_cpuid *cpuid, char text[VHV_VENDOR_BYTES])
{
    static const enum vhv_cpuid_reg order[] = {VHV_EBX, VHV_EDX, VHV_ECX};

    for (size_t i = 0; i < VHV_VENDOR_BYTES - 1; i++) {
        char c = (char)(vhv_cpuid_get(cpuid, 0, 0, order[i / 4]) >> 8 * (i % 4));

        text[i] = c;
        if (c < ' ' || c > '~')
            text[i] = '?';
    }
    text[VHV_VENDOR_BYTES - 1] = '\0';
}
