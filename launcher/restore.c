/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Owner, group, mode and access control list go back to what they were. The last two count: a QEMU that its
 * guest has taken over owns the file for as long as it runs, and could have let itself a way in by them. The
 * owner goes first, so that from then on nobody can change what is set next. chown clears setuid and setgid
 * bits by itself, and files that had some were never handed out.
 *
 * The record may tell of a file that is no more what it was when somebody else came between: a file that was
 * replaced is another file, and an owner that we did not set is somebody's decision. Both are left as they
 * are, with a warning.
 *
 * That a file is not at its path says little: its directory may have been renamed, or its filesystem be
 * unmounted for a while. So it is looked for by its handle on what filesystem there is on the way, if that
 * is the recorded one; and a record is dropped only where the filesystem is there and the file is not.
 * Otherwise it stays, and the next cleanup of any guest tries again.
 *
 * A crash at any point is safe. The record is removed last; when it is found again, the owner tells how far
 * things went. Only where mode or list have to be set after the owner, the record says so before
 * ("returning").
 *
 * Trusted: the records. Not trusted: all that the guest's user may have done to the file.
 */

#include "launcher/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "launcher/acl.h"
#include "launcher/path.h"
#include "log/log.h"
#include "util/text.h"

#define ACL_SIZE_MAX 65536

/* Extended attributes and modes cannot be reached by an O_PATH descriptor, but by its name in /proc. */
static void name_of_fd(int fd, char name[static 32])
{
        snprintf(name, 32, "/proc/self/fd/%d", fd);
}

int acl_of_fd(int fd, uint8_t **ret_acl, size_t *ret_size)
{
        _cleanup_(freep) uint8_t *acl = malloc(ACL_SIZE_MAX);
        char name[32];
        ssize_t n;

        if (!acl)
                return -ENOMEM;
        name_of_fd(fd, name);
        n = getxattr(name, ACL_ATTRIBUTE, acl, ACL_SIZE_MAX);
        if (n < 0 && errno != ENODATA && errno != EOPNOTSUPP)
                return -errno;
        if (n <= 0) {
                *ret_acl = NULL;
                *ret_size = 0;
                return 0;
        }
        *ret_acl = TAKE_PTR(acl);
        *ret_size = (size_t) n;
        return 0;
}

int acl_set(int fd, const uint8_t *acl, size_t size)
{
        char name[32];

        name_of_fd(fd, name);
        if (acl)
                return setxattr(name, ACL_ATTRIBUTE, acl, size, 0) < 0 ? -errno : 0;
        return removexattr(name, ACL_ATTRIBUTE) < 0 && errno != ENODATA && errno != EOPNOTSUPP ? -errno : 0;
}

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

/* Mode and list, once the owner is who it was. The mode first: it would change a list's mask. */
static int set_access(int fd, const Record *record)
{
        char name[32];
        int r;

        name_of_fd(fd, name);
        if (chmod(name, record->mode) < 0)
                return -errno;
        r = acl_differs(fd, record);
        return r > 0 ? acl_set(fd, record->acl, record->acl_size) : r;
}

/*
 * Where records and files lie on different filesystems, a crash of the host could keep the removed record
 * and lose the change of owner.
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

static int mark_returning(Ledger *ledger, Record *record)
{
        if (record->returning)
                return 0;
        record->returning = true;
        return ledger_save(ledger, record);
}

/*
 * An entry for a reader goes. The rest of the list is as it was, unless its owner changed it meanwhile: then
 * only the entry is taken out of what there is.
 */
static int unlist(Ledger *ledger, Record *record, int fd)
{
        _cleanup_(freep) uint8_t *listed = NULL, *now = NULL, *rest = NULL;
        size_t listed_size, now_size, rest_size;
        int r;

        r = acl_of_fd(fd, &now, &now_size);
        if (r < 0)
                return r;
        if (!record->returning && !now)
                return 0; /* crashed before it was set, or somebody removed it */
        if (!record->returning) {
                r = acl_add_reader(
                        record->acl, record->acl_size, record->mode, record->listed_user, &listed,
                        &listed_size);
                if (r < 0)
                        return r;
                if (now_size != listed_size || memcmp(now, listed, now_size) != 0) {
                        r = acl_drop_user(now, now_size, record->listed_user, &rest, &rest_size);
                        return r < 0 ? r : acl_set(fd, rest, rest_size);
                }
        }
        r = mark_returning(ledger, record);
        if (r >= 0)
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
                if (!record->listed)
                        log_warning(
                                "%s had its mode or its access control list changed while it was handed "
                                "out; both go back to what they were.",
                                record->path);
                r = mark_returning(ledger, record);
                if (r < 0)
                        return r;
        }
        if (fchownat(fd, "", record->owner, record->group, AT_EMPTY_PATH) < 0)
                return -errno;
        /* once more: who owned it until now may have changed it after the first look */
        if (fstat(fd, &after) < 0)
                return -errno;
        differs = acl_differs(fd, record);
        if (differs < 0)
                return differs;
        r = 0;
        if ((after.st_mode & 07777) != record->mode || differs)
                r = mark_returning(ledger, record);
        if (r >= 0 && record->returning)
                r = set_access(fd, record);
        if (r >= 0)
                sync_owner(fd, record);
        return r;
}

