/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Root acts here on paths that a guest's XML names, while the guest's user may be able to write in some of
 * the directories on the way, such as its state directory or a home directory. That user could put a
 * symbolic link there to make root act on another file, put a hard link there, which no look at the path
 * reveals, or swap directories while root walks.
 *
 * So a path is walked one component at a time. Each is opened relative to the descriptor of the previous
 * one, and the kernel never follows a symbolic link. The result is a descriptor, and callers act on that.
 * For each directory it is recorded who may change it. Root's own symbolic links (/dev/VG/LV,
 * /dev/disk/by-…) are followed, anybody else's are not. Against hard links only the file's owner helps:
 * users cannot make themselves the owner of a file, so a file owned by the user who controls the way is that
 * user's to lose. An unprivileged caller (a user's own guests) has no rights that a trap could exploit, and
 * follows all links.
 *
 * Trusted: root, and every filesystem that root mounted. Not trusted: every other user.
 */

#include "launcher/errand/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "contract/limits.h"
#include "launcher/errand/user-name.h"
#include "log/log.h"
#include "util/text.h"

typedef struct Walker {
        Walk *walk;
        int directory;
        struct stat st;      /* of directory */
        char rest[PATH_MAX]; /* the part that has not been walked yet */
        char path[PATH_MAX]; /* of directory; "" for the root */
        unsigned links;
} Walker;

static void walker_done(Walker *w)
{
        w->directory = fd_close(w->directory);
}

void walk_done(Walk *walk)
{
        walk->fd = fd_close(walk->fd);
        free(walk->path);
        free(walk->rest);
        free(walk->control.where);
        *walk = WALK_EMPTY;
}

static bool writable_by_many(const struct stat *st)
{
        /* with an access control list, the group's bits are its mask and so cover named users too */
        return st->st_mode & (S_IWGRP | S_IWOTH);
}

int path_control_add(PathControl *control, const struct stat *st, const char *path)
{
        bool many = writable_by_many(st), another = st->st_uid != 0 && st->st_uid != control->owner;

        /*
         * in a sticky directory, users cannot rename or remove others' directories; for other files see
         * walk_end()
         */
        if (many && st->st_mode & S_ISVTX)
                many = false;
        if (!many && !another)
                return 0;
        if (control->anyone)
                return 0;
        free(control->where);
        control->where = strdup(*path ? path : "/");
        if (!control->where)
                return -ENOMEM;
        if (many || control->owner != 0)
                control->anyone = true;
        else
                control->owner = st->st_uid;
        return 0;
}

static bool root_controls(const PathControl *control)
{
        return !control->anyone && control->owner == 0;
}

/* Takes ownership of the descriptor. */
static int walker_enter(Walker *w, int fd, const struct stat *st)
{
        walker_done(w);
        w->directory = fd;
        w->st = *st;
        return path_control_add(&w->walk->control, st, w->path);
}

static int walker_enter_root(Walker *w)
{
        struct stat st;
        int fd;

        fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0) {
                int r = -errno;

                fd_close(fd);
                return r;
        }
        w->path[0] = '\0';
        return walker_enter(w, fd, &st);
}

/* Puts a link's target in front of the remaining path. */
static int walker_follow(Walker *w, int link)
{
        char target[PATH_MAX], rest[PATH_MAX];
        ssize_t n;

        if (geteuid() == 0 && (!root_controls(&w->walk->control) || writable_by_many(&w->st)))
                return -EPERM;
        if (++w->links > PATH_LINKS_MAX)
                return -ELOOP;
        n = readlinkat(link, "", target, sizeof(target));
        if (n < 0)
                return -errno;
        if ((size_t) n >= sizeof(target))
                return -ENAMETOOLONG;
        target[n] = '\0';
        if (n == 0)
                return -ENOENT;
        if ((size_t) snprintf(rest, sizeof(rest), "%s/%s", target, w->rest) >= sizeof(rest))
                return -ENAMETOOLONG;
        memcpy(w->rest, rest, sizeof(rest));
        return target[0] == '/' ? walker_enter_root(w) : 0;
}

/* Cuts off the next component; false if there is none. */
static bool walker_next(Walker *w, char component[static NAME_MAX + 2])
{
        size_t skip = strspn(w->rest, "/"), n = strcspn(w->rest + skip, "/"),
               kept = n > NAME_MAX ? NAME_MAX + 1 : n;

        memcpy(component, w->rest + skip,
               kept); /* a component that is too long stays so, and the kernel refuses it */
        component[kept] = '\0';
        memmove(w->rest, w->rest + skip + n, strlen(w->rest + skip + n) + 1);
        return n > 0;
}

static int walker_append(Walker *w, const char *component)
{
        size_t n = strlen(w->path);

        if (streq(component, "..")) {
                char *slash = strrchr(w->path, '/');

                if (slash)
                        *slash = '\0';
                return 0;
        }
        return (size_t) snprintf(w->path + n, sizeof(w->path) - n, "/%s", component) < sizeof(w->path) - n
                       ? 0
                       : -ENAMETOOLONG;
}

