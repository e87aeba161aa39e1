/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the start of a guest exits with that cannot be converted, and what it says. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "generator/convert/unique.h"
#include "generator/unit/drop-in.h"
#include "tests/unit/test.h"
#include "util/file.h"

#define NOBODY 65534

#define GUEST(rest)                                                                      \
        "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n" \
        "  <name>one</name>\n"                                                           \
        "  <memory>65536</memory>\n"                                                     \
        "  <os><type machine='q35'>hvm</type></os>\n" rest "</domain>\n"

#define COMMANDLINE "  <qemu:commandline><qemu:arg value='-S'/></qemu:commandline>\n"
#define HOSTDEV                                                                                            \
        "  <devices><hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0x1'/>" \
        "</source></hostdev></devices>\n"

static char root[] = "/tmp/test-convert-XXXXXX";

static char *put(const char *path, const char *text)
{
        char *full = text_format("%s%s", root, path);
        _cleanup_(freep) char *directory = strdup(full);

        *strrchr(directory, '/') = '\0';
        CHECK_NUMBER(file_make_directories(AT_FDCWD, directory, 0700), 0);
        CHECK_NUMBER(file_write_atomic(AT_FDCWD, full, text, strlen(text), 0600, 0), 0);
        return full;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
        return remove(path);
}

/* The refusing drop-in's exit status, where it is not the default 65, and a text that it has. */
static void check_refused(const char *path, int exit, const char *said)
{
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 };
        _cleanup_(freep) char *text = NULL, *option = text_format("--exit=%d", exit);
        size_t size;

        (void) host_read(&host, root, false);
        if (conversion_start(&c, &host) >= 0)
                (void) conversion_file(&c, path, "one");
        CHECK_NUMBER(conversion_exit(c.status), exit);
        CHECK_NUMBER(drop_in_text(&c, "one", path, &text, &size), 0);
        CHECK(strstr(text, "vm-launcher refuse --guest=one"));
        CHECK(!strstr(text, "vm-launcher run"));
        CHECK(exit == 65 ? !strstr(text, "--exit=") : !!strstr(text, option));
        if (!strstr(text, said))
                fprintf(stderr, "%s\nhas not: %s\n", text, said);
        CHECK(strstr(text, said));
}

static void check_guest(const char *xml, int exit, const char *said)
{
        _cleanup_(freep) char *path = put("/one.xml", xml);

        check_refused(path, exit, said);
}

static void test_no_file(void)
{
        _cleanup_(freep) char *path = text_format("%s/none.xml", root),
                              *directory = text_format("%s/d", root), *endless = put("/large.xml", "");

        check_refused(path, 66, "none.xml: error: cannot read the file: No such file or directory");
        CHECK_NUMBER(mkdir(directory, 0700), 0);
        check_refused(directory, 66, "cannot read the file: Is a directory");
        check_refused("/dev/null", 65, "/dev/null: error: cannot read the file: not a regular file");
        CHECK_NUMBER(truncate(endless, (off_t) 1 << 30), 0);
        check_refused(endless, 65, "larger than the limit of");
}

/* As the generator of a user's manager may find it. */
static void test_no_access(void)
{
        _cleanup_(freep) char *path = put("/secret.xml", GUEST(""));
        bool is_root = geteuid() == 0;

        CHECK_NUMBER(chmod(path, 0), 0);
        if (is_root)
                CHECK_NUMBER(seteuid(NOBODY), 0);
        check_refused(path, 66, "secret.xml: error: cannot read the file: Permission denied");
        if (is_root)
                CHECK_NUMBER(seteuid(0), 0);
}

static void test_errors(void)
{
        check_guest(GUEST("  <flux/>\n"), 65, "one.xml:5:3: error: <flux>");
        check_guest("", 65, "one.xml:1:1: error: ");
}

static void test_policy(void)
{
        static const char conf[] = "/etc/vmunit/vmunit.conf";
        _cleanup_(freep) char *path = put(conf, "[Guests]\nAllowHostDevices=no\nAllowQemuCommandline=no\n");

        check_guest(GUEST(COMMANDLINE), 77, "one.xml:5:3: error: <qemu:commandline>: AllowQemuCommandline=");
        check_guest(GUEST(HOSTDEV), 77, "one.xml:5:12: error: <hostdev>: AllowHostDevices=");
        check_guest(GUEST("  <flux/>\n" HOSTDEV), 65, "one.xml:5:3: error: <flux>");

        free(path);
        path = put(conf, "[Guests]\nNonsense=1\n");
        check_guest(GUEST(""), 78, "vmunit.conf:2:1: error: unknown setting Nonsense=");
        CHECK_NUMBER(unlink(path), 0);
}

