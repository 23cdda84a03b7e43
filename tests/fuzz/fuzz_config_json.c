/* SPDX-License-Identifier: MIT */
/* JSON is read whole or refused with its file in the message. What was read is written, as JSON and
 * as a .vmx file, and read back the same. */
#include <errno.h>

#include "fuzz_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vhv_config *config = NULL;
    int result = vhv_config_parse_json(&config, (const char *)data, size, "fuzz");

    if (result < 0) {
        fuzz_assert(result == -EINVAL && !config);
        fuzz_assert(vhv_error_cause() == VHV_CAUSE_SYNTAX);
        fuzz_assert(strncmp(vhv_error_message(), "fuzz: ", 6) == 0);
    } else {
        check_round_trips(config);
    }
    vhv_config_free(config);
    return 0;
}
