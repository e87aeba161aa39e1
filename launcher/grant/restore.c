/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Owner, group, mode and access control list are restored to what they were. Mode and list matter because a
 * QEMU that its guest has taken over owns the file while it runs and could have used them to keep access.
 * The owner is restored first, so that nobody can change what is set next. chown() clears setuid and setgid
 * bits, and files that had any were never handed out.
 *
 * If somebody intervened, the record may no longer describe the file: a file that was replaced is another
 * file, and an owner that we did not set is somebody's decision. Both are left unchanged, with a warning.
 *
 * A record is removed only if the file is known to be gone (find-file.c). Otherwise it stays, and is retried
 * when a guest that uses the file starts, and when any guest stops. A start does not touch other guests'
 * files, because they may be on a server that does not answer.
 *
 * A crash at any point is safe. The record is removed last, and if it is found again, the owner shows how
 * much was done. Only if mode or list must be set after the owner, the record says so first ("returning").
 * The file system of the records may be full, though, and a guest that has its state there can fill it. That
 * must not keep the file with the guest's user, so it is given back without the mark then.
 *
 * Trusted: the records. Not trusted: anything that the guest's user may have done to the file.
 */

#include "launcher/grant/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "launcher/errand/user-name.h"
#include "launcher/grant/acl.h"
#include "launcher/grant/find-file.h"
#include "log/log.h"
#include "util/text.h"

static int differs_from(int fd, const uint8_t *expected, size_t expected_size)
{
        _cleanup_(freep) uint8_t *acl = NULL;
        size_t size;
        int r;

        r = acl_of_fd(fd, &acl, &size);
        if (r < 0)
                return r;
        return size != expected_size || (size > 0 && memcmp(acl, expected, size) != 0);
}

static int acl_differs(int fd, const Record *record)
{
        return differs_from(fd, record->acl, record->acl_size);
}

/*
 * Restores mode and list after the owner. The mode comes first, because setting it would change a list's
 * mask.
 */
static int set_access(int fd, const Record *record)
{
        char name[32];
        int r;

        /* the mode behind an O_PATH descriptor can only be set by its name in /proc */
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        if (chmod(name, record->mode) < 0)
                return -errno;
        r = acl_differs(fd, record);
        return r > 0 ? acl_set(fd, record->acl, record->acl_size) : r;
}

/*
 * If records and files are on different filesystems, a crash of the host could preserve the removal of the
 * record but lose the change of owner.
 */
static void sync_owner(int fd, const Record *record)
{
        _cleanup_(closep) int file = -EBADF;
        struct stat st;

        if (record->identity.type != IDENTITY_FILE || stat(LEDGER_DIRECTORY, &st) < 0 ||
            st.st_dev == record->identity.file_system)
                return;
        file = path_reopen(fd, O_RDONLY | O_NONBLOCK);
        if (file >= 0)
                (void) fsync(file);
}

/* False if it was not possible, which is logged. */
static bool mark_returning(Ledger *ledger, Record *record)
{
        if (record->returning)
                return true;
        record->returning = true;
        return ledger_save(ledger, record) >= 0;
}

/* Whether it is the list that was set. A crash may have come before the last user's entry was. */
static int is_as_listed(const Record *record, const uint8_t *now, size_t now_size)
{
        for (size_t n = record->n_listed; n > 0 && n + 1 >= record->n_listed; n--) {
                _cleanup_(freep) uint8_t *listed = NULL;
                size_t size;
                int r = acl_add_readers(
                        record->acl, record->acl_size, record->mode, record->listed, n, &listed, &size);

                if (r < 0)
                        return r;
                if (size == now_size && memcmp(listed, now, size) == 0)
                        return 1;
        }
        return 0;
}

/*
 * Removes the readers' entries. The original list is restored, unless the file's owner changed the list
 * meanwhile: then only the entries are removed from the current one.
 */
