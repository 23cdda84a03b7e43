/* SPDX-License-Identifier: MIT */
/* A capture is read whole or refused with a message; what was read is written as JSON and read back
 * the same. The first byte chooses the CPU of a dump. */
#include <errno.h>
#include <libvhv/capture.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void check_refused(int result, const struct vhv_capture *capture)
{
    fuzz_assert(result == -EINVAL || result == -ENOSPC);
    fuzz_assert(vhv_error_message()[0]);
    fuzz_assert(!capture);
}

static void check_same(const struct vhv_capture *a, const struct vhv_capture *b)
{
    size_t a_count, b_count;
    const struct vhv_msr *a_msrs = vhv_capture_msrs(a, &a_count);
    const struct vhv_msr *b_msrs = vhv_capture_msrs(b, &b_count);

    fuzz_assert(strcmp(vhv_capture_name(a), vhv_capture_name(b)) == 0);
    fuzz_assert(vhv_cpuid_compare(vhv_capture_cpuid(a), vhv_capture_cpuid(b), NULL, NULL) == 0);
    fuzz_assert(a_count == b_count);
    for (size_t i = 0; i < a_count; i++)
        fuzz_assert(a_msrs[i].index == b_msrs[i].index && a_msrs[i].value == b_msrs[i].value);
}

static void check_round_trip(const struct vhv_capture *capture)
{
    struct vhv_capture *back = NULL;
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    fuzz_assert(stream);
    fuzz_assert(vhv_capture_print(capture, stream) == 0);
    fclose(stream);
    fuzz_assert(vhv_capture_parse(&back, text, bytes, NULL) == 0);
    check_same(capture, back);
    vhv_capture_free(back);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vhv_capture_options options = {.size = sizeof(options), .name = "host"};
    struct vhv_capture *capture = NULL;
    int result;

    if (size == 0)
        return 0;
    options.cpu = data[0] - '0';
    result = vhv_capture_parse(&capture, (const char *)data + 1, size - 1, &options);
    if (result < 0)
        check_refused(result, capture);
    else
        check_round_trip(capture);
    vhv_capture_free(capture);
    return 0;
}