/* All guests of one host are converted under the policy that it read first. */
static void test_policy_is_read_once(void)
{
        static const char conf[] = "/etc/vmunit/vmunit.conf", xml[] = GUEST(COMMANDLINE);
        static const int expected[] = { -EPERM, -EPERM, 0 };
        _cleanup_(freep) char *path = put(conf, "[Guests]\nAllowQemuCommandline=no\n");
        _cleanup_(host_done) Host host = { 0 };

        CHECK_NUMBER(host_read(&host, root, false), 0);
        for (size_t i = 0; i < ELEMENTS(expected); i++) {
                _cleanup_(conversion_done) Conversion c = { 0 };

                CHECK_NUMBER(conversion_start(&c, &host), 0);
                CHECK_NUMBER(conversion_data(&c, "x.xml", xml, strlen(xml), NULL), expected[i]);
                free(path);
                path = put(conf, "[Guests]\nAllowQemuCommandline=yes\n");
                if (i == 1) {
                        host_done(&host);
                        CHECK_NUMBER(host_read(&host, root, false), 0);
                }
        }
        CHECK_NUMBER(unlink(path), 0);
}

static void probe_read(Guest *g, Device *d)
{
        const Settings *s = g->settings;

        device_error(
                g, d, "%s %s %s %s %s %s %d", s->instance, s->run_directory, s->state_directory,
                s->session_directory ?: "-", s->home ?: "-", s->helper_socket ? "socket" : "-",
                s->policy->switches[POLICY_QEMU_COMMANDLINE].allowed);
}

/* A device's reader sees the same settings as later phases. */
static void test_readers_see_settings(void)
{
        static const DeviceKind probe = { .element = "probe", .size = sizeof(Device), .read = probe_read };
        static const DeviceKind *const kinds[] = { &probe, NULL };
        static const char xml[] = GUEST("  <devices><probe/></devices>\n");
        static const char *const expected[] = {
                "one /run/vm/one /var/lib/vm/one - - socket 1",
                "one /run/user/7/vm/one /home/u/xdg/vm/one /run/user/7 /home/u socket 1",
        };

        CHECK(setenv("HOME", "/home/u", 1) == 0 && setenv("XDG_RUNTIME_DIR", "/run/user/7", 1) == 0);
        CHECK(setenv("XDG_STATE_HOME", "/home/u/xdg", 1) == 0);
        CHECK(setenv("XDG_CONFIG_HOME", "/home/u/xdg", 1) == 0);
        for (int user_scope = 0; user_scope <= 1; user_scope++) {
                _cleanup_(host_done) Host host = { 0 };
                _cleanup_(conversion_done) Conversion c = { 0 };

                CHECK_NUMBER(host_read(&host, root, user_scope), 0);
                host.kinds = kinds;
                CHECK_NUMBER(conversion_start(&c, &host), 0);
                CHECK_NUMBER(conversion_data(&c, "x.xml", xml, strlen(xml), NULL), -EINVAL);
                CHECK_NUMBER(findings_count(c.findings), 1);
                CHECK_TEXT(findings_get(c.findings, 0)->text, expected[user_scope]);
        }
}

/* A guest that is refused may still be running, with a helper whose socket must keep its address. */
static void test_refused_guest_has_directories(void)
{
        _cleanup_(freep) char *conf = put("/etc/vmunit/vmunit.conf", "[Guests]\nNonsense=1\n");
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 };

        CHECK_NUMBER(host_read(&host, root, true), -EBADMSG);
        CHECK_NUMBER(conversion_start(&c, &host), -EBADMSG);
        CHECK_NUMBER(conversion_file(&c, "/nonexistent/one.xml", "one"), -EBADMSG);
        CHECK_NUMBER(findings_count(c.findings), 1);
        CHECK(c.settings.helper_socket);
        CHECK_NUMBER(unlink(conf), 0);
}

