/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The file is in the guest's state directory, where the guest's user can write, or where libvirt keeps it,
 * in another user's directory. In the first case, the child that runs as the guest's user creates it, with
 * no more rights than anybody who could lay a trap there. In the second case root does, relative to the
 * descriptor of a checked walk: it creates a file without a name, or with a random one where the file
 * system cannot, gives it to the guest's user by its descriptor, and then gives it only a name that does not
 * exist. Symbolic links are followed in neither case.
 *
 * Trusted: the template, which the administrator's XML names. It is read with root's rights, and only its
 * size is checked, because a wrong file may be large.
 */

#include "launcher/prepare/nvram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "contract/limits.h"
#include "launcher/errand/path.h"
#include "log/log.h"
#include "util/file.h"
#include "util/text.h"

static int open_template(const char *template, int *ret_fd)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        int r;

        r = path_walk_logged("the firmware's template", template, &walk);
        if (r < 0)
                return r;
        if (!S_ISREG(walk.st.st_mode) || walk.st.st_size > NVRAM_SIZE_MAX) {
                log_error(
                        "The firmware's template %s must be a regular file of at most %u MiB.", template,
                        NVRAM_SIZE_MAX >> 20);
                return -EPERM;
        }
        r = path_reopen(walk.fd, O_RDONLY);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot open the firmware's template %s", template);
        *ret_fd = r;
        return 0;
}

static int copy(int from, int to)
{
        _cleanup_(freep) char *room = malloc(64 << 10);
        uint64_t size = 0;

        if (!room)
                return -ENOMEM;
        for (;;) {
                ssize_t n = read(from, room, 64 << 10);
                int r;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : fsync(to) < 0 ? -errno : 0;
                size += (uint64_t) n;
                if (size > NVRAM_SIZE_MAX)
                        return -EFBIG;
                r = file_write_all(to, room, (size_t) n);
                if (r < 0)
                        return r;
        }
}

/* Without the file's own name, which may be as long as a name can be. */
static char *temporary_name(void)
{
        unsigned random;

        if (getrandom(&random, sizeof(random), 0) != sizeof(random))
                return NULL;
        return text_format(".#%08x", random);
}

/* In a directory of the guest's user. */
static int make_as_guest(const Granting *granting, int directory, const char *path, int template)
{
        _cleanup_(freep) char *temporary = temporary_name();
        _cleanup_(closep) int fd = errand_create(granting->errand, directory, "");
        const char *from = fd >= 0 ? "" : temporary;
        int r;

        if (!temporary)
                return -ENOMEM;
        if (fd < 0)
                fd = errand_create(granting->errand, directory, temporary);
        if (fd < 0)
                return fd;
        r = copy(template, fd);
        if (r >= 0)
                r = errand_rename(granting->errand, directory, from, strrchr(path, '/') + 1, false);
        if (r < 0 && *from)
                (void) errand_remove(granting->errand, directory, from);
        return r;
}

/* In a directory of root or of another user. */
static int make_as_root(const Granting *granting, int directory, const char *path, int template)
{
        _cleanup_(freep) char *temporary = temporary_name();
        _cleanup_(closep) int fd = file_create_nameless(directory);
        const char *name = strrchr(path, '/') + 1;
        bool named = fd < 0;
        int r;

        if (!temporary)
                return -ENOMEM;
        if (named)
                fd = openat(
                        directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = copy(template, fd);
        if (r >= 0 && fchown(fd, granting->user->uid, granting->user->gid) < 0)
                r = -errno;
        if (r >= 0)
                r = named ? file_rename_new(directory, temporary, name) : file_link_new(fd, directory, name);
        if (r < 0 && named)
                (void) unlinkat(directory, temporary, 0);
        return r;
}

/* Creates the missing directories, if only root controls the deepest one that exists. */
static int make_directories(const char *path)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        _cleanup_(freep) char *parent = path_directory(path);
        int r;

        if (!parent)
                return -ENOMEM;
        r = path_walk(parent, &walk);
        if (r == -ENOENT) {
                r = make_directories(parent);
                if (r < 0)
                        return r;
                walk_done(&walk);
                r = path_walk(parent, &walk);
        }
        if (r < 0)
                return r;
        if (walk.control.anyone || (walk.control.owner != 0 && walk.control.owner != geteuid()))
                return -ENOENT;
        return mkdirat(walk.fd, strrchr(path, '/') + 1, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int walk_to_directory(const char *directory, bool make, Walk *walk)
{
        int r;

        r = path_walk(directory, walk);
        if (r == -ENOENT && make) {
                r = make_directories(directory);
                if (r < 0)
                        return log_errno(
                                LOG_ERR, r, "Cannot create the directory %s for the firmware's variables",
                                directory);
        }
        walk_done(walk);
        r = path_walk_logged("the directory for the firmware's variables", directory, walk);
        if (r >= 0 && !S_ISDIR(walk->st.st_mode))
                return log_errno(LOG_ERR, -ENOTDIR, "Cannot use %s for the firmware's variables", directory);
        return r;
}

int nvram_make(const Granting *granting, const char *template, const char *path)
{
        _cleanup_(walk_done) Walk walk = WALK_EMPTY;
        _cleanup_(freep) char *directory = path_directory(path);
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        bool own;
        int r;

        if (!directory)
                return log_out_of_memory();
        r = walk_to_directory(directory, granting->ledger || geteuid() != 0, &walk);
        if (r < 0)
                return r;
        if (fstatat(walk.fd, strrchr(path, '/') + 1, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                return 0; /* handing it out, or opening it, checks whether it is suitable */
        if (errno != ENOENT)
                return log_errno(LOG_ERR, -errno, "Cannot stat %s", path);
        r = open_template(template, &fd);
        if (r < 0)
                return r;
        own = !granting->ledger || walk.st.st_uid == granting->user->uid;
        r = own ? make_as_guest(granting, walk.fd, path, fd) : make_as_root(granting, walk.fd, path, fd);
        if (r == -EEXIST) /* another process was faster */
                return 0;
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot create %s as a copy of %s", path, template);
        log_info("Created %s as a copy of %s.", path, template);
        return 0;
}
