/* SPDX-License-Identifier: MIT */
/*
 * A file is read whole or refused with its line in the message. What was read is written,
 * also as JSON, and read back the same; a copy is the same; a line that is refused changes
 * nothing.
 */
#include <errno.h>

#include "fuzz_config.h"

static int pass(const struct vhv_config_warning *warning, void *cookie)
{
    (void)cookie;
    fuzz_assert(warning->origin.key && warning->what && warning->why && warning->remedy);
    return 0;
}

static void check_taken(const struct vhv_config *config)
{
    struct vhv_config *copy = NULL;

    check_round_trips(config);
    fuzz_assert(vhv_config_copy(&copy, config) == 0);
    check_same(config, copy);
    fuzz_assert(vhv_config_lint(config, pass, NULL) >= 0);
    vhv_config_free(copy);
}

static void check_set_line(const char *line)
{
    static const char start[] = "numvcpus = \"2\" # two\na = \"b\"\n";
    struct vhv_config *config = NULL, *before = NULL;

    fuzz_assert(vhv_config_parse(&config, start, strlen(start), "start") == 0);
    fuzz_assert(vhv_config_copy(&before, config) == 0);
    if (vhv_config_set_line(config, line) < 0) {
        fuzz_assert(vhv_error_cause() == VHV_CAUSE_SYNTAX);
        check_same(config, before);
    } else {
        check_taken(config);
    }
    vhv_config_free(before);
    vhv_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vhv_config *config = NULL;
    int result = vhv_config_parse(&config, (const char *)data, size, "fuzz");
    char *line = malloc(size + 1);

    if (result < 0) {
        fuzz_assert(result == -EINVAL && !config);
        fuzz_assert(strncmp(vhv_error_message(), "fuzz:", 5) == 0);
    } else {
        check_taken(config);
    }
    vhv_config_free(config);
    fuzz_assert(line);
    memcpy(line, data, size);
    line[size] = 0;
    check_set_line(line);
    free(line);
    return 0;
}
