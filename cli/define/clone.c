/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl clone: a copy of a guest that is off, under another name, with disks and firmware variables of its
 * own, and another UUID and MAC addresses. All files are copied before any of them gets its name, and the
 * XML gets its name last: until then there is no guest, and a failure takes back what there is. What was
 * added to the guest's units stays the old guest's, and so does the state of its TPM, whose secrets are that
 * guest's.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/define/copy.h"
#include "cli/define/places.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "generator/definition/definition.h"
#include "guest/firmware/firmware.h"
#include "guest/machine/general.h"
#include "guest/xml/write.h"
#include "util/file.h"
#include "util/unit-name.h"

typedef struct Clone {
        const Call *call;
        Host host, fresh; /* fresh: what the XML leaves out becomes random; borrows from host */
        const char *name, *new_name;
        char *path, *new_path; /* of the XML */
        Conversion old, now;
        char *nvram; /* of the old guest, or NULL */
        char *text;  /* of the new XML */
        FileCopy *copies;
        size_t n_copies;
        char *made_directory; /* for state, or NULL */
} Clone;

static void clone_done(Clone *c)
{
        for (size_t i = 0; i < c->n_copies; i++)
                copy_done(&c->copies[i]);
        free(c->copies);
        if (c->made_directory)
                (void) rmdir(c->made_directory);
        conversion_done(&c->now);
        conversion_done(&c->old);
        host_done(&c->host);
        free(c->path);
        free(c->new_path);
        free(c->nvram);
        free(c->text);
        free(c->made_directory);
}

/* ——— what is copied ——— */

/* "disk=TARGET=PATH" */
static const char *chosen_path(const Clone *c, const char *target)
{
        for (int i = 0; i < c->call->n_extras; i++) {
                const char *rest = text_after(text_after(c->call->extras[i], "disk="), target);

                if (rest && *rest == '=')
                        return rest + 1;
        }
        return NULL;
}

/* Beside the original: with the new name in the place of the old one, or, if it has not that, as
 * NEW-TARGET.qcow2. */
static char *default_path(const Clone *c, const char *path, const char *what)
{
        const char *base = strrchr(path, '/') + 1, *found = strstr(base, c->name),
                   *end = strrchr(base, '.') ?: "";

        if (found)
                return text_format(
                        "%.*s%s%s", (int) (found - path), path, c->new_name, found + strlen(c->name));
        return text_format("%.*s%s-%s%s", (int) (base - path), path, c->new_name, what, end);
}

static int copy(Clone *c, const char *from, const char *to, const char *what)
{
        FileCopy *bigger = reallocarray(c->copies, c->n_copies + 1, sizeof(*bigger));
        int r;

        if (!bigger)
                return fail(EXIT_OS, "out of memory");
        c->copies = bigger;
        for (size_t i = 0; i < c->n_copies; i++)
                if (streq(bigger[i].to, to))
                        return fail(EXIT_BAD_USAGE, "two copies would be %s; choose a path with --disk", to);
        r = copy_make(from, to, COPY_ANY_SIZE, &bigger[c->n_copies++]);
        if (r == -EEXIST)
                return fail(EXIT_POLICY, "%s exists already; choose another path for %s", to, what);
        return r < 0 ? fail(r == -EACCES || r == -EROFS ? EXIT_POLICY : EXIT_OS, "cannot copy %s to %s: %s",
                            from, to,
                            r == -EINVAL  ? "not a regular file"
                            : r == -ELOOP ? "it is a symbolic link"
                                          : strerror(-r))
                     : 0;
}

/* Media, and what the guest does not write to or shares with others on purpose, are shared. */
static bool is_shared(const XmlElement *disk)
{
        const char *device = xml_peek(disk, "@device") ?: "disk";

        return streq(device, "cdrom") || streq(device, "floppy") || xml_peek_child(disk, "readonly") ||
               xml_peek_child(disk, "shareable");
}

