/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Directories of the host that the sandbox shows. QEMU can create a socket, or wait for one, only in a
 * directory that the sandbox shows; so it must be a directory for sockets, and not half of the host.
 */

#include "guest/plan/plan.h"
#include "util/findings.h"

typedef struct Guest Guest;

#define SOCKET_PATH_MAX 107 /* sun_path of unix(7), without the final NUL byte */

/* The path of a socket in the guest's own run-time directory; an error if the guest's name makes it too
 * long. */
const char *bind_own_socket(Guest *g, Place at, const char *element, const char *name);

/* The name of a socket directly in that directory, which the launcher can create; NULL for any other path.
 */
const char *bind_own_name(const Guest *g, const char *path);

/* An error if showing the socket's directory would open the sandbox; element holds the path. */
void bind_check_socket(const Guest *g, Place at, const char *element, const char *path);

/* The same for a directory that the guest itself uses, with fewer restrictions. */
void bind_check_directory(const Guest *g, Place at, const char *element, const char *path);

/* Shows the socket's directory in the sandbox, unless it is the guest's own run-time directory. */
void bind_socket_directory(const Guest *g, const char *path, Plan *p);