/* What the name or a path cannot be in a unit. */
static void test_names(void)
{
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 };
        static const char xml[] = "<domain type='qemu'>\n  <name>a\"b</name>\n  <memory>65536</memory>\n"
                                  "  <os><type machine='q35'>hvm</type></os>\n</domain>\n";

        check_guest(
                xml, 65,
                "one.xml:2:3: error: <name> is 'a\\\"b', but the file is named 'one.xml'; both must match");
        CHECK_NUMBER(host_read(&host, root, false), 0);
        CHECK_NUMBER(conversion_start(&c, &host), 0);
        CHECK_NUMBER(conversion_data(&c, "x.xml", xml, strlen(xml), "a\"b"), -EINVAL);
        CHECK_NUMBER(findings_count(c.findings), 1);
        CHECK_NUMBER(findings_get(c.findings, 0)->place.line, 2);
        CHECK_NUMBER(findings_get(c.findings, 0)->place.column, 3);
        CHECK_TEXT(
                findings_get(c.findings, 0)->text, "<name>: 'a\"b' contains a backslash or a quote, which "
                                                   "systemd does not support in directory names");
}

/* The longest name that a guest's units can have, and one byte more. */
static void check_longest_name(bool user_scope, size_t longest)
{
        for (size_t more = 0; more <= 1; more++) {
                _cleanup_(host_done) Host host = { 0 };
                _cleanup_(conversion_done) Conversion c = { 0 };
                _cleanup_(freep) char *xml = NULL, *said = NULL;
                char name[NAME_MAX + 1] = "";

                memset(name, 'a', longest + more);
                xml = text_format(
                        "<domain type='qemu'>\n  <name>%s</name>\n  <memory>65536</memory>\n"
                        "  <os><type machine='q35'>hvm</type></os>\n</domain>\n",
                        name);
                CHECK_NUMBER(host_read(&host, root, user_scope), 0);
                CHECK_NUMBER(conversion_start(&c, &host), 0);
                CHECK_NUMBER(conversion_data(&c, "x.xml", xml, strlen(xml), name), more ? -EINVAL : 0);
                CHECK_NUMBER(findings_count(c.findings), more);
                if (!more)
                        continue;
                said = text_format(
                        "<name>: too long: it takes %zu bytes in the names of the guest's units, and at "
                        "most %zu fit",
                        longest + 1, longest);
                CHECK_TEXT(findings_get(c.findings, 0)->text, said);
        }
}

static void test_long_names(void)
{
        check_longest_name(false, NAME_MAX - strlen("vm-helper@.service.d"));
        check_longest_name(true, NAME_MAX - strlen("vm-helper@.service.d"));
}

static Conversion convert_with_user(const Host *host, const char *name, unsigned uuid)
{
        _cleanup_(freep) char *xml = text_format(
                "<domain type='qemu'><name>%s</name><uuid>4dea22b3-1d52-d8f3-2516-782e98ab%04x</uuid>"
                "<memory>65536</memory><os><type machine='q35'>hvm</type></os></domain>",
                name, uuid);
        Conversion c;

        CHECK_NUMBER(conversion_start(&c, host), 0);
        CHECK_NUMBER(conversion_data(&c, "x.xml", xml, strlen(xml), NULL), 0);
        return c;
}

static const char *unit_user(const Conversion *c)
{
        for (size_t i = 0; i < c->plan.n_directives; i++)
                if (streq(c->plan.directives[i].key, "User"))
                        return c->plan.directives[i].value;
        return NULL;
}

/* The name follows from the UUID, which a rename keeps; a full range makes numbers collide, and not names.
 */
static void test_own_users(void)
{
        _cleanup_(freep) char *conf = put("/etc/vmunit/vmunit.conf", "[Guests]\nUser=per-guest\n");
        _cleanup_(strings_done) Strings names = { 0 };
        _cleanup_(host_done) Host host = { 0 };

        CHECK_NUMBER(host_read(&host, root, false), 0);
        for (unsigned i = 0; i < 200; i++) {
                _cleanup_(conversion_done) Conversion c = convert_with_user(&host, "one", i),
                                                      renamed = convert_with_user(&host, "two", i);
                const PlanUser *user = &c.plan.own_user;

                CHECK(strlen(user->name) == 19 && !policy_user_fault(user->name));
                CHECK_TEXT(unit_user(&c), user->name);
                CHECK_TEXT(renamed.plan.own_user.name, user->name);
                CHECK_NUMBER(renamed.plan.own_user.number, user->number);
                CHECK(!strings_have(&names, user->name));
                CHECK(strings_add(&names, user->name) >= 0);
                CHECK(user->number >= 1879048192 && user->number <= 2147352575);
        }
        for (unsigned size = 1; size <= 3; size++) {
                bool seen[3] = { false };

                host.policy.user_range = (UidRange){ 70000, 70000 + size - 1 };
                for (unsigned i = 0; i < 100; i++) {
                        _cleanup_(conversion_done) Conversion c = convert_with_user(&host, "one", i);

                        CHECK(c.plan.own_user.number >= 70000 && c.plan.own_user.number < 70000 + size);
                        seen[c.plan.own_user.number - 70000] = true;
                }
                for (unsigned i = 0; i < 3; i++)
                        CHECK(seen[i] == (i < size));
        }
        CHECK_NUMBER(unlink(conf), 0);
}