static int copy_disk(Clone *c, XmlElement *disk)
{
        const char *target = xml_peek(disk, "target@dev") ?: "", *file = xml_peek(disk, "source@file"),
                   *chosen = chosen_path(c, target);
        _cleanup_(freep) char *from = NULL, *to = NULL;
        int r;

        if (is_shared(disk))
                return chosen ? fail(EXIT_BAD_USAGE, "disk %s is shared with the clone, not copied", target)
                              : 0;
        if (!file || *file != '/' || !streq_null(xml_peek(disk, "@type"), "file"))
                return fail(
                        EXIT_BAD_GUEST,
                        "%s:%u: disk %s is not a file, and cannot be copied; detach it first, and give the "
                        "clone one of its own",
                        disk->place.file, disk->place.line, target);
        if (xml_peek(disk, "source/dataStore@type"))
                return fail(
                        EXIT_BAD_GUEST, "disk %s has its data in another file, which is not copied", target);
        from = strdup(file);
        to = chosen ? strdup(chosen) : default_path(c, file, target);
        if (!from || !to)
                return fail(EXIT_OS, "out of memory");
        r = copy(c, from, to, target);
        return r != 0 || xml_set(disk, "source@file", to) >= 0 ? r : fail(EXIT_OS, "out of memory");
}

static XmlElement *devices_of(const Clone *c)
{
        for (XmlElement *e = c->old.guest->xml->first; e; e = e->next)
                if (streq(e->name, "devices"))
                        return e;
        return NULL;
}

static int copy_disks(Clone *c)
{
        XmlElement *devices = devices_of(c);
        int r = 0;

        for (XmlElement *e = devices ? devices->first : NULL; r == 0 && e; e = e->next)
                if (streq(e->name, "disk") && !e->removed)
                        r = copy_disk(c, e);
        return r;
}

static bool has_disk(const Clone *c, const char *choice)
{
        const XmlElement *devices = devices_of(c);

        for (const XmlElement *e = devices ? devices->first : NULL; e; e = e->next) {
                const char *target = xml_peek(e, "target@dev"), *rest = NULL;

                if (streq(e->name, "disk") && !e->removed && target)
                        rest = text_after(choice, target);
                if (rest && rest[0] == '=' && rest[1] == '/')
                        return true;
        }
        return false;
}

static int check_choices(const Clone *c)
{
        for (int i = 0; i < c->call->n_extras; i++) {
                const char *choice = text_after(c->call->extras[i], "disk=");

                if (!has_disk(c, choice))
                        return fail(
                                EXIT_BAD_USAGE,
                                "--disk=%s: expected TARGET=PATH, with a disk of the guest's and an "
                                "absolute "
                                "path",
                                choice);
        }
        return 0;
}

/* ——— firmware variables ——— */

/* As systemd makes it, which gives it to the guest's user at a start if that is another one. */
static int make_state(Clone *c, const char *directory)
{
        struct stat st;

        if (stat(c->old.state_directory, &st) < 0)
                return 0;
        if (mkdir(directory, st.st_mode & 0777) < 0)
                return errno == EEXIST ? 0 : fail(EXIT_OS, "cannot make %s: %s", directory, strerror(errno));
        c->made_directory = strdup(directory);
        if (chown(directory, st.st_uid, st.st_gid) < 0 && errno != EPERM)
                return fail(EXIT_OS, "cannot make %s: %s", directory, strerror(errno));
        return 0;
}

/* Before the first start there are none. */
static int copy_nvram(Clone *c)
{
        const char *to = c->now.guest->firmware->nvram;
        _cleanup_(freep) char *directory = to ? path_directory(to) : NULL;
        int r = 0;

        if (!c->nvram || !to || access(c->nvram, F_OK) < 0)
                return 0;
        if (!directory)
                return fail(EXIT_OS, "out of memory");
        if (streq(directory, c->now.state_directory))
                r = make_state(c, directory);
        return r ?: copy(c, c->nvram, to, "the firmware's variables");
}

/* ——— the XML ——— */

static int rename_nvram(Clone *c, XmlElement *xml)
{
        const Firmware *f = c->old.guest->firmware;
        _cleanup_(freep) char *other = NULL;
        const char *place = xml_peek(xml, "os/nvram/source@file") ? "os/nvram/source@file" : "os/nvram";

        if (f->nvram_is_block || f->nvram_is_remote)
                return fail(
                        EXIT_BAD_GUEST, "the firmware's variables are not in a file, and cannot be copied");
        if (!f->nvram)
                return 0;
        c->nvram = strdup(f->nvram);
        if (!c->nvram)
                return fail(EXIT_OS, "out of memory");
        if (!xml_peek(xml, place))
                return 0; /* the default, which has the guest's name */
        other = default_path(c, c->nvram, "VARS");
        if (other && path_is_in(c->nvram, c->old.state_directory)) {
                char *inside =
                        text_format("%s/vm/%s/%s", c->host.state, c->new_name, strrchr(other, '/') + 1);

                free(other);
                other = inside;
        }
        return other && xml_set(xml, place, other) >= 0 ? 0 : fail(EXIT_OS, "out of memory");
}