typedef enum Place {
        PLACE_FOUND,
        PLACE_GONE,    /* it is no more */
        PLACE_TAKEN,   /* another file is where it was */
        PLACE_UNKNOWN, /* it may turn up */
} Place;

/* By its handle, on the filesystem that `directory` is of. */
static Place find_by_handle(const Record *record, int directory, Walk *walk)
{
        struct {
                struct file_handle handle;
                uint8_t room[RECORD_HANDLE_MAX];
        } h = { .handle = { .handle_bytes = (unsigned) record->handle_size,
                            .handle_type = record->handle_type } };
        _cleanup_(closep) int mount = path_reopen(directory, O_RDONLY | O_DIRECTORY), fd = -EBADF;
        Identity identity;

        if (mount < 0)
                return PLACE_UNKNOWN;
        memcpy(h.room, record->handle, record->handle_size);
        fd = open_by_handle_at(mount, &h.handle, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return errno == ESTALE ? PLACE_GONE : PLACE_UNKNOWN;
        if (identity_of_fd(fd, &identity) < 0 || fstat(fd, &walk->st) < 0)
                return PLACE_UNKNOWN;
        if (!identity_same(&record->identity, &identity, false))
                return PLACE_UNKNOWN;
        walk->fd = TAKE_FD(fd);
        return PLACE_FOUND;
}

/* The file is not at its path. Looks below the deepest directory of the path that is there. */
static Place find_elsewhere(const Record *record, Walk *walk)
{
        uint64_t expected = record->directory ?: record->identity.file_system;
        _cleanup_(freep) char *path = path_directory(record->path);
        bool parent = true;

        while (path) {
                _cleanup_(walk_done) Walk directory = WALK_EMPTY;
                char *up;
                int r;

                r = path_walk(path, &directory);
                if (r >= 0 && directory.st.st_dev != expected)
                        return PLACE_UNKNOWN;
                if (r >= 0 && record->handle)
                        return find_by_handle(record, directory.fd, walk);
                if (r >= 0)
                        return parent && S_ISDIR(directory.st.st_mode) ? PLACE_GONE : PLACE_UNKNOWN;
                if ((r != -ENOENT && r != -ENOTDIR) || streq(path, "/"))
                        return PLACE_UNKNOWN;
                parent = false;
                up = path_directory(path);
                free(path);
                path = up;
        }
        return PLACE_UNKNOWN;
}

/* What is at the path now, or where the file is by now. */
static int find_file(const Record *record, bool rebooted, Walk *walk, Place *ret)
{
        Identity identity;
        Place place;
        int r;

        r = path_walk(record->path, walk);
        if (r == -ENOENT || r == -ENOTDIR) {
                if (record->identity.type != IDENTITY_FILE)
                        *ret = PLACE_GONE; /* device nodes come and go with their devices */
                else
                        *ret = rebooted ? PLACE_UNKNOWN : find_elsewhere(record, walk);
                return 0;
        }
        if (r >= 0)
                r = identity_of_fd(walk->fd, &identity);
        if (r < 0)
                return r;
        if (identity_same(&record->identity, &identity, rebooted)) {
                *ret = PLACE_FOUND;
                return 0;
        }
        if (record->identity.type != IDENTITY_FILE) {
                *ret = PLACE_TAKEN;
                return 0;
        }
        if (rebooted) {
                *ret = identity.file_system == record->identity.file_system ? PLACE_TAKEN : PLACE_UNKNOWN;
                return 0;
        }
        walk_done(walk);
        place = find_elsewhere(record, walk);
        *ret = place == PLACE_GONE ? PLACE_TAKEN : place;
        return 0;
}

/* 1 where the record has to stay, since the file may still turn up. */
static int restore_file(Ledger *ledger, Record *record, bool rebooted, bool report_absent)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        Place place;
        int r;

        r = find_file(record, rebooted, &walk, &place);
        if (r < 0)
                return log_errno(LOG_ERR, r, "%s cannot be looked at to be given back", record->path);
        /* device nodes are made anew, with their own owners, at each boot */
        if (record->identity.type != IDENTITY_FILE && rebooted)
                return 0;
        if (place == PLACE_UNKNOWN) {
                if (report_absent || (!rebooted && !*record->pending))
                        log_notice(
                                "%s is not there, so it is given back to its owner later: when a guest "
                                "starts or stops after it came back. If it is gone for good, remove its "
                                "record from " LEDGER_DIRECTORY ".",
                                record->path);
                return 1;
        }
        if (place == PLACE_GONE) {
                if (record->identity.type == IDENTITY_FILE)
                        log_warning("%s is gone, so there is nothing to give back.", record->path);
                return 0;
        }
        if (place == PLACE_TAKEN) {
                log_warning(
                        "%s is another file than the one that was handed out, so its owner stays as it is.",
                        record->path);
                return 0;
        }
        if (record->listed && !(record->granted && walk.st.st_uid == record->granted_user)) {
                r = unlist(ledger, record, walk.fd);
                return r < 0 ? log_errno(
                                       LOG_ERR, r, "The access control list of %s cannot be set back",
                                       record->path)
                             : 0;
        }
        if (walk.st.st_uid != record->granted_user &&
            !(record->returning && walk.st.st_uid == record->owner)) {
                if (walk.st.st_uid != record->owner)
                        log_warning(
                                "%s belongs to user %u now, neither to who had it before (%u) nor to who it "
                                "was handed to (%u), so it stays as it is.",
                                record->path, walk.st.st_uid, record->owner, record->granted_user);
                return 0;
        }
        r = give_back(ledger, record, walk.fd, &walk.st);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "%s cannot be given back to user %u", record->path, record->owner);
        return 0;
}

