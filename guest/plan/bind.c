/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which of the host's directories a guest may see, to find a socket there. Paths are compared as text: the
 * generator must not follow links, because they may change before the guest starts. Only the links that
 * every system has are resolved. The paths come from the XML and are checked here.
 */

#include "guest/plan/bind.h"

#include "guest/guest.h"

#define GUESTS_DIRECTORY "/run/vm" /* the sockets of all guests */

/* The path without double and trailing slashes, and with /run for /var/run. */
static void normalize(char *path)
{
        const char *rest = text_after(path, "/var/run");
        char *to = path;

        if (rest && (!*rest || *rest == '/'))
                memmove(path, path + 4, strlen(path + 4) + 1);
        for (const char *from = path; *from; from++)
                if (*from != '/' || (from[1] != '/' && from[1] != '\0'))
                        *to++ = *from;
        if (to == path)
                *to++ = '/';
        *to = '\0';
}

static bool is_same_or_below(const char *path, const char *directory)
{
        const char *rest = text_after(path, directory);

        return rest && (!*rest || *rest == '/');
}

static bool is_top(const char *path)
{
        return !strchr(path + 1, '/');
}

static bool is_one_of(const char *path, const char *const *directories, bool or_below)
{
        for (const char *const *d = directories; *d; d++)
                if (or_below ? is_same_or_below(path, *d) : streq(path, *d))
                        return true;
        return false;
}

/* The host's own state: guests' sockets must not be below these. */
static const char *const systems[] = {
        "/dev",  "/proc", "/sys",   "/etc",   "/usr",    "/boot", "/bin",
        "/sbin", "/lib",  "/lib32", "/lib64", "/libx32", NULL,
};

/* The first n bytes of a path, in the form to compare. */
static char *normalized(const char *path, size_t n)
{
        char *copy = strndup(path, n);

        if (copy)
                normalize(copy);
        return copy;
}

const char *bind_own_socket(Guest *g, Place at, const char *element, const char *name)
{
        const char *path = guest_text(g, "%s/%s", g->settings->run_directory, name);

        if (strlen(path) > SOCKET_PATH_MAX)
                guest_error(
                        g, at,
                        "<%s>: '%s' is too long for the path of a socket; give the guest a shorter name",
                        element, path);
        return path;
}

void bind_check_socket(const Guest *g, Place at, const char *element, const char *path)
{
        static const char *const crowded[] = { "/var/lib", NULL };
        _cleanup_(freep) char *directory = NULL;

        if (!path || path[0] != '/')
                return;
        directory = normalized(path, (size_t) (strrchr(path, '/') - path) + 1);
        if (!directory) {
                guest_error(g, at, "<%s>: out of memory", element);
                return;
        }
        if (is_same_or_below(directory, g->settings->run_directory))
                return;
        if (is_top(directory) || is_one_of(directory, systems, true) ||
            is_one_of(directory, crowded, false) || is_same_or_below(directory, GUESTS_DIRECTORY))
                guest_error(
                        g, at,
                        "<%s>: this socket would require giving QEMU access to all of '%s'; put it in a "
                        "directory of its own, or omit the path to have it created in %s",
                        element, directory, g->settings->run_directory);
}

void bind_check_directory(const Guest *g, Place at, const char *element, const char *path)
{
        static const char *const wholes[] = { "/", "/run", "/var", "/var/lib", "/root", NULL };
        static const char *const kernels[] = { "/dev", "/proc", "/sys", GUESTS_DIRECTORY, NULL };
        _cleanup_(freep) char *directory = NULL;

        if (!path || path[0] != '/')
                return;
        directory = normalized(path, strlen(path));
        if (!directory) {
                guest_error(g, at, "<%s>: out of memory", element);
                return;
        }
        if (is_one_of(directory, wholes, false) || is_one_of(directory, systems, false) ||
            is_one_of(directory, kernels, true))
                guest_error(
                        g, at,
                        "<%s>: '%s' belongs to the host and cannot be given to a guest; choose another "
                        "directory",
                        element, path);
}

void bind_socket_directory(const Guest *g, const char *path, Plan *p)
{
        const char *slash = strrchr(path, '/');

        if (!is_same_or_below(path, g->settings->run_directory))
                plan_directive(p, "BindPaths", "%.*s", slash == path ? 1 : (int) (slash - path), path);
}
