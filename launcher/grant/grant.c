/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a program must open by its path, and with Disks=chown each disk, belongs to the guest's user while
 * the guest runs, and to its previous owner afterwards. This requires care:
 *
 *  - Root changes owners here, at paths where others may write. path_walk() protects the way;
 *    walk_check_owner() protects against hard links: if a user controls a directory on the way, only that
 *    user's own files are handed out. Elsewhere a file with several names is refused anyway, because one of
 *    the names may be where nobody expects a change.
 *  - Everything is done on the walk's descriptor, so what was checked is what is changed.
 *  - The record is on disk before the owner changes; see restore.c for giving files back.
 *  - Two guests may both read a file, and two that both say so (shareable) may both write it. Otherwise a
 *    file that is written has only one guest. The records are asked first, because their answer names the
 *    other guest; QEMU's own locks would only refuse.
 *
 * A file that a guest only reads keeps its owner: an entry in its access control list lets the guest's user
 * read it.
 *
 * A user that can already use the file gets nothing more, and then its directories do not matter. The
 * process that runs as that user asks the kernel whether it can. Only owners change: a mode that keeps the
 * owner from writing is deliberate, and a file with setuid or setgid bits is not a disk.
 *
 * Trusted: root, and the paths in the arguments. Not trusted: the guest's user, and everybody else who can
 * write on the way.
 */

#include "launcher/grant/grant.h"

#include <errno.h>
#include <fcntl.h>

#include "launcher/errand/path.h"
#include "launcher/errand/user-name.h"
#include "launcher/grant/acl.h"
#include "launcher/grant/grant-check.h"
#include "launcher/grant/restore.h"
#include "log/log.h"
#include "util/text.h"

static int access_mode(Access mode)
{
        return mode == ACCESS_READ ? R_OK : R_OK | W_OK;
}

/* Stores the current owner, mode and list in a record that has none to restore yet. */
static int remember_state(Record *record, const Walk *walk)
{
        _cleanup_(freep) uint8_t *acl = NULL;
        size_t acl_size;
        int r;

        r = acl_of_fd(walk->fd, &acl, &acl_size);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot read the access control list of %s", walk->path);
        record->owner = walk->st.st_uid;
        record->group = walk->st.st_gid;
        record->mode = walk->st.st_mode & 07777;
        free(record->acl);
        record->acl = TAKE_PTR(acl);
        record->acl_size = acl_size;
        return 0;
}

/* Stores where the file is, for the case that its path no longer leads there. */
static int remember_place(Record *record, const Walk *walk)
{
        struct {
                struct file_handle handle;
                uint8_t room[RECORD_HANDLE_MAX];
        } h = { .handle.handle_bytes = sizeof(h.room) };
        _cleanup_(walk_done) Walk directory = WALK_EMPTY;
        _cleanup_(freep) char *parent = NULL;
        uint8_t *handle = NULL;
        int mount;

        record->directory = (Identity){ 0 };
        parent = path_directory(walk->path);
        if (parent && path_walk(parent, &directory) >= 0)
                (void) identity_of_fd(directory.fd, &record->directory);
        *record->pending = '\0';
        if (name_to_handle_at(walk->fd, "", &h.handle, &mount, AT_EMPTY_PATH) >= 0 &&
            h.handle.handle_bytes > 0) {
                handle = malloc(h.handle.handle_bytes);
                if (!handle)
                        return log_out_of_memory();
                memcpy(handle, h.room, h.handle.handle_bytes);
        }
        free(record->handle);
        record->handle = handle;
        record->handle_size = handle ? h.handle.handle_bytes : 0;
        record->handle_type = handle ? h.handle.handle_type : 0;
        return 0;
}

static int add_holder(const Granting *granting, Record *record, Access mode)
{
        Holder holder = {
                .guest = (char *) granting->guest,
                .directory = granting->user->directory,
                .mode = mode,
                .user = granting->user->uid,
        };
        int r;

        memcpy(holder.boot, ledger_boot(granting->ledger), sizeof(holder.boot));
        r = record_add_holder(record, &holder);
        return r < 0 ? log_errno(LOG_ERR, r, "Cannot record that the guest uses %s", record->path) : 0;
}

