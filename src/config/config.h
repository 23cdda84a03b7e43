/* SPDX-License-Identifier: MIT */
/* A configuration: the lines, and the masks that they hold. */
#ifndef VHV_CONFIG_CONFIG_H
#define VHV_CONFIG_CONFIG_H

#include <libvhv/config.h>

#include "config/dictionary.h"

struct vhv_config {
    char *file;    /* the file's name; NULL if there was none */
    bool lineless; /* the file is JSON: numbers of lines are only their order */
    /* The layer below, whose settings count where this one has none: a host's policy. Owned; NULL:
     * there is none. */
    struct vhv_config *policy;
    bool is_policy;
    struct vhv_dictionary dictionary;
    /* The masks: those of the layers below that no item here overrides, then those among the items,
     * in their order. */
    struct vhv_cpuid_request *requests;
    size_t request_count;
    size_t request_capacity;
};

/*
 * Makes a configuration equal to another one: lines, origins, masks, layers below. Returns 0, or
 * -ENOMEM.
 */
int vhv_config_copy(struct vhv_config **ret, const struct vhv_config *from);

/*
 * Puts a line at the end of a configuration that is being made; @key and @value are NULL for a
 * comment or a blank line. vhv_dictionary_sort() and vhv_masks_index() come after the last one.
 * Returns 0 or -ENOMEM.
 */
int vhv_config_append(struct vhv_config *config, unsigned number, const char *key,
                      const char *value, const char *comment);

/* Makes a configuration of what @parse reads into an empty one, if it is not too long. */
int vhv_config_read(struct vhv_config **ret, const char *text, size_t bytes, const char *name,
                    int (*parse)(struct vhv_config *config, const char *text, size_t bytes,
                                 const char *name));

/* Where a line comes from. */
struct vhv_origin vhv_config_origin(const struct vhv_config *config, const struct vhv_line *line);

#endif
