/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads and writes attributes of the host's devices. libudev and sd-device would read udev's database too,
 * and cannot use a test's tree. Trusted: the kernel's tree, and the names that callers make paths of.
 */

#include "launcher/host/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "util/file.h"
#include "util/text.h"

#define ATTRIBUTE_MAX 4096 /* the kernel writes at most a page */

_printf_(2, 0) static char *path_below(const char *sysfs, const char *format, va_list arguments)
{
        _cleanup_(freep) char *below = NULL;

        if (vasprintf(&below, format, arguments) < 0)
                below = NULL;
        return below ? text_format("%s/%s", sysfs, below) : NULL;
}

/* The path formatted from the variable arguments after `format`, or NULL. */
#define PATH(sysfs, format)                                    \
        ({                                                     \
                va_list arguments_;                            \
                char *path_;                                   \
                va_start(arguments_, format);                  \
                path_ = path_below(sysfs, format, arguments_); \
                va_end(arguments_);                            \
                path_;                                         \
        })

char *sysfs_path(const char *sysfs, const char *format, ...)
{
        return PATH(sysfs, format);
}

static int read_attribute(const char *path, char **ret)
{
        _cleanup_(freep) char *data = NULL;
        size_t size;
        int r;

        if (!path)
                return -ENOMEM;
        r = file_read(AT_FDCWD, path, ATTRIBUTE_MAX, &data, &size);
        if (r < 0)
                return r;
        data[strcspn(data, "\n")] = '\0';
        *ret = TAKE_PTR(data);
        return 0;
}

int sysfs_read(const char *sysfs, char **ret, const char *format, ...)
{
        _cleanup_(freep) char *path = PATH(sysfs, format);

        return read_attribute(path, ret);
}

static bool parse_unsigned(const char *text, int base, char end, unsigned *ret, const char **ret_rest)
{
        unsigned long n;
        char *rest;

        if (!strchr("0123456789abcdefABCDEF", *text) || !*text)
                return false;
        errno = 0;
        n = strtoul(text, &rest, base);
        if (errno || rest == text || *rest != end || n > UINT_MAX)
                return false;
        *ret = (unsigned) n;
        *ret_rest = end ? rest + 1 : rest;
        return true;
}

int sysfs_read_unsigned(const char *sysfs, int base, unsigned *ret, const char *format, ...)
{
        _cleanup_(freep) char *path = PATH(sysfs, format), *text = NULL;
        const char *rest;
        int r;

        r = read_attribute(path, &text);
        if (r < 0)
                return r;
        return parse_unsigned(text, base, '\0', ret, &rest) ? 0 : -EBADMSG;
}

int sysfs_read_device(const char *sysfs, dev_t *ret, const char *format, ...)
{
        _cleanup_(freep) char *path = PATH(sysfs, format), *text = NULL;
        unsigned high, low;
        const char *rest;
        int r;

        r = read_attribute(path, &text);
        if (r < 0)
                return r;
        if (!parse_unsigned(text, 10, ':', &high, &rest) || !parse_unsigned(rest, 10, '\0', &low, &rest))
                return -EBADMSG;
        *ret = makedev(high, low);
        return 0;
}

int sysfs_read_link(const char *sysfs, char **ret, const char *format, ...)
{
        _cleanup_(freep) char *path = PATH(sysfs, format);
        char target[PATH_MAX];
        const char *slash;
        ssize_t n;

        if (!path)
                return -ENOMEM;
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = '\0';
        slash = strrchr(target, '/');
        *ret = strdup(slash ? slash + 1 : target);
        return *ret ? 0 : -ENOMEM;
}

int sysfs_write(const char *sysfs, const char *text, const char *format, ...)
{
        _cleanup_(freep) char *path = PATH(sysfs, format);
        _cleanup_(closep) int fd = -EBADF;

        if (!path)
                return -ENOMEM;
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        /* at once: the kernel takes each write() as a whole command */
        return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}