static int change_owner(const Granting *granting, Record *record, const Walk *walk, Access mode)
{
        struct stat st;
        int r;

        r = grant_check_file(granting, walk, mode);
        if (r >= 0)
                r = grant_check_users(granting, record);
        /* an owner other than the one we set was set by somebody since, and is the one to restore */
        if (r >= 0 && record->n_listed == 0 && !(record->granted && record->granted_user == walk->st.st_uid))
                r = remember_state(record, walk);
        if (r < 0)
                return r;
        r = remember_place(record, walk);
        if (r < 0)
                return r;
        record->granted = true;
        record->granted_user = granting->user->uid;
        record->returning = false;
        r = add_holder(granting, record, mode);
        if (r >= 0)
                r = ledger_save(granting->ledger, record);
        if (r < 0)
                return r;
        if (fchownat(walk->fd, "", granting->user->uid, (gid_t) -1, AT_EMPTY_PATH) < 0)
                return log_errno(
                        LOG_ERR, -errno, "Cannot change the owner of %s to %s", walk->path,
                        user_name(granting->user->uid).text);
        if (fstat(walk->fd, &st) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot stat %s", walk->path);
        r = st.st_uid == granting->user->uid ? errand_access(granting->errand, walk->fd, access_mode(mode))
                                             : -EPERM;
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "The owner of %s is now %s, who still cannot %s it", walk->path,
                        user_name(granting->user->uid).text, grant_purpose(mode));
        log_debug(
                "Changed the owner of %s from %s to %s.", walk->path, user_name(walk->st.st_uid).text,
                user_name(granting->user->uid).text);
        return 0;
}

/*
 * A reader does not become the owner, because an owner could give itself write access. The entry stays in
 * the access control list until no guest uses the file. Readers of several users have an entry each.
 */
static int let_read(const Granting *granting, Record *record, const Walk *walk)
{
        _cleanup_(freep) uint8_t *acl = NULL;
        size_t size;
        int r;

        r = grant_check_file(granting, walk, ACCESS_READ);
        if (r >= 0 && record->n_listed == 0)
                r = remember_state(record, walk);
        if (r >= 0)
                r = remember_place(record, walk);
        if (r < 0)
                return r;
        r = record_add_listed(record, granting->user->uid);
        if (r >= 0)
                r = acl_add_readers(
                        record->acl, record->acl_size, record->mode, record->listed, record->n_listed, &acl,
                        &size);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot build an access control list for %s", walk->path);
        record->returning = false;
        r = add_holder(granting, record, ACCESS_READ);
        if (r >= 0)
                r = ledger_save(granting->ledger, record);
        if (r < 0)
                return r;
        r = acl_set(walk->fd, acl, size);
        if (r == -EOPNOTSUPP) {
                log_error(
                        "User %s cannot read %s, and its file system has no access control lists to let "
                        "only that user do so. Let more users read it: chmod o+r, or chgrp and chmod g+r.",
                        user_name(granting->user->uid).text, walk->path);
                return -EPERM;
        }
        if (r >= 0)
                r = errand_access(granting->errand, walk->fd, R_OK);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot let user %s read %s", user_name(granting->user->uid).text,
                        walk->path);
        log_debug("User %s can read %s now.", user_name(granting->user->uid).text, walk->path);
        return 0;
}

/* A file that waits to be given back is not confused with one that only differs in its path. */
static bool is_another(const Record *record, const Identity *identity, const char *path)
{
        if (!identity_same(&record->identity, identity, false))
                return true;
        return *record->pending && !identity->born && !streq(record->path, path);
}

/* The file's record, or a new one if there is none. */
static int find_record(const Granting *granting, const Identity *identity, const char *path, Record **ret)
{
        _cleanup_(record_freep) Record *record = NULL;
        int r;

        r = ledger_load(granting->ledger, identity, &record);
        if (r < 0)
                return r;
        if (record && is_another(record, identity, path)) {
                log_notice(
                        "%s is not %s, which was handed out and no longer exists; keeping the record of "
                        "that file.",
                        path, record->path);
                r = ledger_set_aside(granting->ledger, record);
                if (r < 0)
                        return r;
                record = record_free(record);
        }
        if (!record) {
                record = record_new();
                if (!record)
                        return log_out_of_memory();
                record->identity = *identity;
                record->path = strdup(path);
                if (!record->path)
                        return log_out_of_memory();
        }
        *ret = TAKE_PTR(record);
        return 0;
}

