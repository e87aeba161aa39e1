/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl undefine: removes a guest's file and disables its unit, and says what it leaves. */

#include <errno.h>
#include <unistd.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "util/unit-name.h"

/* Also disables the unit, or the next boot would try to start a guest that no longer exists. */
static void disable(sd_bus *bus, const char *unit)
{
        (void) sd_bus_call_method(
                bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "DisableUnitFiles", NULL, NULL, "asb", 1, unit, 0);
}

int verb_undefine(const Call *call)
{
        bool user_scope = call->user_scope;
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *path = NULL, *name = NULL, *unit = NULL, *state = NULL;
        int r;

        if (strchr(call->words[0], '/'))
                return fail(EXIT_BAD_USAGE, "undefine requires a guest's name");
        r = resolve_guest(user_scope, call->words[0], &path, &name);
        if (r != 0)
                return r;
        if (!name || guest_directories(user_scope, &directories) < 0 || unit_name_for_guest(name, &unit) < 0)
                return fail(EXIT_BAD_USAGE, "undefine requires a guest's name, not a file");
        if (!text_after(path, directories.items[0]))
                return fail(
                        EXIT_POLICY, "%s is not in %s; to hide it there: ln -s /dev/null '%s/%s.xml'", path,
                        directories.items[0], directories.items[0], name);
        if (manager_bus(user_scope, &bus) >= 0 && unit_state(bus, unit, &state) >= 0 &&
            !streq(state, "inactive") && !streq(state, "failed"))
                return fail(
                        EXIT_MISSING, "guest %s is %s; stop it first: %s stop '%s'", name, state,
                        systemctl_of(user_scope), unit);
        if (unlink(path) < 0)
                return fail(
                        errno == EACCES || errno == EPERM ? EXIT_POLICY : EXIT_OS, "cannot remove %s: %s",
                        path, strerror(errno));
        if (bus)
                disable(bus, unit);
        reload_manager(user_scope);
        printf("Removed guest %s from %s. Its disks and its state (NVRAM, TPM) were kept.\n", name,
               directories.items[0]);
        return EXIT_SUCCESS;
}
