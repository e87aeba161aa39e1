/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * That a file is not at its path says little: it or its directory may have been renamed, or its filesystem
 * be unmounted for a while, or not mounted yet after a crash of the host. So it is looked for by its handle,
 * which the filesystem finds it by wherever it lies, and it is said to be gone only where that filesystem is
 * there and has it no more.
 *
 * Whether it is that filesystem, its number tells in one boot. The next one may give it another number, and
 * the old one to another filesystem: then it is believed where the directory is the same one that the file
 * was in, by its inode and when it was made; and a file is believed to be the same one only where both tell
 * when it was made.
 */

#include "launcher/grant/find-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "util/text.h"

/* By its handle, on the filesystem that `directory` is of. */
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

/* Whether it is on the filesystem that the file lay on, as far as its number tells. */
static bool is_filesystem(const Record *record, const Walk *directory)
{
        const Identity *known = record->directory.inode ? &record->directory : &record->identity;

        return directory->st.st_dev == known->file_system;
}

/* Whether it is the directory that the file lay in. */
static bool is_parent(const Record *record, const Walk *directory)
{
        Identity identity;

        return record->directory.born && identity_of_fd(directory->fd, &identity) >= 0 &&
               identity.inode == record->directory.inode && identity.born == record->directory.born;
}

/* Looks on the filesystem of a directory of the path; `parent`: it is the one that the file was in. */
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

/* The file is not at its path. Looks below the deepest directory of the path that is there. */
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
        /* device nodes come and go with their devices */
        *ret = device ? PLACE_GONE : find_elsewhere(record, rebooted, walk);
        if (*ret == PLACE_GONE && taken)
                *ret = PLACE_TAKEN;
        return 0;
}
