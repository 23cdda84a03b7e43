/* SPDX-License-Identifier: MIT */
/*
 * Configurations in VMware's .vmx syntax or in JSON: a dictionary of names and values that keeps
 * comments, order and unknown names, and the settings that libvhv knows. See vhv.vmx(5) and
 * vhv.json(5).
 */
#ifndef LIBVHV_CONFIG_H
#define LIBVHV_CONFIG_H

#include <libvhv/guest_cpuid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A file of at most this many bytes is read. */
enum { VHV_CONFIG_MAX_BYTES = 1024 * 1024 };

/* A configuration. Not locked: one thread at a time, or many that only read. */
struct vhv_config;

/* Something in a configuration that is legal and probably not what was meant. Strings live for the
 * time of the call. */
struct vhv_config_warning {
    struct vhv_origin origin; /* file, line, key */
    const char *what;         /* what was found */
    const char *why;          /* why it matters */
    const char *remedy;       /* what to do about it */
};

/* Told each warning, in the order of lines; returns 0 to go on, anything else to stop with that
 * value. */
typedef int (*vhv_config_warning_fn)(const struct vhv_config_warning *warning, void *cookie);

/* A name and its value. */
struct vhv_config_item {
    const char *key;   /* as written */
    const char *value; /* without quotes, escapes undone; may hold any byte but NUL */
    const char *file;  /* NULL: set by the program */
    unsigned line;     /* from 1; 0: set by the program, or the file is JSON */
};

/**
 * vhv_config_new() - make an empty configuration
 * @ret: the configuration, on success; free it with vhv_config_free()
 *
 * Return: 0, or a negative errno:
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_new(struct vhv_config **ret);

/**
 * vhv_config_load() - read a .vmx file, or one in JSON
 * @ret: the configuration, on success
 * @path: the file; it is taken as JSON if its first character other than white space is '{'
 *
 * Everything that vhv_config_parse() or vhv_config_parse_json() refuses is refused.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  malformed (cause: syntax); the message starts with the file's name
 *   -EFBIG   longer than VHV_CONFIG_MAX_BYTES
 *   -ENOMEM  no memory
 *   -ENOENT, -EACCES, -EISDIR, -EIO …  the file cannot be read
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_load(struct vhv_config **ret, const char *path);

/**
 * vhv_config_parse() - read a configuration from memory
 * @ret: the configuration, on success
 * @text: the file's bytes
 * @bytes: their number
 * @name: the file's name for messages
 *
 * The same name twice, a line that is neither `name = value`, comment nor blank, a NUL byte, a
 * malformed mask or mask key, and a known setting with a value that it cannot have are errors.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  malformed (cause: syntax); the message starts with file:line
 *   -EFBIG   longer than VHV_CONFIG_MAX_BYTES
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_parse(struct vhv_config **ret, const char *text, size_t bytes,
                             const char *name);

/**
 * vhv_config_parse_json() - read a configuration in JSON from memory
 * @ret: the configuration, on success
 * @text: {"settings": {"numvcpus": 2, "vhv.enable": true, "displayName": "a", …}}; see vhv.json(5)
 * @bytes: its length
 * @name: the file's name for messages and origins, which have no line
 *
 * Refused is what vhv_config_parse() refuses, and members that the format does not have. Names of
 * settings that libvhv does not know are kept.
 *
 * Return: 0, or a negative errno:
 *   -EINVAL  malformed (cause: syntax); the message starts with @name and has line and column, or
 *            the path of the member, such as settings."cpuid.1.ecx"
 *   -EFBIG   longer than VHV_CONFIG_MAX_BYTES
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_parse_json(struct vhv_config **ret, const char *text, size_t bytes,
                                  const char *name);

/**
 * vhv_config_free() - free a configuration
 * @config: the configuration; NULL is fine
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_config_free(struct vhv_config *config);

/**
 * vhv_config_get() - the value of a name
 * @config: the configuration
 * @key: the name, in any case
 *
 * Return: the value, valid until the name is set or the configuration is freed; NULL if the name is
 * not there.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const char *vhv_config_get(const struct vhv_config *config, const char *key);

/**
 * vhv_config_item() - go through all names
 * @config: the configuration
 * @index: from 0, in the order of the file, then of vhv_config_set()
 * @item: filled in; its strings are valid until the configuration is changed or freed
 *
 * Return: 1 if there is such an item, 0 beyond the last one.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_item(const struct vhv_config *config, size_t index,
                            struct vhv_config_item *item);

/**
 * vhv_config_set() - set a name
 * @config: the configuration
 * @key: the name; one that is there keeps its place and spelling
 * @value: the value; checked as a file's would be
 *
 * Return: 0, or a negative errno, with @config as it was:
 *   -EINVAL  not a name, or a value that the setting cannot have (cause: syntax)
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_set(struct vhv_config *config, const char *key, const char *value);

/**
 * vhv_config_set_line() - set a name by a line of a .vmx file
 * @config: the configuration
 * @line: such as `numvcpus = "2"`, as on a command line; exactly one assignment
 *
 * Return: 0, or a negative errno, with @config as it was:
 *   -EINVAL  not an assignment, or a value that the setting cannot have (cause: syntax)
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_set_line(struct vhv_config *config, const char *line);

/**
 * vhv_config_remove() - take a name out
 * @config: the configuration
 * @key: the name, in any case
 *
 * Return: 1 if it was there, 0 if not.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_remove(struct vhv_config *config, const char *key);

/**
 * vhv_config_set_policy() - put a host's policy below a configuration
 * @config: the configuration
 * @policy: as vhv_host_policy() gives it; copied. It takes the place of an earlier one. NULL: none
 *
 * A setting that @config does not have, masks among them, is then the policy's, if it is not of
 * those that are for a single machine; see vhv.vmx(5). vhv_config_get(), vhv_config_item() and
 * vhv_config_write() are about @config alone.
 *
 * Return: 0, or a negative errno, with @config as it was:
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_set_policy(struct vhv_config *config, const struct vhv_config *policy);

/**
 * vhv_config_write() - write a configuration as a .vmx file
 * @config: the configuration
 * @stream: where to
 *
 * Comments, blank lines, order and unknown names stay; every assignment is written as `name =
 * "value"`. Reading the output gives the same configuration.
 *
 * Return: 0, or a negative errno:
 *   -EIO  the stream has an error
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_write(const struct vhv_config *config, FILE *stream);

/**
 * vhv_config_write_json() - write a configuration in JSON
 * @config: the configuration
 * @stream: where to
 *
 * Nothing is lost: reading the output gives the same configuration, and vhv_config_write() of both
 * is the same, byte for byte.
 *
 * Return: 0, or a negative errno:
 *   -EIO     the stream has an error
 *   -ENOMEM  no memory
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_write_json(const struct vhv_config *config, FILE *stream);

/**
 * vhv_config_lint() - find what is legal and probably not meant
 * @config: the configuration
 * @warning: called for each
 * @cookie: handed to @warning
 *
 * A mask that clears VMX where the hypervisor bit was meant, a mask on a field that every vCPU
 * keeps its own value of, a setting that has no effect where it is, a hardware version that refuses
 * what is asked for, and the like. A policy below is looked at first.
 *
 * Return: the number of warnings, or what @warning returned to stop.
 *
 * Thread: any; @warning is called on it. Stage: any. Since: 0.1.
 */
