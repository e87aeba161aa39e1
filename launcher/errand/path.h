/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Walking a path without being misled by users who can write in directories on the way. Open this to act
 * with root's rights on a path that another user chose.
 */

#include <stdbool.h>
#include <sys/stat.h>

#include "util/ownership.h"

/* Users other than root that can change the contents of the directories a walk passed. */
typedef struct PathControl {
        bool anyone; /* more than one user: a directory is writable by its group or others, or directories
                        belong to two users */
        uid_t owner; /* that one user, or 0 for none */
        bool sticky; /* anyone only because users can add names to where, a directory with the sticky bit */
        char *where; /* the directory that gives this control; NULL if only root controls the way */
} PathControl;

typedef struct Walk {
        int fd;         /* O_PATH */
        struct stat st; /* of the file that fd refers to */
        char *path;     /* the path without symbolic links, dots and doubled slashes; on failure, how far the
                           walk came */
        char *rest;     /* after -EACCES: what is below fd then, the last directory that was reached */
        PathControl control;
} Walk;

#define WALK_EMPTY ((Walk){ .fd = -EBADF })

/*
 * Walks an absolute path. For root, symbolic links are followed only in directories that only root controls.
 * -EPERM for a link elsewhere; -ELOOP for too many links; -ENAMETOOLONG; -EINVAL for a relative path;
 * otherwise the reason why a component could not be looked up. Call walk_done() also after a failure, when
 * its path says where the walk ended.
 */
int path_walk(const char *path, Walk *walk);

/* The same, and logs failures, naming the file by `what`, such as "the disk". */
int path_walk_logged(const char *what, const char *path, Walk *walk);

void walk_done(Walk *walk);

/*
 * Whether root may act on the file on behalf of its owner. Users who control the way may have put any file
 * of the filesystem there by a hard link, so the file must belong to them. 0 or -EPERM.
 */
int walk_check_owner(const Walk *walk);

/*
 * Adds one more directory to the walk's control; exported for its test. A negative errno if out of memory.
 */
int path_control_add(PathControl *control, const struct stat *st, const char *path);

/* Whether a path without dots is anywhere below a directory. */
bool path_is_below(const char *path, const char *directory);

/* The path of an open descriptor, as the kernel names it. */
int path_of_fd(int fd, char **ret);

/* Reopens an O_PATH descriptor with the caller's rights. Returns the descriptor or a negative errno. */
int path_reopen(int fd, int flags);