/* The same for all guests; those of users run as their user. */
static void test_users_of_vmunit_conf(void)
{
        static const char *const users[] = { "web", "995", "qemu" };

        for (size_t i = 0; i < 2 * ELEMENTS(users); i++) {
                const char *user = users[i / 2];
                _cleanup_(freep) char *text = text_format("[Guests]\nUser=%s\n", user);
                _cleanup_(freep) char *conf = put("/etc/vmunit/vmunit.conf", text);
                _cleanup_(host_done) Host host = { 0 };
                _cleanup_(conversion_done) Conversion c = { 0 };

                CHECK_NUMBER(host_read(&host, root, i % 2), 0);
                c = convert_with_user(&host, "one", 1);
                CHECK(!c.plan.own_user.name);
                if (i % 2 || streq(user, "qemu"))
                        CHECK(!unit_user(&c));
                else
                        CHECK_TEXT(unit_user(&c), user);
                CHECK_NUMBER(unlink(conf), 0);
        }
}

/* Drop-ins are readable for everybody, those that refuse too. */
static void test_secrets(void)
{
        static const char *const bad[] = {
                "<graphics type='sdl' passwd='hunter2'/>",
                "<graphics type='vnc'><passwd>hunter2</passwd></graphics>",
                ("<disk type='network'><source protocol='http' name='x'><host name='h'/><cookies>hunter2"
                 "<cookie name='a'>hunter2,</cookie></cookies></source><target dev='vda'/></disk>"),
        };
        static const char good[] =
                "  <devices><graphics type='vnc' passwd='hunter2'/>"
                "<disk type='network'><source protocol='http' name='x'><host name='h'/><cookies>"
                "<cookie name='a'>hunter2</cookie></cookies></source><target dev='vda'/></disk></devices>\n";

        for (size_t i = 0; i <= ELEMENTS(bad); i++) {
                _cleanup_(freep) char *devices =
                        i > 0 ? text_format("  <devices>%s</devices>\n", bad[i - 1]) : strdup(good);
                _cleanup_(freep) char *xml = text_format(GUEST("%s"), devices), *text = NULL;
                _cleanup_(host_done) Host host = { 0 };
                _cleanup_(conversion_done) Conversion c = { 0 };
                size_t size;

                CHECK_NUMBER(host_read(&host, root, false), 0);
                CHECK_NUMBER(conversion_start(&c, &host), 0);
                CHECK_NUMBER(conversion_data(&c, "x.xml", xml, strlen(xml), NULL), i > 0 ? -EINVAL : 0);
                CHECK_NUMBER(drop_in_text(&c, "one", "x.xml", &text, &size), 0);
                CHECK(!strstr(text, "hunter2"));
        }
}

static void add(Unique *u, const Host *host, const GuestFile *file, Conversion *ret)
{
        CHECK_NUMBER(conversion_start(ret, host), 0);
        CHECK_NUMBER(conversion_file(ret, file->path, file->name), 0);
        (void) unique_check(u, ret, file);
}

/* The last finding, or NULL. */
static const char *said(const Conversion *c)
{
        size_t n = findings_count(c->findings);

        return n > 0 ? findings_get(c->findings, n - 1)->text : NULL;
}

#define TWIN(name)                                              \
        "<domain type='qemu'><name>" name "</name>\n"           \
        "  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>\n" \
        "  <memory>65536</memory><os><type machine='q35'>hvm</type></os></domain>\n"
#define NEIGHBOUR(name)                                                     \
        "<domain type='qemu'><name>" name "</name><memory>65536</memory>\n" \
        "  <os><type machine='q35'>hvm</type></os><devices>\n"              \
        "  <interface type='user'><mac address='52:54:00:00:00:01'/></interface></devices></domain>\n"

