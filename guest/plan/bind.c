/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which of the host's directories a guest may see, to find a socket there. Paths are compared as text: the
 * generator must not follow links, because they may change before the guest starts. Only the links that
 * every system has are resolved. The paths come from the XML and are checked here.
 */

#include "guest/plan/bind.h"

#include "guest/guest.h"

#define GUESTS_DIRECTORY "/run/vm" /* the sockets of all guests */

static bool is_top(const char *path)
{
        return !strchr(path + 1, '/');
}

static bool is_one_of(const char *path, const char *const *directories, bool or_below)
{
        for (const char *const *d = directories; *d; d++)
                if (or_below ? path_is_in(path, *d) : streq(path, *d))
                        return true;
        return false;
}

/* The host's own state: guests' sockets must not be below these. */
static const char *const systems[] = {
        "/dev",  "/proc", "/sys",   "/etc",   "/usr",    "/boot", "/bin",
        "/sbin", "/lib",  "/lib32", "/lib64", "/libx32", NULL,
};

/* The path, with /run for /var/run. */
static const char *real(const char *path)
{
        return path_is_in(path, "/var/run") ? path + strlen("/var") : path;
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

const char *bind_own_name(const Guest *g, const char *path)
{
        const char *name = path ? text_after(real(path), g->settings->run_directory) : NULL;

        return name && name[0] == '/' && name[1] && name[1] != '.' && !strchr(name + 1, '/') ? name + 1
                                                                                             : NULL;
}

void bind_check_socket(const Guest *g, Place at, const char *element, const char *path)
{
        static const char *const crowded[] = { "/var/lib", NULL };
        _cleanup_(freep) char *directory = NULL;

        if (!path || path[0] != '/')
                return;
        path = real(path);
        directory = path_directory(path);
        if (!directory) {
                guest_error(g, at, "<%s>: out of memory", element);
                return;
        }
        if (path_is_in(directory, g->settings->run_directory))
                return;
        if (is_top(directory) || is_one_of(directory, systems, true) ||
            is_one_of(directory, crowded, false) || path_is_in(directory, GUESTS_DIRECTORY))
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
        const char *directory;

        if (!path || path[0] != '/')
                return;
        directory = real(path);
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

        if (!path_is_in(path, g->settings->run_directory))
                plan_directive(p, "BindPaths", "%.*s", slash == path ? 1 : (int) (slash - path), path);
}
