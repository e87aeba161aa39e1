/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Handing files to the guest's user, and remembering their previous owner in the ledger. Open this to change
 * how a guest gets a file; restore.h gives it back, grant-check.h refuses.
 */

#include "launcher/errand/errand.h"
#include "launcher/errand/guest-user.h"
#include "launcher/errand/path.h"
#include "launcher/ledger/ledger.h"

/* For whom files are handed out, and the tools for it; all borrowed. */
typedef struct Granting {
        const char *guest;
        const GuestUser *user;
        Errand *errand;
        Ledger *ledger; /* NULL for a user's own guests: nothing can be handed out or recorded then */
} Granting;

/*
 * Lets the guest's user read, or read and write, a regular file or block device. Nothing changes if it
 * already can. Otherwise it becomes the owner, or gets an entry in the access control list if it only reads.
 * Failures are logged: -EPERM and -EACCES if this is unsafe or impossible, -EBUSY if another guest uses the
 * file, -ENOENT and the like if it does not exist.
 */
int grant_take(const Granting *granting, Access mode, const char *path);

/*
 * The same for a block or character device only. A character device that everybody may use, such as
 * /dev/null, is not recorded, and any number of guests may use it.
 */
int grant_take_device(const Granting *granting, Access mode, const char *path);

/*
 * Refuses with -EBUSY if a guest that was granted the file, or that reads it, excludes that use. Nothing is
 * recorded, but what the file's last guest could not give back is given back, and walk->st is read again.
 */
int grant_check_use(const Granting *granting, Access mode, Walk *walk);

/* Records that the guest reads the file behind fd, so that no other guest may write it meanwhile. */
int grant_remember_reader(const Granting *granting, int fd, const char *path);

/* Records that only this guest uses the device behind fd. */
int grant_remember_device(const Granting *granting, int fd, const char *path);
