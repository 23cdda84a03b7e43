/* SPDX-License-Identifier: MIT */
/* Converting in tests, with what is lost. */
#ifndef VHV_TESTS_CONVERT_H
#define VHV_TESTS_CONVERT_H

#include <errno.h>
#include <libvhv/convert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmocka.h"

/* Losses, a line each: "file:line: key: what". */
struct losses {
    char text[4096];
    size_t bytes;
};

static inline int record_loss(const struct vhv_config_warning *loss, void *cookie)
{
    struct losses *losses = cookie;

    assert_true(loss->what && loss->why && loss->remedy);
    losses->bytes +=
        (size_t)snprintf(losses->text + losses->bytes, sizeof(losses->text) - losses->bytes,
                         "%s:%u: %s: %s\n", loss->origin.file ? loss->origin.file : "-",
                         loss->origin.line, loss->origin.key ? loss->origin.key : "-", loss->what);
    return 0;
}

static inline struct vhv_config *import_with(enum vhv_convert_form form, const char *text,
                                             struct losses *losses)
{
    struct vhv_config *config = NULL;

    *losses = (struct losses){.bytes = 0};
    if (vhv_config_import(&config, form, text, strlen(text), "test", record_loss, losses) < 0)
        fail_msg("%s", vhv_error_message());
    return config;
}

/* To be freed. */
static inline char *written(const struct vhv_config *config)
{
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);

    assert_non_null(stream);
    assert_int_equal(vhv_config_write(config, stream), 0);
    fclose(stream);
    return text;
}

/* @lost: what record_loss() makes of all losses. */
static inline void assert_imported(enum vhv_convert_form form, const char *text, const char *vmx,
                                   const char *lost)
{
    struct losses losses;
    struct vhv_config *config = import_with(form, text, &losses);
    char *masks = written(config);

    assert_string_equal(masks, vmx);
    assert_string_equal(losses.text, lost);
    free(masks);
    vhv_config_free(config);
}

static inline void assert_import_refused(enum vhv_convert_form form, const char *text,
                                         const char *says)
{
    struct vhv_config *config = NULL;

    assert_fails(vhv_config_import(&config, form, text, strlen(text), "test", NULL, NULL), EINVAL,
                 says);
    assert_int_equal(strncmp(vhv_error_message(), "test: ", 6), 0);
    assert_int_equal(vhv_error_cause(), VHV_CAUSE_SYNTAX);
    assert_null(config);
}

static inline struct vhv_config *parse_vmx(const char *text)
{
    struct vhv_config *config = NULL;

    if (vhv_config_parse(&config, text, strlen(text), "test.vmx") < 0)
        fail_msg("%s", vhv_error_message());
    return config;
}

/* To be freed. */
static inline char *exported(const struct vhv_config *config, enum vhv_convert_form form,
                             enum vhv_vendor vendor, struct losses *losses)
{
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);

    assert_non_null(stream);
    *losses = (struct losses){.bytes = 0};
    if (vhv_config_export(config, form, vendor, stream, record_loss, losses) < 0)
        fail_msg("%s", vhv_error_message());
    fclose(stream);
    return text;
}

static inline void assert_exported(const char *vmx, enum vhv_convert_form form,
                                   enum vhv_vendor vendor, const char *expected, const char *lost)
{
    struct vhv_config *config = parse_vmx(vmx);
    struct losses losses;
    char *text = exported(config, form, vendor, &losses);

    assert_string_equal(text, expected);
    assert_string_equal(losses.text, lost);
    free(text);
    vhv_config_free(config);
}

#endif
