/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is derived where XML leaves it out, and what vmctl define writes into it. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cli/define/check-unique.h"
#include "cli/define/complete.h"
#include "cli/define/machine-type.h"
#include "cli/define/places.h"
#include "guest/identity.h"
#include "guest/machine/general.h"
#include "tests/unit/test.h"
#include "util/file.h"

#define BEGIN       "<?xml version='1.0'?>\n<!-- kept -->\n<domain type='qemu'>\n"
#define OS(machine) "<memory>65536</memory><os><type machine='" machine "'>hvm</type></os>\n"

static const char bare[] = BEGIN "  <name>one</name> <!-- kept -->\n" OS(
        "pc-q35-7.2") "  <devices>\n    <interface type='user'/>\n    <interface type='user'>\n      <model "
                      "type='virtio'/>\n    </interface>\n    <vsock><cid auto='yes'/></vsock>\n"
                      "  </devices>\n</domain>\n";

static char root[] = "/tmp/test-define-XXXXXX";

static void put(const char *path, const char *text)
{
        _cleanup_(freep) char *full = text_format("%s/%s", root, path);

        CHECK_NUMBER(file_write_atomic(AT_FDCWD, full, text, strlen(text), 0600, 0), 0);
}

static void convert(const Host *host, const char *text, Conversion *ret)
{
        CHECK_NUMBER(conversion_start(ret, host), 0);
        CHECK_NUMBER(conversion_data(ret, "one.xml", text, strlen(text), NULL), 0);
}

/* On a host with that machine ID, NULL for none, and for that user, or the system. */
static void identify(const char *machine_id, bool user_scope, uid_t user, char *ret[static 3])
{
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 };
        static const char *const kinds[] = { "uuid", "mac", "cid" };

        put("etc/machine-id", machine_id ?: "");
        CHECK_NUMBER(host_read(&host, root, user_scope), 0);
        host_identify(&host, user);
        convert(&host, bare, &c);
        CHECK_NUMBER(findings_count(c.findings), 0);
        for (size_t i = 0; i < 3; i++) {
                const char *value = identity_find(c.guest, kinds[i], 0);

                CHECK(value);
                ret[i] = strdup(value);
        }
}

static void test_derived(void)
{
        static const struct {
                const char *machine_id;
                bool user_scope;
                uid_t user;
        } hosts[] = {
                { "0123456789abcdef0123456789abcdef\n", false, 0 },
                { "0123456789abcdef0123456789abcdee\n", false, 0 },
                { "0123456789abcdef0123456789abcdef\n", true, 0 },
                { "0123456789abcdef0123456789abcdef\n", true, 1000 },
                { "0123456789abcdef0123456789abcdef\n", true, 1001 },
                { "uninitialized\n", false, 0 },
        };
        char *found[ELEMENTS(hosts)][3];

        for (size_t i = 0; i < ELEMENTS(hosts); i++) {
                char *again[3];

                identify(hosts[i].machine_id, hosts[i].user_scope, hosts[i].user, found[i]);
                identify(hosts[i].machine_id, hosts[i].user_scope, hosts[i].user, again);
                for (size_t k = 0; k < 3; k++) {
                        CHECK_TEXT(again[k], found[i][k]);
                        free(again[k]);
                        for (size_t other = 0; other < i; other++)
                                CHECK(!streq(found[other][k], found[i][k]));
                }
        }
        /* fixed for ever: guests rely on it */
        CHECK_TEXT(found[0][0], "d7a08c21-4029-4b65-a87e-485b47bdcd6a");
        CHECK_TEXT(found[0][1], "52:54:00:71:ff:1a");
        for (size_t i = 0; i < ELEMENTS(hosts); i++)
                for (size_t k = 0; k < 3; k++)
                        free(found[i][k]);
}

static void test_warnings(void)
{
        static const char *const expected[] = { "<domain>: <uuid>", "<interface>: <mac address='52:54:00:",
                                                "<interface>: <mac address='52:54:00:",
                                                "<vsock>: <cid address='" };
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 };
        _cleanup_(freep) char *path = text_format("%s/one.xml", root);

        put("one.xml", bare);
        CHECK_NUMBER(host_read(&host, root, false), 0);
        CHECK_NUMBER(conversion_start(&c, &host), 0);
        CHECK_NUMBER(conversion_file(&c, path, "one"), 0);
        CHECK_NUMBER(findings_count(c.findings), ELEMENTS(expected));
        for (size_t i = 0; i < ELEMENTS(expected); i++) {
                const Finding *f = findings_get(c.findings, i);

                CHECK(f->severity == SEVERITY_WARNING);
                CHECK(text_after(f->text, expected[i]));
                CHECK(strstr(f->text, "write it into the file, or run: vmctl define '/tmp/test-define-"));
        }
}

