/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's own directories, as the launcher reaches them. */

#include <errno.h>

#include "launcher/store/fds.h"

typedef struct Directories {
        char *run, *state; /* paths for this process only; NULL if the guest has none */
        int run_fd, state_fd;
} Directories;

#define DIRECTORIES_EMPTY ((Directories){ .run_fd = -EBADF, .state_fd = -EBADF })

/* Those that the helper opened; fds keeps its descriptors. 0, or a negative errno, which is logged: -ENOENT
 * if it passed no runtime directory. */
int directories_take(Fds *fds, Directories *ret);

/* Those that the environment names, for a launcher that was started by hand. */
void directories_of_environment(const char *guest, Directories *ret);

void directories_done(Directories *directories);