typedef struct Release {
        const char *guest;
        bool report_absent;
} Release;

/* systemd makes a guest's run-time directory before prepare runs, and removes it after cleanup did. */
static bool holds_no_more(const Ledger *ledger, const Release *release, const Holder *h)
{
        if (!streq(h->boot, ledger_boot(ledger)))
                return true;
        if (release->guest && streq(h->guest, release->guest))
                return true;
        return access(h->directory, F_OK) < 0 && errno == ENOENT;
}

static bool held_since_boot(const Ledger *ledger, const Record *record)
{
        for (size_t i = 0; i < record->n_holders; i++)
                if (streq(record->holders[i].boot, ledger_boot(ledger)))
                        return true;
        return false;
}

/* Ends what is held of a file that is not there, so that no guest is told that it is in use. */
static int put_off(Ledger *ledger, Record *record)
{
        if (*record->pending)
                return 0;
        memcpy(record->pending, ledger_boot(ledger), sizeof(record->pending));
        while (record->n_holders > 0)
                record_remove_holder(record, record->n_holders - 1);
        return ledger_save(ledger, record);
}

static int release_one(Ledger *ledger, Record *taken, void *userdata)
{
        _cleanup_(record_freep) Record *record = taken;
        const Release *release = userdata;
        size_t kept = 0;
        int r;

        for (size_t i = 0; i < record->n_holders; i++)
                kept += !holds_no_more(ledger, release, &record->holders[i]);
        if (kept > 0 && kept == record->n_holders)
                return 0;
        if (kept > 0) {
                for (size_t i = record->n_holders; i-- > 0;)
                        if (holds_no_more(ledger, release, &record->holders[i]))
                                record_remove_holder(record, i);
                return ledger_save(ledger, record);
        }
        if (record->granted || record->listed) {
                /* where that fails the holders stay in the record,
                 * so that the next one to look tries again */
                bool rebooted =
                        !held_since_boot(ledger, record) && !streq(record->pending, ledger_boot(ledger));

                r = restore_file(ledger, record, rebooted, release->report_absent);
                if (r > 0)
                        return rebooted ? 0 : put_off(ledger, record);
                if (r < 0)
                        return r;
        }
        return ledger_remove(ledger, record);
}

int restore_released(Ledger *ledger, const char *guest, bool report_absent)
{
        Release release = { .guest = guest, .report_absent = report_absent };

        return ledger_each(ledger, release_one, &release);
}
