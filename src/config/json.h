/* SPDX-License-Identifier: MIT */
/* What the readers of settings and of comments in JSON share. */
#ifndef VHV_CONFIG_JSON_H
#define VHV_CONFIG_JSON_H

#include <stddef.h>

struct cJSON;

/* The members of "comments", by name. A zeroed one is empty. */
struct vhv_json_comments {
    const struct cJSON **items;
    size_t count;
};

/* Checks all comments and sorts them. @comments->items is to be freed, also after a failure.
 * Returns 0, -EINVAL or -ENOMEM. */
int vhv_json_comments_index(struct vhv_json_comments *comments, const struct cJSON *object);

/* The comments of a setting, those above the end of the file for "", or NULL. */
const struct cJSON *vhv_json_comments_find(const struct vhv_json_comments *comments,
                                           const char *name);

/* Undoes escapes in the tree itself, which must be the caller's. Returns 0 or -EINVAL. */
int vhv_json_undo_escapes(char *text);

/* Puts the path, @member."<name of @item>", before the message. */
int vhv_json_fail_in(int result, const char *member, const struct cJSON *item);

#endif
