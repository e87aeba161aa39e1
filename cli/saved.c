/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Guests that were saved: vmctl looks for their files and removes them, and leaves what is in them to the
 * launcher. The guest's user can write in its state directory, so nothing there is followed or read: a name
 * that is there makes a guest "saved", and unlinking it can harm nobody else.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "contract/state.h"
#include "util/file.h"
#include "util/unit-name.h"
#include "util/user-directory.h"

static const char *const names[] = { STATE_SAVED, STATE_RESTORING };

/* Only root can write in the directories above it. */
static int open_state(bool user_scope, const char *name)
{
        _cleanup_(freep) char *state = user_scope ? user_directory(USER_STATE) : strdup("/var/lib");
        _cleanup_(freep) char *path = state ? text_format("%s/vm/%s", state, name) : NULL;
        int fd;

        if (!path)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

bool guest_is_saved(bool user_scope, const char *name)
{
        _cleanup_(closep) int fd = open_state(user_scope, name);
        struct stat st;

        for (size_t i = 0; fd >= 0 && i < ELEMENTS(names); i++)
                if (fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) >= 0)
                        return true;
        return false;
}

static int remove_saved(int directory)
{
        bool found = false;

        (void) unlinkat(directory, STATE_SAVING, 0);
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                if (unlinkat(directory, names[i], 0) >= 0)
                        found = true;
                else if (errno != ENOENT)
                        return -errno;
        }
        if (!found)
                return -ENOENT;
        return fsync(directory) < 0 ? -errno : 0;
}

/* What the guest had only until it is off. A file that is left is told by the next start. */
static void remove_fragments(bool user_scope, const char *name)
{
        _cleanup_(freep) char *run = user_scope ? user_directory(USER_RUN) : strdup("/run");
        _cleanup_(freep) char *fragments = run ? text_format("%s/vmunit/guests/%s.xml.d", run, name) : NULL;
        _cleanup_(freep) char *kept = text_format(STATE_FRAGMENTS "/%s.xml.d", name);
        bool any = fragments && directory_remove(fragments) >= 0;

        if (kept && !user_scope)
                (void) directory_remove(kept);
        if (any)
                (void) reload_manager(user_scope);
}

int discard_saved(bool user_scope, const char *name)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *unit = NULL;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (!guest_name_is_valid(name))
                return fail(EXIT_BAD_USAGE, "\"%s\" is not a valid guest name", name);
        if (unit_name_for_guest(name, &unit) < 0)
                return fail(EXIT_OS, "out of memory");
        r = manager_bus(user_scope, &bus);
        if (r < 0)
                return fail(
                        EXIT_MISSING, "cannot ask systemd whether guest %s is off: %s", name, strerror(-r));
        r = require_off(bus, user_scope, name, unit);
        if (r != 0)
                return r;
        fd = open_state(user_scope, name);
        r = fd < 0 ? fd : remove_saved(fd);
        if (r == -ENOENT)
                return fail(EXIT_MISSING, "guest %s is not saved", name);
        if (r < 0)
                return fail(
                        r == -EACCES || r == -EPERM ? EXIT_POLICY : EXIT_OS,
                        "cannot discard the saved state of guest %s: %s", name, strerror(-r));
        remove_fragments(user_scope, name);
        printf("Discarded the saved state of guest %s; its next start begins afresh.\n", name);
        return EXIT_SUCCESS;
}