static int walk_end(Walker *w, int fd, const struct stat *st)
{
        Walk *walk = w->walk;

        /*
         * despite the sticky bit, the last component may be a hard link created by anybody who can write
         * here
         */
        if (!S_ISDIR(st->st_mode) && writable_by_many(&w->st) && !walk->control.anyone) {
                free(walk->control.where);
                walk->control.where = path_directory(w->path);
                walk->control.anyone = true;
                walk->control.sticky = w->st.st_mode & S_ISVTX;
                if (!walk->control.where)
                        return -ENOMEM;
        }
        walk->fd = fd;
        walk->st = *st;
        return 0;
}

/* Tried as a directory first, because only then does the kernel trigger automounts. */
static int walker_open(Walker *w, const char *component)
{
        int fd;

        fd = openat(w->directory, component, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 || errno != ENOTDIR)
                return fd;
        return openat(w->directory, component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* Walks one component. 1 if it was the last one and is not a directory. */
static int walker_step(Walker *w, const char *component)
{
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        int r;

        fd = walker_open(w, component);
        if (fd < 0) {
                r = -errno;
                (void) walker_append(w, component);
                return r;
        }
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode)) {
                r = walker_follow(w, fd);
                if (r < 0)
                        (void) walker_append(w, component);
                return r;
        }
        r = walker_append(w, component);
        if (r < 0)
                return r;
        if (S_ISDIR(st.st_mode))
                return walker_enter(w, TAKE_FD(fd), &st);
        if (w->rest[strspn(w->rest, "/")])
                return -ENOTDIR;
        r = walk_end(w, fd, &st);
        if (r < 0)
                return r;
        (void) TAKE_FD(fd);
        return 1;
}

int path_walk(const char *path, Walk *walk)
{
        _cleanup_(walker_done) Walker w = { .walk = walk, .directory = -EBADF };
        char component[NAME_MAX + 2];
        int r;

        *walk = WALK_EMPTY;
        if (*path != '/')
                return -EINVAL;
        if (strlen(path) >= sizeof(w.rest))
                return -ENAMETOOLONG;
        memcpy(w.rest, path, strlen(path) + 1);
        r = walker_enter_root(&w);
        while (r == 0 && walker_next(&w, component))
                if (!streq(component, "."))
                        r = walker_step(&w, component);
        walk->path = strdup(*w.path ? w.path : "/");
        if (!walk->path)
                return -ENOMEM;
        if (r == -EACCES) {
                walk->rest = text_format("%s%s%s", component, *w.rest ? "/" : "", w.rest);
                if (!walk->rest)
                        return -ENOMEM;
                walk->fd = TAKE_FD(w.directory);
        }
        if (r < 0)
                return r;
        if (r == 0) {
                walk->fd = TAKE_FD(w.directory);
                walk->st = w.st;
        }
        return 0;
}

int path_walk_logged(const char *what, const char *path, Walk *walk)
{
        _cleanup_(freep) char *directory = NULL;
        int r;

        r = path_walk(path, walk);
        if (r == -EACCES && walk->path)
                directory = path_directory(walk->path);
        if (directory) {
                log_error(
                        "Cannot access %s %s: Permission denied. User %s may not search %s.", what, path,
                        user_name(geteuid()).text, directory);
                return r;
        }
        if (r == -EPERM) {
                log_error(
                        "Refusing %s %s: %s is a symbolic link that users other than root could have "
                        "created. Name the file itself.",
                        what, path, walk->path);
                return r;
        }
        if (r < 0 && walk->path && !streq(walk->path, path))
                return log_errno(LOG_ERR, r, "Cannot access %s %s, at %s", what, path, walk->path);
        return r < 0 ? log_errno(LOG_ERR, r, "Cannot access %s %s", what, path) : 0;
}

int walk_check_owner(const Walk *walk)
{
        if (walk->control.anyone)
                return -EPERM;
        if (walk->control.owner != 0 && walk->control.owner != walk->st.st_uid)
                return -EPERM;
        return 0;
}

bool path_is_below(const char *path, const char *directory)
{
        size_t n = strlen(directory);

        while (n > 0 && directory[n - 1] == '/')
                n--;
        return strncmp(path, directory, n) == 0 && path[n] == '/' && path[n + 1] != '\0';
}

int path_of_fd(int fd, char **ret)
{
        char link[64], path[PATH_MAX];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path));
        if (n < 0)
                return -errno;
        if ((size_t) n >= sizeof(path))
                return -ENAMETOOLONG;
        *ret = strndup(path, (size_t) n);
        return *ret ? 0 : -ENOMEM;
}

int path_reopen(int fd, int flags)
{
        char link[64];

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        fd = open(link, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}
