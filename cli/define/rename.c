/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl rename: gives a guest that is off another name. Everything that has the name moves with it, or
 * nothing does: all of it is moved by renames within directories, and a failure undoes those that were done.
 *
 * The new XML comes first, the state next to last, and the old XML goes last. If both XML files are there, a
 * rename was interrupted, and the next one goes on with it; until then, the old name has the older file and
 * thus the UUID.
 *
 * The new XML also gets what followed from the old name (guest/identity.h), so that the guest stays the
 * same.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/define/check-unique.h"
#include "cli/define/complete.h"
#include "cli/define/places.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "guest/machine/general.h"
#include "util/file.h"
#include "util/unit-name.h"

typedef struct Rename {
        const Call *call;
        Host host;
        const char *name, *new_name;
        char *unit, *new_unit;
        Strings directories;
        char *path, *new_path; /* of the XML */
        char *made_path;       /* where the new XML comes from */
        bool interrupted;      /* an earlier rename of this guest: the new XML is there */
        sd_bus *bus;
        Strings from, to; /* to be renamed, in this order */
        size_t done;
        char *text; /* the new XML */
        size_t size;
        mode_t mode;
        struct timespec modified; /* of the XML: among guests with one UUID, the oldest has it */
} Rename;

static void rename_done(Rename *r)
{
        host_done(&r->host);
        free(r->unit);
        free(r->new_unit);
        strings_done(&r->directories);
        free(r->path);
        free(r->new_path);
        free(r->made_path);
        sd_bus_flush_close_unref(r->bus);
        strings_done(&r->from);
        strings_done(&r->to);
        free(r->text);
}

static int set_paths(Rename *r)
{
        const char *directory;

        if (guest_directories(r->call->user_scope, &r->directories) < 0 ||
            unit_name_for_guest(r->name, &r->unit) < 0 || unit_name_for_guest(r->new_name, &r->new_unit) < 0)
                return fail(EXIT_OS, "out of memory");
        directory = r->directories.items[0];
        r->new_path = text_format("%s/%s.xml", directory, r->new_name);
        r->made_path = text_format("%s/.#%s.new", directory, r->new_name);
        return r->new_path && r->made_path ? 0 : fail(EXIT_OS, "out of memory");
}

/* The guest's own file. */
static int find_xml(Rename *r)
{
        _cleanup_(freep) char *other = NULL;
        struct stat st;
        int status;

        status = resolve_guest(r->call->user_scope, r->name, &r->path, &other);
        if (status != 0)
                return status;
        if (!path_is_in(r->path, r->directories.items[0]) || lstat(r->path, &st) < 0 || !S_ISREG(st.st_mode))
                return fail(
                        EXIT_POLICY, "%s is not a file in %s; define the guest there first", r->path,
                        r->directories.items[0]);
        r->mode = st.st_mode & 0777;
        r->modified = st.st_mtim;
        return 0;
}

/* A path below a directory that is renamed would lead nowhere. */
static const XmlElement *find_reference(const XmlElement *e, const char *directory)
{
        const XmlElement *found = NULL;
        const char *rest = e->text ? text_after(e->text, directory) : NULL;

        if (rest && *rest == '/')
                return e;
        for (size_t i = 0; i < e->n_attributes; i++) {
                rest = text_after(e->attributes[i].value, directory);
                if (rest && *rest == '/')
                        return e;
        }
        for (const XmlElement *c = e->first; c && !found; c = c->next)
                found = find_reference(c, directory);
        return found;
}

static int check_references(const Conversion *c)
{
        const char *const directories[] = { c->state_directory, c->run_directory };

        for (size_t i = 0; i < ELEMENTS(directories); i++) {
                const XmlElement *e = find_reference(c->guest->xml, directories[i]);

                if (e)
                        return fail(
                                EXIT_BAD_GUEST,
                                "%s:%u:%u: <%s> names a path in %s, which is renamed with the guest; remove "
                                "the path if it is the default one, or use one elsewhere",
                                e->place.file, e->place.line, e->place.column, e->name, directories[i]);
        }
        return 0;
}

/* The result is converted, so that what starts now starts under its new name, unless a copy of it is older.
 */
