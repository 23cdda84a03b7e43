/* SPDX-License-Identifier: MIT */
/* The forms, and what is common to reading and writing all of them. */
#include "config/convert.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static const struct form {
    const char *name;
    int (*import)(struct vhv_import *import);
    int (*export)(struct vhv_export *export);
} forms[] = {
    [VHV_CONVERT_FIRECRACKER] = {"Firecracker", vhv_firecracker_import, vhv_firecracker_export},
    [VHV_CONVERT_QEMU] = {"QEMU", vhv_qemu_import, vhv_qemu_export},
    [VHV_CONVERT_XEN] = {"Xen", vhv_xen_import, vhv_xen_export},
    [VHV_CONVERT_XEN_REGISTERS] = {"Xen", vhv_xen_import, vhv_xen_export_registers},
};

static const struct form *find_form(enum vhv_convert_form form)
{
    if ((size_t)form < sizeof(forms) / sizeof(forms[0]))
        return &forms[form];
    vhv_fail(EINVAL, VHV_CAUSE_NONE, "%d is not a form to convert from or to", form);
    return NULL;
}

int vhv_lose(struct vhv_losses *losses, const struct vhv_config_warning *loss)
{
    losses->count++;
    if (losses->loss && losses->loss(loss, losses->cookie) != 0)
        return vhv_fail(ECANCELED, VHV_CAUSE_NONE, "stopped at a loss: %s", loss->what);
    return 0;
}

static int import_text(struct vhv_config **ret, struct vhv_import *import, const struct form *form)
{
    int result = form->import(import);

    if (result >= 0)
        result = vhv_import_finish(ret, import);
    return result < 0 ? vhv_fail_within(result, "%s", import->name) : import->losses.count;
}

int vhv_config_import(struct vhv_config **ret, enum vhv_convert_form form, const char *text,
                      size_t bytes, const char *name, vhv_config_warning_fn loss, void *cookie)
{
    struct vhv_import import = {.name = name, .losses = {.loss = loss, .cookie = cookie}};
    const struct form *found = find_form(form);
    char *copy;
    int result;

    if (!found)
        return -EINVAL;
    if (bytes > VHV_CONFIG_MAX_BYTES)
        return vhv_fail(EFBIG, VHV_CAUSE_NONE, "%s: longer than %d bytes", name,
                        VHV_CONFIG_MAX_BYTES);
    if (memchr(text, 0, bytes))
        return vhv_fail(EINVAL, VHV_CAUSE_SYNTAX, "%s: a NUL byte: this is not text", name);
    copy = malloc(bytes + 1);
    if (!copy)
        return vhv_fail_memory(bytes + 1);
    memcpy(copy, text, bytes);
    copy[bytes] = 0;
    import.text = copy;
    result = import_text(ret, &import, found);
    free(import.bits);
    free(copy);
    return result;
}

static int write_out(const char *text, size_t bytes, FILE *stream)
{
    fwrite(text, 1, bytes, stream);
    if (fflush(stream) || ferror(stream))
        return vhv_fail(EIO, VHV_CAUSE_NONE, "could not write: the stream has an error");
    return 0;
}

static int export_all(struct vhv_export *export, const struct form *form)
{
    int result = vhv_export_begin(export);

    if (result >= 0)
        result = form->export(export);
    if (result >= 0)
        result = vhv_export_end(export);
    return result;
}

/* Into memory first, so that there is nothing half written. */
int vhv_config_export(const struct vhv_config *config, enum vhv_convert_form form,
                      enum vhv_vendor vendor, FILE *stream, vhv_config_warning_fn loss,
                      void *cookie)
{
    const struct form *found = find_form(form);
    struct vhv_export export = {
        .config = config,
        .vendor = vendor,
        .losses = {.loss = loss, .cookie = cookie},
    };
    size_t bytes = 0;
    char *text = NULL;
    int result;

    if (!found)
        return -EINVAL;
    if (vendor != VHV_VENDOR_ANY && vendor != VHV_VENDOR_AMD && vendor != VHV_VENDOR_INTEL)
        return vhv_fail(EINVAL, VHV_CAUSE_NONE, "%d is not a vendor", vendor);
    export.form = found->name;
    export.stream = open_memstream(&text, &bytes);
    if (!export.stream)
        return vhv_fail_memory(1);
    result = export_all(&export, found);
    if (fclose(export.stream) != 0 && result >= 0)
        result = vhv_fail_memory(bytes);
    if (result >= 0)
        result = write_out(text, bytes, stream);
    free(text);
    free(export.registers);
    return result < 0 ? result : export.losses.count;
}
