/* SPDX-License-Identifier: MIT */
/*
 * What other systems have guests see of CPUID: their words for it become masks, and masks become
 * their words. What one of the two cannot say is told, one by one. Pure: no file, no /dev/kvm.
 *
 * A bit's value is converted, and what a configuration adds by default: virtualized HV is off
 * unless it is asked for, which all of these forms have to be told. See vhv_convert(3) for each
 * form.
 */
#ifndef LIBVHV_CONVERT_H
#define LIBVHV_CONVERT_H

#include <libvhv/config.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vhv_convert_form {
    VHV_CONVERT_FIRECRACKER,  /* Firecracker: a custom CPU template of an x86 host, in JSON */
    VHV_CONVERT_QEMU,         /* QEMU: the value of -cpu, "host,vmx=off" */
    VHV_CONVERT_XEN,          /* Xen: a line of xl.cfg(5), cpuid = "host,vmx=0" */
    VHV_CONVERT_XEN_REGISTERS /* Xen: the same by registers, cpuid = ["1:ecx=xxx…", …] */
};

/**
 * vhv_config_import() - make a configuration of another system's words for CPUID
 * @ret: the configuration, on success: masks alone, sorted by leaf
 * @form: whose words; VHV_CONVERT_XEN and VHV_CONVERT_XEN_REGISTERS take each other's, too
 * @text: the words
 * @bytes: their length
 * @name: of their file, for messages and origins
 * @loss: told what masks cannot say, with the place or the word in origin.key; it may return other
 * than 0 to stop. NULL only counts.
 * @cookie: handed to @loss
 *
 * Return: the number of losses, 0 if nothing is lost, or a negative errno:
 *   -EINVAL     malformed (cause: syntax), or no such form; the message starts with @name
 *   -EFBIG      longer than VHV_CONFIG_MAX_BYTES
 *   -ECANCELED  @loss stopped it
 *   -ENOMEM     no memory
 *
 * Thread: any; @loss is called on it. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_import(struct vhv_config **ret, enum vhv_convert_form form, const char *text,
                              size_t bytes, const char *name, vhv_config_warning_fn loss,
                              void *cookie);

/**
 * vhv_config_export() - write what a configuration says of CPUID in another system's words
 * @config: the configuration
 * @form: whose words
 * @vendor: of the hosts that it is for. VHV_VENDOR_ANY leaves masks that are for one vendor out.
 * @stream: where to
 * @loss: told what the form cannot say, with the origin in @config; it may return other than 0 to
 * stop. NULL only counts.
 * @cookie: handed to @loss
 *
 * Return: the number of losses, 0 if nothing is lost, or a negative errno:
 *   -EINVAL     no such form or vendor
 *   -ECANCELED  @loss stopped it; nothing was written
 *   -EIO        the stream has an error
 *   -ENOMEM     no memory
 *
 * Thread: any; @loss is called on it. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_export(const struct vhv_config *config, enum vhv_convert_form form,
                              enum vhv_vendor vendor, FILE *stream, vhv_config_warning_fn loss,
                              void *cookie);

#ifdef __cplusplus
}
#endif

#endif
