/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl undefine: removes a guest's file and disables its unit, and says what it leaves. */

#include <errno.h>
#include <pwd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/define/places.h"
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

static int list_disks(const Host *host, const char *path, const char *name, Strings *ret, char **ret_user)
{
        _cleanup_(conversion_done) Conversion c = { 0 };
        int r = 0;

        if (conversion_start(&c, host) < 0 || conversion_file(&c, path, name) < 0)
                return 0; /* an invalid guest can be removed, too */
        if (c.plan.nvram && !path_is_in(c.plan.nvram, c.state_directory))
                r = strings_add(ret, c.plan.nvram);
        for (size_t i = 0; i < c.plan.n_chains && r >= 0; i++)
                if (!strings_have(ret, c.plan.chains[i].path))
                        r = strings_add(ret, c.plan.chains[i].path);
        if (r >= 0 && c.plan.own_user.name && !(*ret_user = strdup(c.plan.own_user.name)))
                r = -ENOMEM;
        return r;
}

static void print_left(const char *what, const Strings *paths)
{
        for (size_t i = 0; i < paths->count; i++)
                if (access(paths->items[i], F_OK) == 0)
                        printf("Left behind: %s %s\n", what, paths->items[i]);
}

/* While the XML is there, which says what its disks are. */
static int list_left(
        const Host *host, const char *path, const char *name, Strings *places, Strings *disks, char **user)
{
        _cleanup_(strings_done) Strings unused = { 0 };
        int r = places_find(host, name, name, places, &unused);

        return r < 0 ? r : list_disks(host, path, name, disks, user);
}

int verb_undefine(const Call *call)
{
        bool user_scope = call->user_scope;
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(strings_done) Strings directories = { 0 }, places = { 0 }, disks = { 0 };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *path = NULL, *name = NULL, *unit = NULL, *user = NULL;
        int r;

        if (strchr(call->words[0], '/'))
                return fail(EXIT_BAD_USAGE, "undefine requires a guest's name");
        r = resolve_guest(user_scope, call->words[0], &path, &name);
        if (r != 0)
                return r;
        if (!name || guest_directories(user_scope, &directories) < 0 || unit_name_for_guest(name, &unit) < 0)
                return fail(EXIT_BAD_USAGE, "undefine requires a guest's name, not a file");
        if (!path_is_in(path, directories.items[0]))
                return fail(
                        EXIT_POLICY, "%s is not in %s; to hide it there: ln -s /dev/null '%s/%s.xml'", path,
                        directories.items[0], directories.items[0], name);
        r = manager_bus(user_scope, &bus) >= 0 ? require_off(bus, user_scope, name, unit) : 0;
        if (r != 0)
                return r;
        if (guest_is_saved(user_scope, name))
                return fail(
                        EXIT_POLICY,
                        "guest %s is saved; to give its saved state up first: vmctl save --discard '%s'",
                        name, name);
        (void) host_read(&host, NULL, user_scope);
        r = list_left(&host, path, name, &places, &disks, &user);
        if (unlink(path) < 0)
                return fail(
                        errno == EACCES || errno == EPERM ? EXIT_POLICY : EXIT_OS, "cannot remove %s: %s",
                        path, strerror(errno));
        if (bus)
                disable(bus, unit);
        (void) reload_manager(user_scope);
        printf("Removed guest %s from %s.\n", name, directories.items[0]);
        print_left("state or settings in", &places);
        print_left("disk", &disks);
        if (user && getpwnam(user))
                printf("Left behind: user %s; once no file belongs to it: userdel %s\n", user, user);
        if (r < 0)
                fprintf(stderr, "vmctl: this list may not be complete: %s\n", strerror(-r));
        return EXIT_SUCCESS;
}
