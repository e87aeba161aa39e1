/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * Takes the file system away from the calling process and its later children, except for what is in the
 * directories behind the n descriptors, which it may read and change, but not execute; negative descriptors
 * are skipped. Open descriptors stay as they are, and so do connections to sockets. Also forbids TCP. Cannot
 * be undone; requires no_new_privs.
 *
 * 0, -EOPNOTSUPP if the kernel has no Landlock or it is turned off, or negative errno.
 */
int landlock_keep_directories(const int *directories, size_t n);

/*
 * Takes all other processes away from the calling one and its later children, except these children: in
 * /proc they can open nothing of others, and neither trace nor signal them. All files remain, but none
 * directly in the root directory can be created. /proc/self remains for the calling process while its
 * directory in /proc is in the kernel's cache, so somebody should keep it open. Otherwise as above.
 */
int landlock_hide_processes(void);

/*
 * Takes the file system and all other processes away from the calling process and its later children, except
 * that it can read and execute what programs are made of: the directories of the system's, and `prefix`,
 * those of the one that is to run, and use /dev/null. Otherwise as above; also forbids TCP.
 */
int landlock_keep_programs(const char *prefix);