/* A port that is taken would keep the clone from starting beside the original. */
static int free_ports(XmlElement *graphics)
{
        static const char *const ports[] = { "@port", "@tlsPort", "@websocket" };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTS(ports); i++) {
                const char *port = xml_peek(graphics, ports[i]);

                if (port && !streq(port, "-1"))
                        r = xml_set(graphics, ports[i], "-1");
        }
        return r < 0 || !xml_peek(graphics, "@autoport") ? r : xml_set(graphics, "@autoport", "yes");
}

/* What makes the guest this one, so that the clone gets its own. */
static int forget_identity(Clone *c, XmlElement *xml)
{
        XmlElement *devices = devices_of(c);
        int r = xml_set(xml, "name", c->new_name);

        xml_remove_children(xml, "uuid");
        xml_remove_children(xml, "title");
        if (xml_peek_child(xml, "genid"))
                r = r < 0 ? r : xml_set(xml, "genid", NULL);
        for (XmlElement *e = devices ? devices->first : NULL; r >= 0 && e; e = e->next) {
                if (streq(e->name, "interface"))
                        xml_remove_children(e, "mac");
                else if (streq(e->name, "vsock") && xml_peek(e, "cid@address")) {
                        r = xml_set(e, "cid@address", NULL);
                        r = r < 0 ? r : xml_set(e, "cid@auto", "yes");
                } else if (streq(e->name, "graphics"))
                        r = free_ports(e);
        }
        return r < 0 ? fail(EXIT_OS, "out of memory") : 0;
}

static int convert(const Host *host, const char *file, const char *text, Conversion *ret)
{
        int r = conversion_start(ret, host);

        if (r >= 0)
                r = conversion_data(ret, file, text, strlen(text), NULL);
        return r;
}

/* The result is converted once more, so that the clone can start. */
static int make_xml(Clone *c)
{
        _cleanup_(conversion_done) Conversion completed = { 0 };
        _cleanup_(freep) char *text = xml_write(c->old.guest->xml);
        int r;

        if (!text)
                return fail(EXIT_OS, "out of memory");
        r = convert(&c->fresh, c->new_path, text, &completed);
        if (r >= 0 && (definition_complete(&completed, DEFINITION_SECRETS) < 0 ||
                       !(c->text = xml_write(completed.guest->xml))))
                return fail(EXIT_OS, "out of memory");
        if (r >= 0)
                r = convert(&c->host, c->new_path, c->text, &c->now);
        print_findings(r < 0 && completed.status < 0 ? completed.findings : c->now.findings);
        return conversion_exit(r);
}

/* ——— all of it ——— */

static int check_name(Clone *c)
{
        _cleanup_(strings_done) Strings directories = { 0 }, taken = { 0 }, unused = { 0 };
        _cleanup_(freep) char *other = NULL;

        if (!guest_name_is_valid(c->new_name))
                return fail(EXIT_BAD_USAGE, "\"%s\" is not a valid guest name", c->new_name);
        if (guest_directories(c->call->user_scope, &directories) < 0)
                return fail(EXIT_OS, "out of memory");
        if (guest_file_find(&directories, c->new_name, &other) >= 0)
                return fail(EXIT_POLICY, "there is a guest %s already: %s", c->new_name, other);
        if (places_find(&c->host, c->new_name, c->name, &taken, &unused) < 0)
                return fail(EXIT_OS, "cannot look for what a guest %s left", c->new_name);
        for (size_t i = 0; i < taken.count; i++)
                if (rmdir(taken.items[i]) < 0) /* systemd leaves empty directories */
                        return fail(
                                EXIT_POLICY,
                                "%s exists: another guest left it behind; remove it, or move it away",
                                taken.items[i]);
        c->new_path = text_format("%s/%s.xml", directories.items[0], c->new_name);
        return c->new_path ? 0 : fail(EXIT_OS, "out of memory");
}

