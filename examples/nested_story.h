/* SPDX-License-Identifier: MIT */
/* What the nested guest must do, step by step: told line by line, and checked. */
#ifndef NESTED_STORY_H
#define NESTED_STORY_H

#include <libvhv/vhv.h>

struct step;

struct story {
    const struct step *next; /* the step that must come */
    unsigned skip;           /* the kinds of steps that must not */
    bool ended, failed;
    uint32_t tag, value_low; /* of a report that is not complete yet */
};

/**
 * story_start() - begin to listen
 * @story: filled in
 * @is_off: the guest is to find virtualized HV off
 * @nested_paging: the guest is to use nested paging
 */
void story_start(struct story *story, bool is_off, bool nested_paging);

/**
 * story_tell() - tell what an access to a port means, and answer a read
 * @story: the story; ended after the guest's last access
 * @is_inner: the inner guest does it, not the guest hypervisor
 * @exit: an exit of reason VHV_EXIT_IO
 */
void story_tell(struct story *story, bool is_inner, const struct vhv_exit *exit);

/* A line of this program's own. */
void story_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Something that must not be: told, and the story has failed. */
void story_fail(struct story *story, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
