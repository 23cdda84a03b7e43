/* SPDX-License-Identifier: MIT */
/* A search for what is legal and probably not meant. */
#ifndef VHV_CONFIG_LINT_H
#define VHV_CONFIG_LINT_H

#include "config/config.h"

struct vhv_lint {
    const struct vhv_config *config; /* the whole */
    const struct vhv_config *layer;  /* that has the line */
    const struct vhv_line *line;
    vhv_config_warning_fn warning;
    void *cookie;
    int count;
};

/* Tells a warning about the line. Returns 0, or what the program returned to stop. */
int vhv_lint_warn(struct vhv_lint *lint, const char *what, const char *why, const char *remedy);

/* lint_settings.c: looks at the line if it is a setting. Returns as vhv_lint_warn(). */
int vhv_lint_setting(struct vhv_lint *lint);

#endif
