/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kernel says about the host's devices. */

#include <sys/types.h>

#include "util/ownership.h"

#define SYSFS "/sys" /* tests have a tree of their own */

/* A path below a tree like SYSFS, as a format. NULL where memory ran out. */
char *sysfs_path(const char *sysfs, const char *format, ...) _printf_(2, 3);

/*
 * Attributes, without the newline at their end. -ENOENT where there is none; -EBADMSG where a number is
 * none. No path component may come from somebody who is not trusted.
 */
int sysfs_read(const char *sysfs, char **ret, const char *format, ...) _printf_(3, 4);
int sysfs_read_unsigned(const char *sysfs, int base, unsigned *ret, const char *format, ...) _printf_(4, 5);
int sysfs_read_device(const char *sysfs, dev_t *ret, const char *format, ...)
        _printf_(3, 4); /* "MAJOR:MINOR" */

/* The last component of where a symbolic link leads. */
int sysfs_read_link(const char *sysfs, char **ret, const char *format, ...) _printf_(3, 4);

/* Has the kernel do what a text written to an attribute means; what it answers is the result. */
int sysfs_write(const char *sysfs, const char *text, const char *format, ...) _printf_(3, 4);