static int check_new_xml(const Rename *r)
{
        _cleanup_(conversion_done) Conversion c = { 0 };
        int status = conversion_start(&c, &r->host);
        bool unused;

        if (status >= 0)
                status = conversion_data(&c, r->new_path, r->text, r->size, r->new_name);
        if (status >= 0)
                status = check_unique(&r->host, &r->directories, r->name, true, &c, &unused);
        if (status < 0)
                print_findings(c.findings);
        return conversion_exit(status);
}

static int make_new_xml(Rename *r)
{
        _cleanup_(conversion_done) Conversion c = { 0 };
        _cleanup_(freep) char *data = NULL;
        _cleanup_(xml_edits_done) XmlEdits edits = { 0 };
        _cleanup_(strings_done) Strings added = { 0 };
        int status;

        status = file_read(AT_FDCWD, r->path, XML_SIZE_MAX, &data, &edits.size);
        if (status < 0)
                return fail(conversion_exit(status), "cannot read %s: %s", r->path, strerror(-status));
        edits.data = data;
        status = conversion_start(&c, &r->host);
        if (status >= 0)
                status = conversion_data(&c, r->path, data, edits.size, r->name);
        if (status < 0) {
                print_findings(c.findings);
                return conversion_exit(status);
        }
        status = check_references(&c);
        if (status != 0)
                return status;
        status = complete_definition(&c, NULL, &edits, &added);
        if (status != 0)
                return status;
        if (xml_edits_set(&edits, c.guest->xml, "name", NULL, r->new_name) < 0 ||
            xml_edits_apply(&edits, &r->text, &r->size) < 0)
                return fail(EXIT_OS, "cannot change the XML: out of memory");
        return check_new_xml(r);
}

/* None has the new name, unless a rename of this guest was interrupted. */
static int check_no_other(Rename *r)
{
        struct stat st;

        for (size_t i = 0; i < r->directories.count; i++) {
                _cleanup_(freep) char *path = text_format("%s/%s.xml", r->directories.items[i], r->new_name);
                _cleanup_(freep) char *data = NULL;
                size_t size;

                if (!path)
                        return fail(EXIT_OS, "out of memory");
                if (lstat(path, &st) < 0)
                        continue;
                if (i == 0 && S_ISREG(st.st_mode) &&
                    file_read(AT_FDCWD, path, XML_SIZE_MAX, &data, &size) >= 0 && size == r->size &&
                    memcmp(data, r->text, size) == 0) {
                        r->interrupted = true;
                        fprintf(stderr, "vmctl: a rename of %s to %s was interrupted; going on with it\n",
                                r->name, r->new_name);
                } else
                        return fail(EXIT_POLICY, "there is a guest %s already: %s", r->new_name, path);
        }
        return 0;
}

/* Nothing of another guest that once had the new name may become this one's. systemd leaves empty
 * directories. */
static int check_new_name(const Rename *r)
{
        _cleanup_(strings_done) Strings taken = { 0 }, unused = { 0 };
        int status;

        if (r->interrupted)
                return 0; /* it is this guest's own */
        status = places_find(&r->host, r->new_name, r->name, &taken, &unused);
        if (status < 0)
                return fail(
                        EXIT_OS, "cannot look for what a guest %s left: %s", r->new_name, strerror(-status));
        for (size_t i = 0; i < taken.count; i++)
                if (rmdir(taken.items[i]) < 0)
                        return fail(
                                EXIT_POLICY,
                                "%s exists: another guest left it behind; remove it, or move it away",
                                taken.items[i]);
        return 0;
}

/* systemd moves the state of a guest with DynamicUser= to a private directory, and links there. */
static int check_state(const Rename *r)
{
        _cleanup_(freep) char *path = text_format("%s/private/vm/%s", r->host.state, r->name);
        struct stat st;

        if (!path)
                return fail(EXIT_OS, "out of memory");
        if (lstat(path, &st) < 0)
                return 0;
        return fail(
                EXIT_POLICY,
                "the state of %s is in %s, because its unit has DynamicUser=; it cannot be renamed", r->name,
                path);
}

static int list_moves(Rename *r)
{
        int status;

        if (!r->interrupted &&
            (strings_add(&r->from, r->made_path) < 0 || strings_add(&r->to, r->new_path) < 0))
                return fail(EXIT_OS, "out of memory");
        status = places_find(&r->host, r->name, r->new_name, &r->from, &r->to);
        return status < 0 ? fail(status == -EACCES ? EXIT_POLICY : EXIT_OS,
                                 "cannot find all that belongs to %s: %s", r->name, strerror(-status))
                          : 0;
}

