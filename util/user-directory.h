/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A user's directories. */

typedef enum UserDirectory {
        USER_HOME,
        USER_CONFIG, /* $XDG_CONFIG_HOME */
        USER_STATE,  /* where systemd puts StateDirectory=: $XDG_STATE_HOME; before 254, $XDG_CONFIG_HOME */
        USER_RUN,    /* $XDG_RUNTIME_DIR */
} UserDirectory;

/*
 * A new, absolute path: from the environment, or else the default of the XDG base directory specification
 * and systemd. NULL if out of memory.
 */
char *user_directory(UserDirectory which);