static int unlist(Ledger *ledger, Record *record, int fd)
{
        _cleanup_(freep) uint8_t *now = NULL, *rest = NULL;
        size_t now_size, rest_size;
        int r;

        r = acl_of_fd(fd, &now, &now_size);
        if (r < 0)
                return r;
        if (!record->returning && !now)
                return 0; /* a crash came before any was set, or somebody removed the list */
        if (!record->returning) {
                r = is_as_listed(record, now, now_size);
                if (r < 0)
                        return r;
                if (r == 0) {
                        r = acl_drop_users(
                                now, now_size, record->listed, record->n_listed, &rest, &rest_size);
                        return r < 0 ? r : acl_set(fd, rest, rest_size);
                }
        }
        (void) mark_returning(ledger, record); /* without it, the entries are dropped from what is left */
        r = set_access(fd, record);
        if (r >= 0)
                sync_owner(fd, record);
        return r;
}

static int give_back(Ledger *ledger, Record *record, int fd, const struct stat *st)
{
        int differs = acl_differs(fd, record), r;
        struct stat after;

        if (differs < 0)
                return differs;
        if ((st->st_mode & 07777) != record->mode || differs) {
                if (record->n_listed == 0)
                        log_warning(
                                "The mode or access control list of %s changed while it was handed out; "
                                "restoring both.",
                                record->path);
                /* without the mark, nothing may be left to do after the owner */
                r = mark_returning(ledger, record) ? 0 : set_access(fd, record);
                if (r < 0)
                        return r;
        }
        if (fchownat(fd, "", record->owner, record->group, AT_EMPTY_PATH) < 0)
                return -errno;
        /* checked again: the previous owner may have changed it after the first check */
        if (fstat(fd, &after) < 0)
                return -errno;
        differs = acl_differs(fd, record);
        if (differs < 0)
                return differs;
        if ((after.st_mode & 07777) != record->mode || differs)
                (void) mark_returning(ledger, record);
        r = record->returning ? set_access(fd, record) : 0;
        if (r >= 0)
                sync_owner(fd, record);
        return r;
}

/* 1 if the record must stay, because the file may reappear. */
static int give_file_back(Ledger *ledger, Record *record, bool rebooted, bool report_absent)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        Place place;
        int r;

        r = find_file(record, rebooted, &walk, &place);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot stat %s to give it back", record->path);
        /* device nodes are created anew, with their own owners, at each boot */
        if (record->identity.type != IDENTITY_FILE && rebooted)
                return 0;
        if (place == PLACE_UNKNOWN) {
                if (report_absent || (!rebooted && !*record->pending))
                        log_notice(
                                "%s is not there, so it is given back to its owner later: after it came "
                                "back, when a guest that has it starts, when any guest stops, or by "
                                "systemctl restart vmunit-cleanup. If it is gone for good, remove its "
                                "record "
                                "from " LEDGER_DIRECTORY ".",
                                record->path);
                return 1;
        }
        if (place == PLACE_GONE) {
                if (record->identity.type == IDENTITY_FILE)
                        log_warning("%s no longer exists, so there is nothing to give back.", record->path);
                return 0;
        }
        if (place == PLACE_TAKEN) {
                log_warning(
                        "%s is not the file that was handed out; leaving its owner unchanged.",
                        record->path);
                return 0;
        }
        if (record->n_listed > 0 && !(record->granted && walk.st.st_uid == record->granted_user)) {
                r = unlist(ledger, record, walk.fd);
                return r < 0 ? log_errno(
                                       LOG_ERR, r, "Cannot restore the access control list of %s",
                                       record->path)
                             : 0;
        }
        if (walk.st.st_uid != record->granted_user &&
            !(record->returning && walk.st.st_uid == record->owner)) {
                if (walk.st.st_uid != record->owner)
                        log_warning(
                                "%s belongs to user %s now, neither to its original owner (%s) nor to the "
                                "user it was handed to (%s); leaving it unchanged.",
                                record->path, user_name(walk.st.st_uid).text, user_name(record->owner).text,
                                user_name(record->granted_user).text);
                return 0;
        }
        r = give_back(ledger, record, walk.fd, &walk.st);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot give %s back to %s", record->path,
                        user_name(record->owner).text);
        return 0;
}

typedef struct Release {
        const char *guest;        /* only this guest's files, or NULL for all */
        const Identity *identity; /* only this file, whose lock is held, or NULL for all */
        bool report_absent;
} Release;

/* systemd creates a guest's runtime directory before the guest is prepared, and removes it once it is off.
 */