static int check_off(const Rename *r)
{
        int status = require_off(r->bus, r->call->user_scope, r->name, r->unit);

        return status != 0 ? status : require_off(r->bus, r->call->user_scope, r->new_name, r->new_unit);
}

static void undo(Rename *r)
{
        while (r->done > 0) {
                const char *from = r->from.items[--r->done], *to = r->to.items[r->done];
                int error = file_rename_new(AT_FDCWD, to, from);

                if (error < 0)
                        fprintf(stderr, "vmctl: cannot rename %s back to %s: %s\n", to, from,
                                strerror(-error));
        }
        (void) unlink(r->made_path);
}

static int fail_to(const char *what, const char *path, int error)
{
        return fail(
                error == -EACCES || error == -EPERM ? EXIT_POLICY : EXIT_OS, "cannot %s %s: %s", what, path,
                strerror(-error));
}

static int make_xml(const Rename *r)
{
        const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, r->modified };
        int status = file_write_atomic(AT_FDCWD, r->made_path, r->text, r->size, r->mode, 1);

        if (status >= 0 && utimensat(AT_FDCWD, r->made_path, times, AT_SYMLINK_NOFOLLOW) < 0)
                status = -errno;
        return status < 0 ? fail_to("write", r->made_path, status) : 0;
}

static int move_all(Rename *r)
{
        int status = r->interrupted ? 0 : make_xml(r);

        if (status != 0)
                return status;
        for (; r->done < r->from.count; r->done++) {
                const char *from = r->from.items[r->done], *to = r->to.items[r->done];

                status = file_rename_new(AT_FDCWD, from, to);
                if (status < 0)
                        return fail(
                                status == -EACCES || status == -EPERM ? EXIT_POLICY : EXIT_OS,
                                "cannot rename %s to %s: %s", from, to, strerror(-status));
        }
        status = check_off(r); /* it may have been started meanwhile */
        if (status != 0)
                return status;
        return unlink(r->path) < 0 ? fail_to("remove", r->path, -errno) : 0;
}

/* Ctrl-C must not leave half of it done. */
static int move_all_or_nothing(Rename *r)
{
        sigset_t all, before;
        int status;

        sigfillset(&all);
        if (sigprocmask(SIG_BLOCK, &all, &before) < 0)
                return fail(EXIT_OS, "cannot block signals: %s", strerror(errno));
        status = move_all(r);
        if (status != 0)
                undo(r);
        else
                (void) reload_manager(r->call->user_scope); /* until then, systemd knows only the old name */
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        return status;
}

static void print_moves(const Rename *r)
{
        printf("Renamed guest %s to %s:\n  %s is now %s\n", r->name, r->new_name, r->path, r->new_path);
        for (size_t i = r->interrupted ? 0 : 1; i < r->from.count; i++) /* the first one is the XML */
                printf("  %s is now %s\n", r->from.items[i], r->to.items[i]);
}

int verb_rename(const Call *call)
{
        _cleanup_(rename_done)
                Rename r = { .call = call, .name = call->words[0], .new_name = call->words[1] };
        int status;

        for (int i = 0; i < 2; i++)
                if (!guest_name_is_valid(call->words[i]))
                        return fail(EXIT_BAD_USAGE, "\"%s\" is not a valid guest name", call->words[i]);
        if (streq(r.name, r.new_name))
                return fail(EXIT_BAD_USAGE, "the guest is called %s already", r.name);
        (void) host_read(&r.host, NULL, call->user_scope); /* the conversion reports what is wrong with it */
        status = set_paths(&r);
        status = status != 0 ? status : find_xml(&r);
        status = status != 0 ? status : make_new_xml(&r);
        status = status != 0 ? status : check_no_other(&r);
        if (status != 0)
                return status;
        status = manager_bus(call->user_scope, &r.bus);
        if (status < 0)
                return fail(
                        EXIT_MISSING, "cannot ask systemd whether guest %s is off: %s", r.name,
                        strerror(-status));
        status = check_off(&r);
        status = status != 0 ? status : check_new_name(&r);
        status = status != 0 ? status : check_state(&r);
        status = status != 0 ? status : list_moves(&r);
        status = status != 0 ? status : move_all_or_nothing(&r);
        if (status != 0)
                return status;
        print_moves(&r);
        printf("To start it: %s start '%s'\n", systemctl_of(call->user_scope), r.new_unit);
        return EXIT_SUCCESS;
}
