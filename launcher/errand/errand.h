/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Errands: file operations that root has done by a child process running as the guest's user. Open this to
 * do something with the guest's rights only; what the child does is in errand-agent.c.
 */

#include <stdbool.h>

#include "launcher/errand/guest-user.h"
#include "launcher/errand/qcow2.h"
#include "util/ownership.h"

typedef struct Errand Errand;

/*
 * Starts the child. Call this while root still has all its privileges and before opening anything that the
 * guest's user must not have. Failures are logged.
 */
int errand_start(const GuestUser *user, Errand **ret);
Errand *errand_free(Errand *errand); /* ends the child; returns NULL */

/*
 * Each of these returns the kernel's answer to the guest's user as a negative errno, or -EPIPE if the child
 * is gone. If a descriptor is expected, it is the result. Descriptors passed in remain the caller's.
 */

/* Whether a file may be read (R_OK), written (W_OK), or both. */
int errand_access(Errand *errand, int fd, int mode);

/* Opens a regular file or a block device, for reading or with these flags of open(2); -EMEDIUMTYPE for
 * anything else. */
int errand_open(Errand *errand, const char *path);
int errand_open_in(Errand *errand, int directory, const char *name);

/* Opens one below that directory, with these flags of open(2), and follows no link; -EMEDIUMTYPE or -ENOTDIR
 * for one. */
int errand_open_below(Errand *errand, int directory, const char *path, int flags);
int errand_reopen(Errand *errand, int fd, int flags); /* reopens a descriptor, of O_PATH or not */

/*
 * Creates a file for writing, which must not exist yet. The guest's user need not be able to reach the
 * directory by its path. "" creates one without a name, if the file system can; to rename from "", without
 * replacing, gives the last of these a name.
 */
int errand_create(Errand *errand, int directory, const char *name);
int errand_rename(
        Errand *errand, int directory, const char *from, const char *to,
        bool replace); /* -EEXIST unless replace */
int errand_remove(Errand *errand, int directory, const char *name);

/* Reads an image's header; -EBADMSG if it is not valid. */
int errand_read_header(Errand *errand, int fd, Qcow2Header *ret);

DEFINE_CLEANUP(Errand, errand_free);
