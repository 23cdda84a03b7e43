/* SPDX-License-Identifier: MIT */
#include <libvhv/base.h>

#define TEXT(x)  #x
#define VALUE(x) TEXT(x)

const char *vhv_version(void)
{
    return VALUE(VHV_VERSION_MAJOR) "." VALUE(VHV_VERSION_MINOR) "." VALUE(VHV_VERSION_PATCH);
}
