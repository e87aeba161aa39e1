/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The way to a file, walked so that nobody but root can have bent it. */

#include <stdbool.h>
#include <sys/stat.h>

#include "util/ownership.h"

/* Who, beside root, may change what lies in the directories that a walk went through. */
typedef struct PathControl {
        bool anyone; /* more than one user: a directory that its group or others may write, or directories of
                        two users */
        uid_t owner; /* one user, or 0 for nobody */
        char *where; /* the directory that made it so; NULL where only root controls the way */
} PathControl;

typedef struct Walk {
        int fd;         /* O_PATH */
        struct stat st; /* of what fd is */
        char *path; /* the way without symbolic links, dots and doubled slashes; on failure how far it was
                       walked */
        PathControl control;
} Walk;

#define WALK_EMPTY ((Walk){ .fd = -EBADF })

/*
 * Walks an absolute path. For root, symbolic links are followed only where they lie in directories that root
 * alone controls. -EPERM for one elsewhere; -ELOOP for too many; -ENAMETOOLONG; -EINVAL for a relative path;
 * else why a directory or the file could not be looked up. The walk is to be emptied with walk_done() also
 * on failure, when its path says where it ended.
 */
int path_walk(const char *path, Walk *walk);

/* The same, and says what failed with what, such as "The disk". */
int path_walk_logged(const char *what, const char *path, Walk *walk);

void walk_done(Walk *walk);

/*
 * Whether root may act on the file for its owner's sake. Where somebody controls the way, they may have put
 * any file of the filesystem there by a hard link; so it must be their own. 0 or -EPERM.
 */
int walk_check_owner(const Walk *walk);

/* Takes one more directory into account, for path_walk() and its
 * test. Negative errno where memory ran out. */
int path_control_add(PathControl *control, const struct stat *st, const char *path);

/* The directory part of an absolute path, "/" at least; NULL where memory ran out. */
char *path_directory(const char *path);

/* Whether a path without dots lies somewhere below a directory. */
bool path_is_below(const char *path, const char *directory);

/* What a descriptor is open on, as the kernel names it. */
int path_of_fd(int fd, char **ret);

/* Opens again what an O_PATH descriptor is, with the rights of the caller. Returns the descriptor or a
 * negative errno. */
int path_reopen(int fd, int flags);
