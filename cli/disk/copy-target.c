/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where vmctl copy-disk copies to: a file that is new, or a block device. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/disk/copy-private.h"
#include "contract/exit.h"
#include "operate/overlay.h"
#include "util/file.h"

static int find_directory(Copy *c, const char *path)
{
        const char *name = strrchr(path, '/');
        _cleanup_(freep) char *parent = name ? path_directory(path) : strdup("."), *real = NULL;

        name = name ? name + 1 : path;
        real = parent ? realpath(parent, NULL) : NULL;
        if (!real)
                return parent ? fail(EXIT_OS, "cannot find the directory of %s: %s", path, strerror(errno))
                              : fail(EXIT_OS, "out of memory");
        if (!*name || streq(name, ".") || streq(name, ".."))
                return fail(EXIT_BAD_USAGE, "%s is not the name of a file", path);
        c->directory = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        c->path = text_format("%s/%s", streq(real, "/") ? "" : real, name);
        if (c->directory < 0)
                return fail(EXIT_OS, "cannot open %s: %s", real, strerror(errno));
        return c->path ? 0 : fail(EXIT_OS, "out of memory");
}

int copy_find_target(Copy *c, const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return errno == ENOENT ? find_directory(c, path)
                                       : fail(EXIT_OS, "cannot stat %s: %s", path, strerror(errno));
        c->block = S_ISBLK(st.st_mode);
        if (!c->block)
                return fail(
                        EXIT_BAD_USAGE,
                        "%s exists; a copy is a new file, or a block device, whose contents it replaces",
                        path);
        c->path = realpath(path, NULL);
        return c->path ? 0 : fail(EXIT_OS, "cannot find %s: %s", path, strerror(errno));
}

/* Whoever could replace the copy would decide what root opens. */
int copy_check_way(const Copy *c)
{
        _cleanup_(freep) char *parent = path_directory(c->path), *way = NULL;
        int r;

        way = parent ? text_format("%s/.", parent) : NULL;
        if (!way)
                return fail(EXIT_OS, "out of memory");
        r = c->inner.user_scope ? 0 : image_check_way(way);
        return r == -EPERM
                       ? fail(EXIT_POLICY,
                              "not only root can change the directories on the way to %s, so that another "
                              "file could take its place; choose another directory",
                              c->path)
               : r < 0 ? fail(EXIT_OS, "cannot look at %s: %s", parent, strerror(-r))
                       : 0;
}

static int open_device(Copy *c)
{
        off_t size;

        c->exclusive = open(c->path, O_RDWR | O_EXCL | O_CLOEXEC);
        size = c->exclusive < 0 ? -1 : lseek(c->exclusive, 0, SEEK_END);
        if (c->exclusive < 0 && errno == EBUSY)
                return fail(EXIT_OS, "%s is in use on this host", c->path);
        if (size < 0)
                return fail(EXIT_OS, "cannot open %s: %s", c->path, strerror(errno));
        if ((uint64_t) size < c->size)
                return fail(
                        EXIT_BAD_USAGE, "%s has %lld bytes, and disk %s has %llu", c->path, (long long) size,
                        c->target, (unsigned long long) c->size);
        c->file.fd = open(c->path, O_RDWR | O_CLOEXEC);
        return c->file.fd < 0 ? fail(EXIT_OS, "cannot open %s: %s", c->path, strerror(errno)) : 0;
}

/* Who could use the image can use the copy. */
static int copy_owner(const Copy *c)
{
        if (!S_ISREG(c->like.st_mode))
                return 0;
        if (geteuid() == 0 && fchown(c->file.fd, c->like.st_uid, c->like.st_gid) < 0)
                return -errno;
        return fchmod(c->file.fd, c->like.st_mode & 0666) < 0 ? -errno : 0;
}

static int create_file(Copy *c)
{
        int r = target_create(&c->file, c->directory, strrchr(c->path, '/') + 1);

        r = r < 0 ? r : copy_owner(c);
        if (r >= 0 && !c->node && ftruncate(c->file.fd, (off_t) c->size) < 0)
                r = -errno;
        return r < 0 ? fail(r == -EACCES || r == -EPERM || r == -EROFS ? EXIT_POLICY : EXIT_OS,
                            "cannot create %s: %s", c->path,
                            r == -EBUSY ? "another copy is writing it" : strerror(-r))
                     : 0;
}

/* QEMU finds a descriptor in a set by its flags, this one among them. */
static int set_direct(const Copy *c)
{
        int flags = fcntl(c->file.fd, F_GETFL);

        if (!json_is_true(json_object_get(json_object_get(c->storage, "cache"), "direct")))
                return 0;
        return flags < 0 || fcntl(c->file.fd, F_SETFL, flags | O_DIRECT) < 0
                       ? fail(EXIT_OS,
                              "the disk does not use the host's cache, and %s cannot do without it: %s",
                              c->path, strerror(errno))
                       : 0;
}

int copy_open_target(Copy *c)
{
        int r = c->block ? open_device(c) : create_file(c);

        return r ?: set_direct(c);
}