static int check_off(const Clone *c)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *unit = NULL;
        int r = manager_bus(c->call->user_scope, &bus);

        r = r < 0 ? r : unit_name_for_guest(c->name, &unit);
        return r < 0 ? fail(EXIT_MISSING, "cannot ask systemd whether guest %s is off: %s", c->name,
                            strerror(-r))
                     : require_off(bus, c->call->user_scope, c->name, unit);
}

/* A snapshot's images lie over others, which deleting it writes. */
static int check_snapshots(const Clone *c)
{
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(freep) char *path = NULL;

        if (guest_directories(c->call->user_scope, &directories) >= 0)
                path = text_format("%s/%s.snapshots", directories.items[0], c->name);
        if (!path)
                return fail(EXIT_OS, "out of memory");
        return access(path, F_OK) < 0
                       ? 0
                       : fail(EXIT_BAD_GUEST,
                              "guest %s has snapshots, and a clone would share images with them: delete "
                              "them first",
                              c->name);
}

/* The fragments that last are merged into the clone's XML. */
static int read_old(Clone *c)
{
        _cleanup_(freep) char *name = NULL;
        int r = resolve_guest(c->call->user_scope, c->name, &c->path, &name);

        if (r == 0 && !name)
                r = fail(EXIT_BAD_USAGE, "clone requires a guest's name, not a file");
        if (r == 0)
                r = check_off(c);
        if (r == 0)
                r = check_snapshots(c);
        if (r != 0)
                return r;
        r = conversion_start(&c->old, &c->host);
        if (r >= 0)
                r = conversion_file(&c->old, c->path, name);
        if (r < 0)
                print_findings(c->old.findings);
        else if (definition_complete(&c->old, DEFINITION_SECRETS) < 0)
                return fail(EXIT_OS, "out of memory");
        return conversion_exit(r);
}

/* The XML last: with it, the guest is there. */
static int give_names(Clone *c)
{
        _cleanup_(freep) char *directory = path_directory(c->new_path),
                              *made = text_format(".#%s.new", c->new_name);
        _cleanup_(closep) int fd = -EBADF;
        int r = check_off(c); /* still: copies of what is written meanwhile are worth nothing */

        if (r != 0)
                return r;
        for (size_t i = 0; r >= 0 && i < c->n_copies; i++) {
                r = copy_name(&c->copies[i]);
                if (r < 0)
                        return fail(EXIT_OS, "cannot make %s: %s", c->copies[i].to, strerror(-r));
        }
        if (!directory || !made)
                return fail(EXIT_OS, "out of memory");
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = fd < 0 ? -errno : file_write_atomic(fd, made, c->text, strlen(c->text), 0600, 1);
        if (r >= 0) {
                r = file_rename_new(fd, made, strrchr(c->new_path, '/') + 1);
                if (r < 0)
                        (void) unlinkat(fd, made, 0);
        }
        return r < 0 ? fail(r == -EACCES ? EXIT_POLICY : EXIT_OS, "cannot write %s: %s", c->new_path,
                            strerror(-r))
                     : 0;
}

static void keep_all(Clone *c)
{
        for (size_t i = 0; i < c->n_copies; i++) {
                copy_keep(&c->copies[i]);
                printf("Copied %s to %s\n", c->copies[i].from, c->copies[i].to);
        }
        free(c->made_directory);
        c->made_directory = NULL;
}

int verb_clone(const Call *call)
{
        _cleanup_(clone_done) Clone c = { .call = call, .name = call->words[0], .new_name = call->words[1] };
        int r;

        (void) host_read(&c.host, NULL, call->user_scope); /* the conversion reports what is wrong with it */
        c.host.lasting = true;
        c.fresh = c.host;
        if (getrandom(c.fresh.identity_key, sizeof(c.fresh.identity_key), 0) != sizeof(c.fresh.identity_key))
                return fail(EXIT_OS, "cannot get random bytes: %s", strerror(errno));
        r = check_name(&c);
        r = r ?: read_old(&c);
        r = r ?: check_choices(&c);
        r = r ?: rename_nvram(&c, c.old.guest->xml);
        r = r ?: forget_identity(&c, c.old.guest->xml);
        r = r ?: copy_disks(&c);
        r = r ?: make_xml(&c);
        r = r ?: copy_nvram(&c);
        r = r ?: give_names(&c);
        if (r != 0)
                return r;
        keep_all(&c);
        (void) reload_manager(call->user_scope);
        printf("Cloned guest %s as %s in %s.\n", c.name, c.new_name, c.new_path);
        return EXIT_SUCCESS;
}