static void complete(const Host *host, const char *text, const Guest *replaced, char **ret)
{
        _cleanup_(conversion_done) Conversion c = { 0 };
        _cleanup_(xml_edits_done) XmlEdits edits = { .data = text, .size = strlen(text) };
        _cleanup_(strings_done) Strings added = { 0 };
        size_t size;

        convert(host, text, &c);
        CHECK_NUMBER(complete_definition(&c, replaced, &edits, &added), 0);
        CHECK_NUMBER(added.count, edits.count);
        CHECK_NUMBER(xml_edits_apply(&edits, ret, &size), 0);
}

static void test_complete(void)
{
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c = { 0 }, done = { 0 };
        _cleanup_(freep) char *first = NULL, *second = NULL, *third = NULL, *expected = NULL;
        const char *mac;
        _cleanup_(freep) char *text = NULL, *machine = NULL;

        CHECK_NUMBER(host_read(&host, root, false), 0);
        convert(&host, bare, &c);
        complete(&host, bare, NULL, &first);
        expected = text_format(
                BEGIN "  <name>one</name>\n  <uuid>%s</uuid> <!-- kept -->\n" OS(
                        "pc-q35-7.2") "  <devices>\n"
                                      "    <interface type='user'>\n      <mac address='%s'/>\n    "
                                      "</interface>\n"
                                      "    <interface type='user'>\n      <mac address='%s'/>\n      <model "
                                      "type='virtio'/>\n"
                                      "    </interface>\n    <vsock><cid auto='no' address='%s'/></vsock>\n"
                                      "  </devices>\n</domain>\n",
                c.guest->general->uuid, identity_find(c.guest, "mac", 0), identity_find(c.guest, "mac", 1),
                identity_find(c.guest, "cid", 0));
        CHECK_TEXT(first, expected);

        /* with all of it, not a byte changes */
        complete(&host, first, NULL, &second);
        CHECK_TEXT(second, first);

        /* what the definition had stays, and the machine's version, but no address becomes that of two */
        memset(host.identity_key, 7, sizeof(host.identity_key));
        convert(&host, first, &done);
        complete(&host, bare, done.guest, &third);
        CHECK_TEXT(third, first);
        mac = identity_find(done.guest, "mac", 0);
        text = text_format(
                BEGIN
                "<name>one</name>\n" OS("q35") "<devices><interface type='user'/><interface type='user'>"
                                               "<mac address='%s'/></interface></devices></domain>\n",
                mac);
        complete(&host, text, done.guest, &machine);
        CHECK(strstr(machine, "<type machine='pc-q35-7.2'>"));
        CHECK(strstr(machine, done.guest->general->uuid));
        CHECK(!strstr(strstr(machine, mac) + 1, mac));
}

#define TWIN(name)                                              \
        "<domain type='qemu'><name>" name "</name>\n"           \
        "  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>\n" \
        "  <memory>65536</memory><os><type machine='q35'>hvm</type></os></domain>\n"

static void set_age(const char *path, time_t seconds)
{
        _cleanup_(freep) char *full = text_format("%s/%s", root, path);
        const struct timespec times[] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

        CHECK_NUMBER(utimensat(AT_FDCWD, full, times, 0), 0);
}

/* A guest can be changed although a newer copy has its UUID, but a copy cannot take the UUID over. */
static void test_copies(void)
{
        static const struct {
                time_t web, copy;
                bool is_same, is_running;
                int result;
        } cases[] = {
                { 100, 200, true, false, 0 },
                { 100, 200, false, false, -EINVAL }, /* it takes the UUID of a guest that has it */
                { 200, 100, true, false, -EINVAL },
                { 200, 100, true, true, 0 }, /* what runs is only warned of */
        };
        _cleanup_(strings_done) Strings directories = { 0 };
        _cleanup_(freep) char *guests = text_format("%s/guests", root), *run = text_format("%s/run", root),
                              *vm = text_format("%s/run/vm", root),
                              *web = text_format("%s/run/vm/web", root),
                              *one = text_format("%s/guests/web.xml", root),
                              *two = text_format("%s/guests/web-test.xml", root);

        CHECK(mkdir(guests, 0700) == 0 && mkdir(run, 0700) == 0 && mkdir(vm, 0700) == 0);
        CHECK_NUMBER(strings_add(&directories, guests), 0);
        put("guests/web.xml", TWIN("web"));
        put("guests/web-test.xml", TWIN("web-test"));
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_(host_done) Host host = { 0 };
                _cleanup_(conversion_done) Conversion c = { 0 };
                bool shared = false;

                CHECK_NUMBER(host_read(&host, root, false), 0);
                set_age("guests/web.xml", cases[i].web);
                set_age("guests/web-test.xml", cases[i].copy);
                CHECK(!cases[i].is_running || mkdir(web, 0700) == 0);
                convert(&host, TWIN("web"), &c);
                free(host.run);
                host.run = strdup(run);
                CHECK_NUMBER(
                        check_unique(&host, &directories, "web", cases[i].is_same, &c, &shared),
                        cases[i].result);
                CHECK_NUMBER(shared, cases[i].result == 0);
                CHECK_NUMBER(findings_count(c.findings), i > 0);
        }
        CHECK(unlink(one) == 0 && unlink(two) == 0 && rmdir(guests) == 0);
        CHECK(rmdir(web) == 0 && rmdir(vm) == 0 && rmdir(run) == 0);
}

