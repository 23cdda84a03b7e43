/* SPDX-License-Identifier: MIT */
/* See fuzz_convert.h. */
#include "fuzz_convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_import(VHV_CONVERT_FIRECRACKER, data, size);
    return 0;
}
