/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl define: adds a guest's file in one step, and reloads systemd. It checks the guest first, so that it
 * only adds guests that can start, and writes into the file what makes the guest this one. Copying a file
 * there by hand works as well.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/define/check-unique.h"
#include "cli/define/complete.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "guest/identity.h"
#include "guest/machine/general.h"
#include "util/file.h"
#include "util/unit-name.h"

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

/* modified: the time that the file gets, NULL for now. */
static int store(
        const char *directory, const char *name, const char *data, size_t size,
        const struct timespec *modified)
{
        const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
                                          modified ? *modified
                                                   : (struct timespec){ .tv_nsec = UTIME_OMIT } };

        _cleanup_(freep) char *path = text_format("%s/%s.xml", directory, name);
        int r = path ? file_make_directories(AT_FDCWD, directory, 0755) : -ENOMEM;

        /* the XML may hold passwords, as libvirt's does */
        if (r >= 0)
                r = file_write_atomic(AT_FDCWD, path, data, size, 0600, 1);
        if (r >= 0 && utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        return r < 0 ? fail(r == -EACCES || r == -EPERM ? EXIT_POLICY : EXIT_OS,
                            "cannot write %s/%s.xml: %s", directory, name, strerror(-r))
                     : 0;
}

/* What is stored: the XML with all that it left out, and its conversion. */
typedef struct Definition {
        Conversion conversion;
        char *text;
        size_t size;
        Strings added;
        bool keeps_age;           /* the file gets the time of the one that it replaces */
        struct timespec modified; /* that time */
} Definition;

static void definition_done(Definition *d)
{
        conversion_done(&d->conversion);
        free(d->text);
        strings_done(&d->added);
}

/* The guest of that name as it is defined now, and its file's age; its guest is NULL if there is none. */
static void convert_replaced(
        const Host *host, const Strings *directories, const char *name, Conversion *ret,
        struct timespec *ret_modified)
{
        _cleanup_(freep) char *path = NULL;
        struct stat st;

        if (guest_file_find(directories, name, &path) < 0 || stat(path, &st) < 0 ||
            conversion_start(ret, host) < 0)
                return;
        *ret_modified = st.st_mtim;
        (void) conversion_file(ret, path, name);
}

/* Among guests with one UUID, it belongs to the one whose file is the oldest. */
static int check_age(const Host *host, const Strings *directories, const Guest *replaced, Definition *d)
{
        const General *general = d->conversion.guest->general;
        const char *old = replaced ? identity_find(replaced, "uuid", 0) : NULL;
        bool is_same = old && streq(old, general->uuid), shared;
        int r = check_unique(host, directories, general->name, is_same, &d->conversion, &shared);

        if (r >= 0)
                d->keeps_age = is_same && shared;
        return r;
}

/* The result is converted once more, so that nothing is stored that could not start. */
static int complete(
        const Host *host, const Strings *directories, const Conversion *c, const char *data, size_t size,
        Definition *d)
{
        _cleanup_(conversion_done) Conversion replaced = { 0 };
        _cleanup_(xml_edits_done) XmlEdits edits = { .data = data, .size = size };
        const char *name = c->guest->general->name;
        size_t known;
        int r;

        convert_replaced(host, directories, name, &replaced, &d->modified);
        r = complete_definition(c, replaced.guest, &edits, &d->added);
        if (r != 0)
                return r;
        if (xml_edits_apply(&edits, &d->text, &d->size) < 0)
                return fail(EXIT_OS, "out of memory");
        r = conversion_start(&d->conversion, c->host);
        if (r >= 0)
                r = conversion_data(&d->conversion, c->guest->file, d->text, d->size, NULL);
        known = r >= 0 ? findings_count(d->conversion.findings) : 0; /* printed by the caller */
        if (r >= 0)
                r = check_age(host, directories, replaced.guest, d);
        print_findings_from(d->conversion.findings, r < 0 ? 0 : known);
        return conversion_exit(r);
}

static void print_added(const Definition *d)
{
        for (size_t i = 0; i < d->added.count; i++)
                printf("%s%s%s", i == 0 ? "Added what the XML left out: " : " ", d->added.items[i],
                       i + 1 == d->added.count ? "\n" : "");
}

int verb_define(const Call *call)
{
        bool user_scope = call->user_scope;
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 };
        _cleanup_(definition_done) Definition d = { 0 };
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(freep) char *data = NULL, *unit = NULL, *path = NULL;
        const char *name;
        size_t size;
        Host fresh;
        int r;

        (void) host_read(&host, NULL, user_scope); /* the conversion reports what is wrong with it */
        fresh = host;                              /* what the XML leaves out becomes random */
        if (getrandom(fresh.identity_key, sizeof(fresh.identity_key), 0) != sizeof(fresh.identity_key))
                return fail(EXIT_OS, "cannot get random bytes: %s", strerror(errno));
        r = convert(&fresh, call->words[0], &c, &data, &size);
        name = c.guest ? c.guest->general->name : NULL;
        if (r == 0 && !guest_name_is_valid(name)) {
                guest_error_at(
                        c.guest, "name",
                        "<name>: '%s' is not valid: it must be a file name short enough for the guest's "
                        "unit",
                        name);
                r = EXIT_BAD_GUEST;
        }
        if (c.findings)
                print_findings(c.findings);
        if (r == 0 && guest_directories(user_scope, &directories) < 0)
                return fail(EXIT_OS, "out of memory");
        if (r == 0)
                r = complete(&host, &directories, &c, data, size, &d);
        if (r == 0)
                r = store(directories.items[0], name, d.text, d.size, d.keeps_age ? &d.modified : NULL);
        if (r != 0)
                return r;
        (void) reload_manager(user_scope);
        path = text_format("%s/%s.xml", directories.items[0], name);
        if (!path || unit_name_for_guest(name, &unit) < 0)
                return fail(EXIT_OS, "out of memory");
        if (user_scope)
                check_taken(unit, path);
        print_added(&d);
        printf("Defined guest %s in %s. To start it: %s start '%s'\n", name, path, systemctl_of(user_scope),
               unit);
        return EXIT_SUCCESS;
}
