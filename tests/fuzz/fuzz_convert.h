/* SPDX-License-Identifier: MIT */
/*
 * Words of another system are read whole or refused with a message. What was read is a
 * configuration like any other, and its export says the same again when it is read.
 */
#ifndef VHV_TESTS_FUZZ_CONVERT_H
#define VHV_TESTS_FUZZ_CONVERT_H

#include <errno.h>
#include <libvhv/convert.h>

#include "fuzz_config.h"

static inline int check_loss(const struct vhv_config_warning *loss, void *cookie)
{
    (*(int *)cookie)++;
    fuzz_assert(loss->what && loss->why && loss->remedy);
    return 0;
}

/* To be freed. */
static inline char *exported(const struct vhv_config *config, enum vhv_convert_form form,
                             enum vhv_vendor vendor, size_t *bytes)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, bytes);
    int losses = 0;

    fuzz_assert(stream);
    fuzz_assert(vhv_config_export(config, form, vendor, stream, check_loss, &losses) == losses);
    fclose(stream);
    return text;
}

/* What the form makes of its own words; to be freed. */
static inline char *rewritten(const char *text, size_t bytes, enum vhv_convert_form form,
                              enum vhv_vendor vendor, size_t *rewritten_bytes)
{
    struct vhv_config *config = NULL;
    char *again;

    fuzz_assert(vhv_config_import(&config, form, text, bytes, "exported", NULL, NULL) >= 0);
    again = exported(config, form, vendor, rewritten_bytes);
    vhv_config_free(config);
    return again;
}

/* A requirement is written as a wish, which is left out where no host can have it: after that, the
 * words stay the same. */
static inline void check_export(const struct vhv_config *config, enum vhv_convert_form form,
                                enum vhv_vendor vendor)
{
    size_t bytes, second_bytes, third_bytes;
    char *text = exported(config, form, vendor, &bytes);
    char *second = rewritten(text, bytes, form, vendor, &second_bytes);
    char *third = rewritten(second, second_bytes, form, vendor, &third_bytes);

    fuzz_assert(second_bytes == third_bytes && memcmp(second, third, second_bytes) == 0);
    free(third);
    free(second);
    free(text);
}

static inline void check_import(enum vhv_convert_form form, const uint8_t *data, size_t size)
{
    struct vhv_config *config = NULL;
    int losses = 0;
    int result =
        vhv_config_import(&config, form, (const char *)data, size, "fuzz", check_loss, &losses);

    if (result < 0) {
        fuzz_assert(result == -EINVAL && !config);
        fuzz_assert(vhv_error_cause() == VHV_CAUSE_SYNTAX);
        fuzz_assert(strncmp(vhv_error_message(), "fuzz: ", 6) == 0);
        return;
    }
    fuzz_assert(result == losses);
    check_round_trips(config);
    for (unsigned to = VHV_CONVERT_FIRECRACKER; to <= VHV_CONVERT_XEN_REGISTERS; to++) {
        check_export(config, (enum vhv_convert_form)to, VHV_VENDOR_ANY);
        check_export(config, (enum vhv_convert_form)to, VHV_VENDOR_AMD);
        check_export(config, (enum vhv_convert_form)to, VHV_VENDOR_INTEL);
    }
    vhv_config_free(config);
}

#endif
