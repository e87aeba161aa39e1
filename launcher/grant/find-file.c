/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A file that is not at its path may still exist: it or its directory may have been renamed, or its
 * filesystem may be unmounted, or not mounted yet after a crash of the host. So it is looked up by its
 * handle, with which the filesystem finds it under any name, and it is considered gone only if that
 * filesystem is there and no longer has it.
 *
 * Within one boot, a filesystem is recognized by its number. After a reboot the number may have changed, or
 * belong to another filesystem. Then the filesystem is recognized by the directory that the file was in, by
 * inode and creation time, and a file is considered the same only if both creation times are known. Trusted:
 * the record, and the kernel's answers.
 */

#include "launcher/grant/find-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "util/text.h"

/* Opens the file by its handle, on the filesystem of `directory`. */
static Place find_by_handle(const Record *record, bool rebooted, int directory, Walk *walk)
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
        if (!identity_same(&record->identity, &identity, rebooted) || (rebooted && !identity.born))
                return PLACE_UNKNOWN;
        walk->fd = TAKE_FD(fd);
        return PLACE_FOUND;
}

/* Whether it is on the file's filesystem, judging by its number. */
static bool is_filesystem(const Record *record, const Walk *directory)
{
        const Identity *known = record->directory.inode ? &record->directory : &record->identity;

        return directory->st.st_dev == known->file_system;
}

/* Whether it is the directory that the file was in. */
static bool is_parent(const Record *record, const Walk *directory)
{
        Identity identity;

        return record->directory.born && identity_of_fd(directory->fd, &identity) >= 0 &&
               identity.inode == record->directory.inode && identity.born == record->directory.born;
}

/* Looks on the filesystem of one directory of the path; `parent` means that the file was directly in it. */
static Place look_below(const Record *record, bool rebooted, const Walk *directory, bool parent, Walk *walk)
{
        bool certain = rebooted ? parent && is_parent(record, directory) : is_filesystem(record, directory);
        Place place;

        if (!certain && !rebooted)
                return PLACE_UNKNOWN;
        if (!record->handle)
                return certain && parent && S_ISDIR(directory->st.st_mode) ? PLACE_GONE : PLACE_UNKNOWN;
        place = find_by_handle(record, rebooted, directory->fd, walk);
        return place == PLACE_GONE && !certain ? PLACE_UNKNOWN : place;
}

/* If the file is not at its path: starts from the deepest directory of the path that exists. */
static Place find_elsewhere(const Record *record, bool rebooted, Walk *walk)
{
        _cleanup_(freep) char *path = path_directory(record->path);
        bool parent = true;

        while (path) {
                _cleanup_(walk_done) Walk directory = WALK_EMPTY;
                char *up;
                int r;

                r = path_walk(path, &directory);
                if (r >= 0)
                        return look_below(record, rebooted, &directory, parent, walk);
                if ((r != -ENOENT && r != -ENOTDIR) || streq(path, "/"))
                        return PLACE_UNKNOWN;
                parent = false;
                up = path_directory(path);
                free(path);
                path = up;
        }
        return PLACE_UNKNOWN;
}

int find_file(const Record *record, bool rebooted, Walk *walk, Place *ret)
{
        bool device = record->identity.type != IDENTITY_FILE, taken;
        Identity identity;
        int r;

        r = path_walk(record->path, walk);
        taken = r >= 0;
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                return r;
        if (taken) {
                r = identity_of_fd(walk->fd, &identity);
                if (r < 0)
                        return r;
                if (identity_same(&record->identity, &identity, rebooted)) {
                        *ret = PLACE_FOUND;
                        return 0;
                }
        }
        walk_done(walk);
        /* device nodes appear and disappear with their devices */
        *ret = device ? PLACE_GONE : find_elsewhere(record, rebooted, walk);
        if (*ret == PLACE_GONE && taken)
                *ret = PLACE_TAKEN;
        return 0;
}
