/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a user has what. */

typedef enum UserDirectory {
        USER_HOME,
        USER_CONFIG, /* $XDG_CONFIG_HOME */
        USER_STATE,  /* where systemd has StateDirectory=: $XDG_STATE_HOME; before 254, $XDG_CONFIG_HOME */
        USER_RUN,    /* $XDG_RUNTIME_DIR */
} UserDirectory;

/*
 * A new string, absolute; what stands in the environment, or else what the XDG base directory specification
 * and systemd have in its place. NULL where memory ran out.
 */
char *user_directory(UserDirectory which);
