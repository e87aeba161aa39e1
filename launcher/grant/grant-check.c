/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The reasons for not handing a file to a guest's user. Each message says what the reason is and what to do
 * about it, because administrators meet these messages most often. Not trusted: the file, its directories
 * and everybody who can write in them.
 */

#include "launcher/grant/grant-check.h"

#include <errno.h>

#include "launcher/errand/user-name.h"
#include "log/log.h"
#include "util/text.h"
#include "util/unit-name.h"

const char *grant_purpose(Access mode)
{
        return mode == ACCESS_READ ? "read" : "read and write";
}

static bool excludes(Access ours, Access theirs)
{
        return ours != theirs || ours == ACCESS_WRITE;
}

int grant_check_holders(const Granting *granting, const Record *record, Access mode)
{
        for (size_t i = 0; i < record->n_holders; i++) {
                const Holder *h = &record->holders[i];
                _cleanup_(freep) char *unit = NULL;

                if (streq(h->guest, granting->guest) || !excludes(mode, h->mode))
                        continue;
                (void) unit_name_for_guest(h->guest, &unit);
                log_error(
                        "%s is in use by guest %s (%s), which has it %s; this guest needs to %s it. Stop "
                        "that guest first%s.",
                        record->path, h->guest, unit ?: "vm@.service",
                        h->mode == ACCESS_READ ? "for reading" : "for writing", grant_purpose(mode),
                        mode == ACCESS_READ ? "" : ", or let both say <shareable/>");
                return -EBUSY;
        }
        return 0;
}

int grant_check_users(const Granting *granting, const Record *record)
{
        for (size_t i = 0; i < record->n_holders; i++) {
                const Holder *h = &record->holders[i];

                if (h->user == granting->user->uid)
                        continue;
                log_error(
                        "%s is in use by guest %s of user %s, and this guest's user %s cannot read and "
                        "write "
                        "it: a file has only one owner. Let both users read and write it (by its mode or an "
                        "access control list), run both guests as the same user, or set Disks=descriptors "
                        "in vmunit.conf.",
                        record->path, h->guest, user_name(h->user).text,
                        user_name(granting->user->uid).text);
                return -EBUSY;
        }
        return 0;
}

int grant_walk_to_device(const char *path, Walk *walk)
{
        int r;

        r = path_walk_logged("the device", path, walk);
        if (r < 0)
                return r;
        if (!S_ISCHR(walk->st.st_mode) && !S_ISBLK(walk->st.st_mode)) {
                log_error("%s is not a device; refusing to pass it to the guest.", walk->path);
                return -EPERM;
        }
        return 0;
}

int grant_walk_to_file(const char *path, Walk *walk)
{
        int r;

        r = path_walk_logged("the disk", path, walk);
        if (r < 0)
                return r;
        if (!S_ISREG(walk->st.st_mode) && !S_ISBLK(walk->st.st_mode)) {
                log_error(
                        "%s is neither a regular file nor a block device, so it cannot be a disk.",
                        walk->path);
                return -EPERM;
        }
        return 0;
}

static int check_way(const Granting *granting, const Walk *walk, Access mode)
{
        UserName guests = user_name(granting->user->uid), theirs = user_name(walk->control.owner);

        if (walk_check_owner(walk) >= 0)
                return 0;
        if (walk->control.sticky) /* as /tmp is, and has to stay */
                log_error(
                        "Refusing to hand %s to user %s: all users can put files into %s. Move the file to "
                        "a directory in which only root can write, and name it there in the guest's XML.",
                        walk->path, guests.text, walk->control.where);
        else if (walk->control.anyone)
                log_error(
                        "Refusing to hand %s to user %s: users other than root can write in %s and could "
                        "put any file there. Remove that permission, or let user %s %s the file.",
                        walk->path, guests.text, walk->control.where, guests.text, grant_purpose(mode));
        else
                log_error(
                        "Refusing to hand %s to user %s: user %s can write in %s and could put any file "
                        "there, so the file must belong to that user. Change its owner to user %s, or let "
                        "user %s %s it.",
                        walk->path, guests.text, theirs.text, walk->control.where, theirs.text, guests.text,
                        grant_purpose(mode));
        return -EPERM;
}

int grant_check_file(const Granting *granting, const Walk *walk, Access mode)
{
        mode_t needed = mode == ACCESS_READ ? S_IRUSR : S_IRUSR | S_IWUSR;

        if (walk->st.st_mode & (S_ISUID | S_ISGID)) {
                log_error(
                        "Refusing to hand out %s: its setuid or setgid bit is set, so it is a program, not "
                        "a disk.",
                        walk->path);
                return -EPERM;
        }
        if (S_ISREG(walk->st.st_mode) && walk->st.st_nlink > 1) {
                log_error(
                        "%s is one of %lu names of a file (hard links); it is not handed out, since the "
                        "others would change too. Make a copy.",
                        walk->path, (unsigned long) walk->st.st_nlink);
                return -EPERM;
        }
        if ((walk->st.st_mode & needed) != needed) {
                log_error(
                        "%s has mode %04o, so its owner cannot %s it. To let the guest do so, run: chmod "
                        "u+%s %s",
                        walk->path, walk->st.st_mode & 07777, grant_purpose(mode),
                        mode == ACCESS_READ ? "r" : "rw", walk->path);
                return -EACCES;
        }
        return check_way(granting, walk, mode);
}