static bool holds_no_more(const Ledger *ledger, const Release *release, const Holder *h)
{
        if (!streq(h->boot, ledger_boot(ledger)))
                return true;
        if (release->guest)
                return streq(h->guest, release->guest);
        return access(h->directory, F_OK) < 0 && errno == ENOENT;
}

static size_t count_kept(const Ledger *ledger, const Release *release, const Record *record)
{
        size_t kept = 0;

        for (size_t i = 0; i < record->n_holders; i++)
                kept += !holds_no_more(ledger, release, &record->holders[i]);
        return kept;
}

static bool concerns(const Ledger *ledger, const Release *release, const Record *record)
{
        bool own = false;

        for (size_t i = 0; i < record->n_holders; i++)
                own = own || streq_null(release->guest, record->holders[i].guest);
        if (release->guest && !own)
                return false;
        if (release->identity && !identity_may_be(&record->identity, release->identity))
                return false;
        return record->n_holders == 0 || count_kept(ledger, release, record) < record->n_holders;
}

static bool held_since_boot(const Ledger *ledger, const Record *record)
{
        for (size_t i = 0; i < record->n_holders; i++)
                if (streq(record->holders[i].boot, ledger_boot(ledger)))
                        return true;
        return false;
}

/* Removes the holders of a file that is missing, so that no guest is told that it is in use. */
static int put_off(Ledger *ledger, Record *record)
{
        if (*record->pending)
                return 0;
        memcpy(record->pending, ledger_boot(ledger), sizeof(record->pending));
        while (record->n_holders > 0)
                record_remove_holder(record, record->n_holders - 1);
        return ledger_save(ledger, record);
}

static int release_locked(Ledger *ledger, const Release *release, Record *record)
{
        size_t kept = count_kept(ledger, release, record);
        int r;

        if (kept > 0 && kept == record->n_holders)
                return 0;
        if (kept > 0) {
                for (size_t i = record->n_holders; i-- > 0;)
                        if (holds_no_more(ledger, release, &record->holders[i]))
                                record_remove_holder(record, i);
                return ledger_save(ledger, record);
        }
        if (record->granted || record->n_listed > 0) {
                /* after a failure the holders stay in the record, so that the next process tries again */
                bool rebooted =
                        !held_since_boot(ledger, record) && !streq(record->pending, ledger_boot(ledger));

                r = give_file_back(ledger, record, rebooted, release->report_absent);
                if (r > 0)
                        return rebooted ? 0 : put_off(ledger, record);
                if (r < 0)
                        return r;
        }
        return ledger_remove(ledger, record);
}

static int release_one(Ledger *ledger, Record *taken, void *userdata)
{
        _cleanup_(record_freep) Record *record = taken, *now = NULL;
        const Release *release = userdata;
        int r;

        if (!concerns(ledger, release, record))
                return 0;
        if (release->identity)
                return release_locked(ledger, release, record);
        /* another guest's file can be skipped while a process has it locked */
        r = ledger_lock(ledger, &record->identity, release->guest);
        if (r < 0)
                return r == -EBUSY ? 0 : r;
        r = ledger_reload(ledger, record, &now);
        if (r >= 0 && now)
                r = release_locked(ledger, release, now);
        ledger_unlock(ledger);
        return r;
}

typedef struct Change {
        const char *guest;
        bool found;
} Change;

static int note_change(Ledger *ledger, Record *taken, void *userdata)
{
        _cleanup_(record_freep) Record *record = taken;
        Change *change = userdata;

        if (!record->granted && record->n_listed == 0)
                return 0;
        change->found = change->found || !change->guest;
        for (size_t i = 0; i < record->n_holders; i++)
                change->found = change->found || streq_null(change->guest, record->holders[i].guest);
        return 0;
}

int restore_is_needed(Ledger *ledger, const char *guest, bool *ret)
{
        Change change = { .guest = guest };
        int r = ledger_each(ledger, note_change, &change);

        *ret = change.found;
        return r;
}

int restore_guest(Ledger *ledger, const char *guest)
{
        return ledger_each(ledger, release_one, &(Release){ .guest = guest });
}

int restore_left(Ledger *ledger, bool report_absent)
{
        return ledger_each(ledger, release_one, &(Release){ .report_absent = report_absent });
}

int restore_file_left(Ledger *ledger, const Identity *identity)
{
        return ledger_each(ledger, release_one, &(Release){ .identity = identity });
}
