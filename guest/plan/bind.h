/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Directories of the host that the sandbox shows. A socket that QEMU makes, or waits for, can only be had
 * with the directory that it is in; so that one must be a directory for such things, and not half of the
 * host.
 */

#include "guest/plan/plan.h"
#include "util/findings.h"

typedef struct Guest Guest;

#define SOCKET_PATH_MAX 107 /* sun_path of unix(7), without the byte that ends it */

/* The path of a socket in the guest's own run-time directory; an error where the guest's name makes it too
 * long. */
const char *bind_own_socket(Guest *g, Place at, const char *element, const char *name);

/* An error where showing the socket's directory would open the sandbox; element is what has the path. */
void bind_check_socket(const Guest *g, Place at, const char *element, const char *path);

/* The same for a directory that the guest is to have, where less is forbidden. */
void bind_check_directory(const Guest *g, Place at, const char *element, const char *path);

/* Has the socket's directory shown, unless it is the guest's own run-time directory. */
void bind_socket_directory(const Guest *g, const char *path, Plan *p);