/* b is the oldest file, although a is the first name; c is newer than both. */
static void test_what_two_have_in_common(void)
{
        const struct timespec ages[] = { { .tv_sec = 200 }, { .tv_sec = 100 }, { .tv_sec = 300 } };
        _cleanup_(freep) char *a = put("/twins/a.xml", TWIN("a")), *b = put("/twins/b.xml", TWIN("b")),
                              *c = put("/twins/c.xml", TWIN("c")), *run = text_format("%s/run", root);
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(guest_files_done) GuestFiles files = { 0 };
        _cleanup_(unique_done) Unique unique = { 0 };
        _cleanup_(host_done) Host host = { 0 };
        Conversion all[5];

        free(put("/neighbours/x.xml", NEIGHBOUR("x")));
        free(put("/neighbours/y.xml", NEIGHBOUR("y")));
        free(put("/run/vm/a/x", ""));
        CHECK_NUMBER(host_read(&host, root, false), 0);
        for (size_t i = 0; i < 3; i++)
                CHECK_NUMBER(
                        utimensat(
                                AT_FDCWD, ((const char *[]){ a, b, c })[i],
                                (struct timespec[]){ ages[i], ages[i] }, 0),
                        0);
        for (const char **d = (const char *[]){ "twins", "neighbours", NULL }; *d; d++)
                CHECK_NUMBER(strings_addf(&directories, "%s/%s", root, *d), 0);
        CHECK_NUMBER(guest_files_find(&directories, &files), 0);
        CHECK_NUMBER(files.count, 5);
        guest_files_note_running(&files, run);
        CHECK(files.items[0].running && !files.items[1].running && !files.items[2].running);
        qsort(files.items, files.count, sizeof(*files.items), guest_file_by_age);
        CHECK_TEXT(files.items[0].name, "b");
        CHECK_TEXT(files.items[1].name, "a");
        CHECK_TEXT(files.items[2].name, "c");
        for (size_t i = 0; i < 5; i++)
                add(&unique, &host, &files.items[i], &all[i]);

        CHECK_NUMBER(all[0].status, 0); /* the oldest */
        CHECK(!said(&all[0]));
        CHECK_NUMBER(all[1].status, 0); /* newer, but it runs */
        CHECK(strstr(said(&all[1]), "is also used by guest b (") &&
              strstr(said(&all[1]), "whose file is older"));
        CHECK_NUMBER(all[2].status, -EINVAL);
        CHECK(strstr(said(&all[2]), "is already used by guest b ("));
        CHECK_NUMBER(findings_get(all[2].findings, 0)->place.line, 2);
        CHECK_NUMBER(all[3].status, 0);
        CHECK_NUMBER(all[4].status, 0);
        CHECK(strstr(said(&all[4]), "MAC address 52:54:00:00:00:01 is also used by guest"));
        for (size_t i = 0; i < 5; i++)
                conversion_done(&all[i]);
}

/* A copy that keeps the time of the original is told by the time of its change, else by its name. */
static void test_age(void)
{
        const GuestFile old = { .name = (char *) "z", .modified = { 1, 5 }, .changed = { 9, 0 } };
        const GuestFile copy = { .name = (char *) "a", .modified = { 1, 5 }, .changed = { 9, 1 } };
        const GuestFile later = { .name = (char *) "a", .modified = { 1, 6 }, .changed = { 1, 0 } };
        const GuestFile same = { .name = (char *) "b", .modified = { 1, 6 }, .changed = { 1, 0 } };

        CHECK(guest_file_by_age(&old, &copy) < 0 && guest_file_by_age(&copy, &old) > 0);
        CHECK(guest_file_by_age(&old, &later) < 0 && guest_file_by_age(&later, &copy) > 0);
        CHECK(guest_file_by_age(&later, &same) < 0 && guest_file_by_age(&same, &same) == 0);
}

int main(void)
{
        CHECK(mkdtemp(root));
        CHECK_NUMBER(chmod(root, 0755), 0);
        test_no_file();
        test_no_access();
        test_errors();
        test_policy();
        test_policy_is_read_once();
        test_readers_see_settings();
        test_refused_guest_has_directories();
        test_names();
        test_long_names();
        test_own_users();
        test_users_of_vmunit_conf();
        test_secrets();
        test_what_two_have_in_common();
        test_age();
        CHECK_NUMBER(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
        return 0;
}