/* What is in a directory is listed before it, so that it can be moved first. */
static void test_places(void)
{
        static const char *const made[] = { "units",
                                            "units/systemd",
                                            "units/systemd/user",
                                            "units/systemd/user/vm@web.service.d",
                                            "units/systemd/user/vm@web.service.wants",
                                            "units/systemd/user/vm@web.service.wants/vm-helper@web.socket",
                                            "units/systemd/user/vm@web.service.x.service.wants",
                                            "units/systemd/user/vm@web-1.service.wants",
                                            "units/systemd/user/vm@web.service.wanted" };
        _cleanup_(strings_done) Strings from = { 0 }, to = { 0 };
        _cleanup_(freep) char *units = text_format("%s/units", root), *drop_ins = NULL, *links = NULL,
                              *link = NULL, *moved = NULL;
        Host host = { .state = root, .user_scope = true };

        CHECK(setenv("XDG_CONFIG_HOME", units, 1) == 0 && setenv("XDG_RUNTIME_DIR", "/nonexistent", 1) == 0);
        for (size_t i = 0; i < ELEMENTS(made); i++) {
                _cleanup_(freep) char *path = text_format("%s/%s", root, made[i]);

                CHECK(mkdir(path, 0700) == 0);
        }
        drop_ins = text_format("%s/%s", root, made[3]);
        links = text_format("%s/%s", root, made[4]);
        link = text_format("%s/%s", root, made[5]);
        moved = text_format("%s/vm-helper@my\\x20web.socket", links);
        CHECK_NUMBER(places_find(&host, "web", "my web", &from, &to), 0);
        CHECK_NUMBER(from.count, 3);
        CHECK(strings_have(&from, drop_ins) && strings_have(&from, links));
        for (size_t i = 0; i < from.count; i++) {
                CHECK(!streq(from.items[i], link) || (i < 2 && streq(to.items[i], moved)));
                CHECK(!streq(from.items[i], links) || (i > 0 && streq(from.items[i - 1], link)));
        }
        for (size_t i = ELEMENTS(made); i-- > 0;) {
                _cleanup_(freep) char *path = text_format("%s/%s", root, made[i]);

                CHECK(rmdir(path) == 0);
        }
}

static void test_machine_type(void)
{
        static const char help[] =
                "Supported machines are:\n"
                "microvm              microvm (i386)\n"
                "pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)\n"
                "pc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996) (default)\n"
                "q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-7.2)\n"
                "pc-q35-7.2           Standard PC (Q35 + ICH9, 2009)";
        _cleanup_(freep) char *pc = NULL, *q35 = NULL, *none = NULL;

        CHECK_NUMBER(machine_type_find(help, "pc", &pc), 1);
        CHECK_TEXT(pc, "pc-i440fx-7.2");
        CHECK_NUMBER(machine_type_find(help, "q35", &q35), 1);
        CHECK_TEXT(q35, "pc-q35-7.2");
        CHECK_NUMBER(machine_type_find(help, "microvm", &none), 0);
        CHECK_NUMBER(machine_type_find(help, "virt", &none), 0);
        CHECK_NUMBER(machine_type_find("", "pc", &none), 0);
        CHECK_NUMBER(machine_type_resolve("/nonexistent", "pc", &none), -ENOENT);
        CHECK_NUMBER(machine_type_resolve("/bin/sh", "pc", &none), -EPERM); /* not a QEMU */
}

int main(void)
{
        _cleanup_(freep) char *etc = NULL, *id = NULL, *xml = NULL;

        CHECK(mkdtemp(root));
        etc = text_format("%s/etc", root);
        CHECK(mkdir(etc, 0700) == 0);
        test_derived();
        test_warnings();
        test_complete();
        test_copies();
        test_places();
        test_machine_type();
        id = text_format("%s/etc/machine-id", root);
        xml = text_format("%s/one.xml", root);
        CHECK(unlink(id) == 0 && unlink(xml) == 0 && rmdir(etc) == 0 && rmdir(root) == 0);
        return 0;
}
