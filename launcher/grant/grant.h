/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files are handed to the guest's user, and it is remembered what they were. */

#include "launcher/errand/errand.h"
#include "launcher/errand/guest-user.h"
#include "launcher/ledger/ledger.h"

/* For whom, and with what, files are handed out; all borrowed. */
typedef struct Granting {
        const char *guest;
        const GuestUser *user;
        Errand *errand;
        Ledger *ledger; /* NULL for a user's own guests: then nothing can be handed out, and nothing is
                           remembered */
} Granting;

/*
 * Lets the guest's user read, or read and write, a regular file or block device. Nothing is changed where it
 * may already; else it becomes the owner, or where it is to read only, gets an entry in the access control
 * list. Failures are logged: -EPERM and -EACCES where it is not safe or not possible to let it, -EBUSY where
 * another guest has it, -ENOENT and the like where there is no such file.
 */
int grant_take(const Granting *granting, GrantMode mode, const char *path);

/*
 * The same for a block or character device; nothing else is handed out so. A character device that everybody
 * may use, such as /dev/null, is nobody's, and any number of guests may have it.
 */
int grant_take_device(const Granting *granting, GrantMode mode, const char *path);

/* Remembers that the guest reads what fd is open on, so that no
 * other guest gets it for writing meanwhile. */
int grant_note_reader(const Granting *granting, int fd, const char *path);

/* Remembers that the guest, and no other, has the device that fd is open on. */
int grant_note_device(const Granting *granting, int fd, const char *path);
