/* SPDX-License-Identifier: MIT */
/* The lines of a .vmx file in their order, and an index of the names. Knows nothing of settings. */
#ifndef VHV_CONFIG_DICTIONARY_H
#define VHV_CONFIG_DICTIONARY_H

#include <stddef.h>

/* A line; never changed, only replaced by another one. */
struct vhv_line {
    const char *key;   /* as written; NULL: a line without assignment */
    const char *value; /* escapes undone; NULL with key */
    /* From '#' on, or empty; of a line without assignment the whole line. */
    const char *comment;
    unsigned number; /* in its file, from 1; 0: set by the program */
    char text[];     /* what the members above point to */
};

/* A zeroed one is empty. */
struct vhv_dictionary {
    struct vhv_line **lines; /* owned */
    size_t line_count;
    size_t line_capacity;
    struct vhv_line **items;  /* the lines with an assignment, in the same order */
    struct vhv_line **sorted; /* the items by name */
    size_t item_count;
    size_t item_capacity; /* of items and of sorted */
};

/* A part of a text. */
struct vhv_span {
    const char *text;
    size_t bytes;
};

struct vhv_span vhv_span_of(const char *text);

/* Makes a line, to be freed with free() unless a dictionary takes it. @key and @value are NULL for
 * a line without assignment. Returns NULL with a message if there is no memory. */
struct vhv_line *vhv_line_new(unsigned number, const struct vhv_span *key,
                              const struct vhv_span *value, const char *comment);

/* Makes a line equal to another one. */
struct vhv_line *vhv_line_copy(const struct vhv_line *line);

void vhv_dictionary_clear(struct vhv_dictionary *dictionary);

/* Makes room for one more line. Returns 0 or -ENOMEM. */
int vhv_dictionary_reserve(struct vhv_dictionary *dictionary);

/* Adds a line at the end, which needs vhv_dictionary_reserve() before and vhv_dictionary_sort()
 * after the last one. */
void vhv_dictionary_append(struct vhv_dictionary *dictionary, struct vhv_line *line);

/* Makes the index. Returns the first line whose name another one, @earlier, has already; NULL if
 * every name is there once. */
const struct vhv_line *vhv_dictionary_sort(struct vhv_dictionary *dictionary,
                                           const struct vhv_line **earlier);

/* Returns the line that has a name, in any case, or NULL. */
const struct vhv_line *vhv_dictionary_find(const struct vhv_dictionary *dictionary,
                                           const char *key);

/* Puts an assignment in the place of the one with its name, or else at the end, which needs
 * vhv_dictionary_reserve() before. */
void vhv_dictionary_put(struct vhv_dictionary *dictionary, struct vhv_line *line);

void vhv_dictionary_remove(struct vhv_dictionary *dictionary, const struct vhv_line *line);

/* Compares names: without case in ASCII, byte by byte. Below, at or above 0, as strcmp(). */
int vhv_key_compare(const char *a, const char *b);

#endif