/* Records that the guest uses a file that needs no change. */
static int hold(const Granting *granting, Record *record, const Walk *walk, Access mode)
{
        int r;

        if (!record->granted && record->n_listed == 0) {
                r = remember_state(record, walk);
                if (r < 0)
                        return r;
        }
        r = add_holder(granting, record, mode);
        return r < 0 ? r : ledger_save(granting->ledger, record);
}

static bool is_everybodys(const struct stat *st)
{
        return S_ISCHR(st->st_mode) && (st->st_mode & 0666) == 0666;
}

/*
 * Locks the file, and gives back what its last guest could not. The caller unlocks it, also after a failure.
 */
static int lock(const Granting *granting, Walk *walk, Identity *ret)
{
        int r;

        r = identity_of_fd(walk->fd, ret);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot stat %s", walk->path);
        r = ledger_lock(granting->ledger, ret, true);
        if (r < 0)
                return r;
        /* failures have been logged, and the checks below will notice them */
        (void) restore_file_left(granting->ledger, ret);
        return fstat(walk->fd, &walk->st) < 0 ? log_errno(LOG_ERR, -errno, "Cannot stat %s", walk->path) : 0;
}

static int ask_access(const Granting *granting, Access mode, const Walk *walk)
{
        int r;

        r = errand_access(granting->errand, walk->fd, access_mode(mode));
        if (r >= 0 || (granting->ledger && (r == -EACCES || r == -EPERM)))
                return r;
        return log_errno(
                LOG_ERR, r, "User %s cannot %s %s", user_name(granting->user->uid).text, grant_purpose(mode),
                walk->path);
}

static int take_locked(const Granting *granting, Access mode, const Walk *walk, const Identity *identity)
{
        _cleanup_(record_freep) Record *record = NULL;
        int r, access;

        access = ask_access(granting, mode, walk);
        if ((access < 0 && access != -EACCES && access != -EPERM) ||
            (access >= 0 && is_everybodys(&walk->st)))
                return access;
        r = find_record(granting, identity, walk->path, &record);
        if (r >= 0)
                r = grant_check_holders(granting, record, mode);
        if (r < 0)
                return r;
        if (access >= 0)
                return hold(granting, record, walk, mode);
        return mode == ACCESS_READ ? let_read(granting, record, walk)
                                   : change_owner(granting, record, walk, mode);
}

static int take(const Granting *granting, Access mode, Walk *walk)
{
        Identity identity;
        int r;

        if (!granting->ledger)
                return ask_access(granting, mode, walk);
        r = lock(granting, walk, &identity);
        if (r >= 0)
                r = take_locked(granting, mode, walk, &identity);
        ledger_unlock(granting->ledger);
        return r;
}

int grant_take(const Granting *granting, Access mode, const char *path)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        int r;

        r = grant_walk_to_file(path, &walk);
        return r < 0 ? r : take(granting, mode, &walk);
}

int grant_take_device(const Granting *granting, Access mode, const char *path)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        int r;

        r = grant_walk_to_device(path, &walk);
        return r < 0 ? r : take(granting, mode, &walk);
}

int grant_check_use(const Granting *granting, Access mode, Walk *walk)
{
        _cleanup_(record_freep) Record *record = NULL;
        Identity identity;
        int r;

        if (!granting->ledger)
                return 0;
        r = lock(granting, walk, &identity);
        if (r >= 0)
                r = find_record(granting, &identity, walk->path, &record);
        if (r >= 0)
                r = grant_check_holders(granting, record, mode);
        ledger_unlock(granting->ledger);
        return r;
}

static int remember_use(const Granting *granting, Access mode, int fd, const char *path)
{
        _cleanup_(record_freep) Record *record = NULL;
        Walk walk = { .fd = fd, .path = (char *) path };
        Identity identity;
        int r;

        if (!granting->ledger)
                return 0;
        r = lock(granting, &walk, &identity);
        if (r >= 0)
                r = find_record(granting, &identity, path, &record);
        if (r >= 0)
                r = grant_check_holders(granting, record, mode);
        if (r >= 0)
                r = hold(granting, record, &walk, mode);
        ledger_unlock(granting->ledger);
        return r;
}

int grant_remember_reader(const Granting *granting, int fd, const char *path)
{
        return remember_use(granting, ACCESS_READ, fd, path);
}

int grant_remember_device(const Granting *granting, int fd, const char *path)
{
        return remember_use(granting, ACCESS_WRITE, fd, path);
}
