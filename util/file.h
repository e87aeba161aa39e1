/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole files, read with a limit and written atomically. */

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a regular file whole; path is relative to dir_fd (or AT_FDCWD). The result is followed by a NUL that
 * is not counted. -EISDIR or -EINVAL (FIFO, socket, device) if it is not a regular file, without blocking;
 * -EFBIG if it exceeds max bytes.
 */
int file_read(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size);

/* Removes a directory and the files in it, but no directory below. 0 or the first error. */
int directory_remove(const char *path);

/* Writes a file beside its final name, syncs it if sync is set, and renames it there. Nothing is left on
 * failure. */
int file_write_atomic(int dir_fd, const char *path, const void *data, size_t size, mode_t mode, int sync);

/* Renames within one directory to a name that must not exist; -EEXIST if it does. */
int file_rename_new(int dir_fd, const char *from, const char *to);

/*
 * Creates a file without a name, for writing, of mode 0600, so that nothing is left if this process is
 * killed. Not every file system can; a negative errno then, as for any failure.
 */
int file_create_nameless(int dir_fd);

/* Gives such a file a name, which must not exist; -EEXIST if it does. */
int file_link_new(int fd, int dir_fd, const char *name);

/*
 * Reads up to size bytes at an offset of a file, fewer only at its end, despite interruptions and short
 * reads.
 */
int file_read_at(int fd, void *data, size_t size, off_t offset, size_t *ret_size);

/*
 * Reads what another program writes into a pipe until it closes it, for at most that many milliseconds; text
 * is terminated with NUL in any case. 0, -ETIMEDOUT, -EFBIG if it does not fit (then text is full), other
 * errors.
 */
int file_read_pipe(int fd, char *text, size_t size, unsigned milliseconds);

/* Writes all of data, despite interruptions and short writes. */
int file_write_all(int fd, const void *data, size_t size);

/*
 * Opens a directory that no other user may enter, and makes it (0700) and its parents (0755) if they do not
 * exist. Returns a descriptor; -EUCLEAN if it belongs to another user or others have any access to it.
 */
int file_open_private_directory(const char *path);

/* mkdir -p for a relative or absolute path; existing directories keep their mode. */
int file_make_directories(int dir_fd, const char *path, mode_t mode);
