/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl define and undefine: add or remove a guest's file in one step, and reload systemd. define checks the
 * guest first, so that it only adds guests that can start. Copying a file there by hand works as well.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "generator/convert/unique.h"
#include "generator/unit/drop-in.h"
#include "guest/machine/general.h"
#include "util/file.h"
#include "util/unit-name.h"

/* Collects the UUIDs and MAC addresses of all other guests first, so that an error points at the new guest.
 */
static int check_unique(const Host *host, const Strings *directories, const char *name, Conversion *c)
{
        _cleanup_(guest_files_done) GuestFiles files = { 0 };
        _cleanup_(unique_done) Unique unique = { 0 };
        GuestFile self = { .name = (char *) name, .path = (char *) c->guest->file };
        int r = guest_files_find(directories, &files);

        for (size_t i = 0; r >= 0 && i < files.count; i++) {
                _cleanup_(conversion_done) Conversion other = { 0 };

                if (streq(files.items[i].name, name))
                        continue;
                r = conversion_start(&other, host);
                if (r < 0)
                        break;
                /* guests that are refused anyway do not count */
                if (conversion_file(&other, files.items[i].path, files.items[i].name) == 0)
                        (void) unique_check(&unique, &other, &files.items[i]);
        }
        return r < 0 ? r : unique_check(&unique, c, &self);
}

/* Makes systemd read the guest now; if that fails, the user has to. */
static void reload(bool user_scope)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r = manager_bus(user_scope, &bus);

        if (r >= 0)
                r = manager_reload(bus);
        if (r < 0)
                fprintf(stderr, "vmctl: cannot reload systemd: %s; run \"%s daemon-reload\"\n", strerror(-r),
                        systemctl_of(user_scope));
}

static int convert(const Host *host, const char *argument, Conversion *c, char **ret_data, size_t *ret_size)
{
        bool from_stdin = streq(argument, "-");
        int r;

        if (from_stdin) {
                r = read_stdin(ret_data, ret_size);
                if (r != 0)
                        return r;
        } else {
                r = file_read(AT_FDCWD, argument, XML_SIZE_MAX, ret_data, ret_size);
                if (r < 0)
                        return fail(
                                conversion_exit(r), "cannot read %s: %s", argument,
                                r == -EINVAL ? "not a regular file" : strerror(-r));
        }
        r = conversion_start(c, host);
        if (r >= 0)
                r = conversion_data(c, from_stdin ? STDIN_NAME : argument, *ret_data, *ret_size, NULL);
        return conversion_exit(r);
}

/* The environment of the user's service manager can differ from the shell's, so that it looks elsewhere. */
static void check_taken(const char *unit, const char *path)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *source = NULL;

        if (manager_bus(true, &bus) >= 0 && unit_source(bus, unit, &source) >= 0 && !streq(source, path))
                fprintf(stderr, "vmctl: the user's service manager does not look for guests there: its "
                                "$XDG_CONFIG_HOME or $HOME differs from this shell's; see \"systemctl "
                                "--user show-environment\"\n");
}

static int store(const char *directory, const char *name, const char *data, size_t size)
{
        _cleanup_(freep) char *path = text_format("%s/%s.xml", directory, name);
        int r = path ? file_make_directories(AT_FDCWD, directory, 0755) : -ENOMEM;

        /* the XML may hold passwords, as libvirt's does */
        if (r >= 0)
                r = file_write_atomic(AT_FDCWD, path, data, size, 0600, 1);
        return r < 0 ? fail(r == -EACCES || r == -EPERM ? EXIT_POLICY : EXIT_OS,
                            "cannot write %s/%s.xml: %s", directory, name, strerror(-r))
                     : 0;
}

int verb_define(const Call *call)
{
        bool user_scope = call->user_scope;
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 };
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(freep) char *data = NULL, *unit = NULL, *path = NULL;
        const char *name;
        size_t size;
        int r;

        (void) host_read(&host, NULL, user_scope); /* the conversion reports what is wrong with it */
        r = convert(&host, call->words[0], &c, &data, &size);
        name = c.guest ? c.guest->general->name : NULL;
        if (r == 0 && !guest_name_is_valid(name)) {
                guest_error_at(
                        c.guest, "name",
                        "<name>: '%s' is not valid: it must be a file name short enough for the guest's "
                        "unit",
                        name);
                r = EXIT_BAD_GUEST;
        }
        if (r == 0 && guest_directories(user_scope, &directories) < 0)
                return fail(EXIT_OS, "out of memory");
        if (r == 0 && check_unique(&host, &directories, name, &c) < 0)
                r = conversion_exit(c.status);
        if (c.findings)
                print_findings(c.findings);
        if (r != 0)
                return r;
        r = store(directories.items[0], name, data, size);
        if (r != 0)
                return r;
        reload(user_scope);
        path = text_format("%s/%s.xml", directories.items[0], name);
        if (!path || unit_name_for_guest(name, &unit) < 0)
                return fail(EXIT_OS, "out of memory");
        if (user_scope)
                check_taken(unit, path);
        printf("Defined guest %s in %s. To start it: %s start '%s'\n", name, path, systemctl_of(user_scope),
               unit);
        return EXIT_SUCCESS;
}

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
        reload(user_scope);
        printf("Removed guest %s from %s. Its disks and its state (NVRAM, TPM) were kept.\n", name,
               directories.items[0]);
        return EXIT_SUCCESS;
}
