/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Attributes of the host's devices in /sys. Open this to read another kind of value; what a device is used
 * for is in host-*.c.
 */

#include <sys/types.h>

#include "util/ownership.h"

#define SYSFS "/sys" /* tests use a tree of their own */

/* Formats a path below a tree like SYSFS. NULL if out of memory. */
char *sysfs_path(const char *sysfs, const char *format, ...) _printf_(2, 3);

/*
 * Reads an attribute, without the newline at its end. -ENOENT if there is none; -EBADMSG if it is not a
 * number. Path components must come from trusted sources.
 */
int sysfs_read(const char *sysfs, char **ret, const char *format, ...) _printf_(3, 4);
int sysfs_read_unsigned(const char *sysfs, int base, unsigned *ret, const char *format, ...) _printf_(4, 5);
int sysfs_read_device(const char *sysfs, dev_t *ret, const char *format, ...)
        _printf_(3, 4); /* "MAJOR:MINOR" */

/* The last component of a symbolic link's target. */
int sysfs_read_link(const char *sysfs, char **ret, const char *format, ...) _printf_(3, 4);

/* Writes a text to an attribute, which makes the kernel act on it. The result is the kernel's answer. */
int sysfs_write(const char *sysfs, const char *text, const char *format, ...) _printf_(3, 4);
