/* SPDX-License-Identifier: MIT */
/* A table is read whole or refused with a message; what was read is written and read back the
 * same. */
#include <errno.h>
#include <libvhv/cpuid.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

static void check_refused(int result, const struct vhv_cpuid *cpuid)
{
    fuzz_assert(result == -EINVAL || result == -ENOSPC);
    fuzz_assert(vhv_error_message()[0]);
    fuzz_assert(!cpuid);
}

static void check_round_trip(const struct vhv_cpuid *cpuid)
{
    struct vhv_cpuid *back = NULL;
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    fuzz_assert(stream);
    fuzz_assert(vhv_cpuid_print(cpuid, stream, VHV_CPUID_JSON) == 0);
    fclose(stream);
    fuzz_assert(vhv_cpuid_parse_json(&back, text, bytes) == 0);
    fuzz_assert(vhv_cpuid_count(back) == vhv_cpuid_count(cpuid));
    fuzz_assert(vhv_cpuid_compare(back, cpuid, NULL, NULL) == 0);
    vhv_cpuid_free(back);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vhv_cpuid *cpuid = NULL;
    int result = vhv_cpuid_parse_json(&cpuid, (const char *)data, size);

    if (result < 0)
        check_refused(result, cpuid);
    else
        check_round_trip(cpuid);
    vhv_cpuid_free(cpuid);
    return 0;
}