VHV_API int vhv_config_lint(const struct vhv_config *config, vhv_config_warning_fn warning,
                            void *cookie);

/**
 * vhv_config_vcpus() - the number of vCPUs
 * @config: the configuration
 *
 * Return: numvcpus, 1 to 64; 1 if it is not set.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API unsigned vhv_config_vcpus(const struct vhv_config *config);

/**
 * vhv_config_vcpu_id() - the id of a vCPU that a configuration has made
 * @config: the configuration
 * @index: 0 to vhv_config_vcpus() - 1
 *
 * Ids are the vCPUs' APIC ids. Where cpuid.coresPerSocket is no power of two they have gaps.
 *
 * Return: the id; @index itself if cpuid.coresPerSocket is not set.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API uint32_t vhv_config_vcpu_id(const struct vhv_config *config, uint32_t index);

/**
 * vhv_config_memory_bytes() - the size of the guest's memory
 * @config: the configuration
 *
 * Return: memsize (MiB in the file) in bytes; 0 if it is not set.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API uint64_t vhv_config_memory_bytes(const struct vhv_config *config);

/**
 * vhv_config_display_name() - the VM's name
 * @config: the configuration
 *
 * Return: displayName, valid until it is set or the configuration is freed; "" if it is not set.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API const char *vhv_config_display_name(const struct vhv_config *config);

/**
 * vhv_config_cpuid() - what a configuration says of the guest's CPUID
 * @config: the configuration
 * @options: with its size set; its members vhv_enable, hypervisor_v0, nested_paging, requests,
 * request_count, hardware_version, guest_os, cores_per_socket, brand_string, vpmc_enable and
 * hypervisor_vendor are filled in; the others are left alone. What they point to belongs to @config
 * and is valid until it is changed or freed.
 *
 * Thread: any. Stage: any. Since: 0.1.
 */
VHV_API void vhv_config_cpuid(const struct vhv_config *config,
                              struct vhv_guest_cpuid_options *options);

#ifdef __cplusplus
}
#endif

#endif
