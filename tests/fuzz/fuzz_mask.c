/* SPDX-License-Identifier: MIT */
/* A text is a mask, a key, or refused with a message; what was read is written and read back the
 * same. */
#include <errno.h>
#include <libvhv/mask.h>
#include <string.h>

#include "fuzz.h"

static void check_refused(int result, const char *says)
{
    fuzz_assert(result == -EINVAL);
    fuzz_assert(vhv_error_cause() == VHV_CAUSE_SYNTAX);
    fuzz_assert(strncmp(vhv_error_message(), says, strlen(says)) == 0);
}

static void check_mask(const char *text)
{
    char written[VHV_MASK_TEXT_BYTES];
    struct vhv_mask mask, back;
    int result = vhv_mask_parse(&mask, text);

    if (result < 0) {
        check_refused(result, "column ");
        fuzz_assert(strlen(vhv_error_message()) < VHV_ERROR_MESSAGE_BYTES - 1);
        return;
    }
    vhv_mask_format(&mask, written);
    fuzz_assert(strlen(written) == VHV_MASK_TEXT_BYTES - 1);
    fuzz_assert(vhv_mask_parse(&back, written) == 0);
    fuzz_assert(memcmp(&mask, &back, sizeof(mask)) == 0);
}

static void check_key(const char *text)
{
    char written[VHV_MASK_KEY_TEXT_BYTES], again[VHV_MASK_KEY_TEXT_BYTES];
    struct vhv_mask_key key, back;
    int result = vhv_mask_key_parse(&key, text);

    if (result < 0) {
        check_refused(result, "key \"");
        return;
    }
    vhv_mask_key_format(&key, written);
    fuzz_assert(vhv_mask_key_parse(&back, written) == 0);
    vhv_mask_key_format(&back, again);
    fuzz_assert(strcmp(written, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    fuzz_assert(text);
    memcpy(text, data, size);
    text[size] = 0;
    check_mask(text);
    check_key(text);
    free(text);
    return 0;
}
