/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU writes the variables to their file at once, so a copy of the file is what the firmware has; only an
 * image in qcow2 format is not whole while QEMU has it open. The file is in a directory where the guest's
 * user can write: links there are not followed, and the copy replaces the file by its name.
 */

#include "cli/snapshot/nvram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "contract/exit.h"
#include "guest/firmware/firmware.h"
#include "util/file.h"

/* NULL if the guest has no file of its own. */
static const char *path_of(const ChangeCall *c)
{
        const Firmware *f = c->operation.now.guest->firmware;

        return f->nvram_is_block || f->nvram_is_remote ? NULL : f->nvram;
}

static char *kept_path(const char *directory, const char *name)
{
        return text_format("%s/%s" SNAPSHOT_NVRAM, directory, name);
}

/* The copy is whole, and goes if it is not kept. */
static int make_copy(ChangeCall *c, const char *from, const char *to, FileCopy *copy)
{
        int r = change_check(c, operation_make(&c->operation, to));

        if (r != 0)
                return r;
        r = unlink(to) < 0 && errno != ENOENT ? -errno : 0; /* of somebody who was killed */
        r = r < 0 ? r : copy_make(from, to, NVRAM_SIZE_MAX, copy);
        r = r < 0 ? r : copy_name(copy);
        return r < 0 ? fail(r == -EACCES || r == -EPERM || r == -EROFS ? EXIT_POLICY : EXIT_OS,
                            "cannot copy the firmware's variables from %s to %s: %s", from, to, strerror(-r))
                     : 0;
}

int nvram_keep(ChangeCall *c, const char *directory, const char *name)
{
        const char *path = path_of(c);
        _cleanup_(freep) char *kept = kept_path(directory, name);
        _cleanup_(copy_done) FileCopy copy = FILE_COPY_EMPTY;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (!kept)
                return fail(EXIT_OS, "out of memory");
        if (!path || access(path, F_OK) < 0) /* before the first start */
                return 0;
        if (c->running && c->operation.now.guest->firmware->nvram_format == FIRMWARE_QCOW2) {
                fprintf(stderr,
                        "vmctl: the firmware's variables in %s are not part of the snapshot: they are a "
                        "qcow2 "
                        "image, which is not whole while the guest runs\n",
                        path);
                return 0;
        }
        fd = file_open_private_directory(directory);
        if (fd < 0)
                return fail(EXIT_OS, "cannot write to %s: %s", directory, strerror(-fd));
        r = make_copy(c, path, kept, &copy);
        if (r == 0)
                copy_keep(&copy);
        return r;
}

int nvram_prepare(ChangeCall *c, const char *directory, const char *name, FileCopy *ret)
{
        const char *path = path_of(c);
        _cleanup_(freep) char *kept = kept_path(directory, name),
                              *next = path ? text_format("%s.revert", path) : NULL;

        if (!kept || (path && !next))
                return fail(EXIT_OS, "out of memory");
        return !path || access(kept, F_OK) < 0 ? 0 : make_copy(c, kept, next, ret);
}

int nvram_restore(const ChangeCall *c, FileCopy *copy)
{
        const char *path = path_of(c);

        if (!copy->named)
                return 0;
        if (renameat(copy->directory, strrchr(copy->to, '/') + 1, copy->directory, strrchr(path, '/') + 1) <
                    0 ||
            fsync(copy->directory) < 0)
                return fail(
                        EXIT_OS, "cannot replace the firmware's variables in %s: %s", path, strerror(errno));
        copy_keep(copy);
        return 0;
}
