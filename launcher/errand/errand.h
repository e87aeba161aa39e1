/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is to be done with the guest's rights and no other: by a child process that is the guest's user. */

#include <stdbool.h>

#include "launcher/errand/guest-user.h"
#include "launcher/errand/qcow2.h"
#include "util/ownership.h"

typedef struct Errand Errand;

/*
 * Starts the child. It is to be done with all of root's privileges and before anything is opened that the
 * guest's user must not have. Failures are logged.
 */
int errand_start(const GuestUser *user, Errand **ret);
Errand *errand_free(Errand *errand); /* ends the child; returns NULL */

/*
 * Each of these returns what the kernel said to the guest's user, as a negative errno; -EPIPE where the
 * child is gone. Where a descriptor is to come back, it is the result. Descriptors that are given stay the
 * caller's.
 */

/* Whether a file may be read (R_OK), written (W_OK), or both. */
int errand_access(Errand *errand, int fd, int mode);

/* Opens for reading what is a regular file or a block device; -EMEDIUMTYPE for what is neither. */
int errand_open(Errand *errand, const char *path);
int errand_open_in(Errand *errand, int directory, const char *name);
int errand_reopen(Errand *errand, int fd); /* what an O_PATH descriptor is */

/* Makes a file for writing that must not be there yet. The way to the directory need not be open to the
 * guest's user. */
int errand_create(Errand *errand, int directory, const char *name);
int errand_rename(
        Errand *errand, int directory, const char *from, const char *to,
        bool replace); /* -EEXIST unless replace */
int errand_remove(Errand *errand, int directory, const char *name);

/* Reads the header of an image; -EBADMSG where it is not a valid one. */
int errand_read_header(Errand *errand, int fd, Qcow2Header *ret);

DEFINE_CLEANUP(Errand, errand_free);
