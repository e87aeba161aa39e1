/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Golden cases: each NAME.xml in the directory is converted, and the result must match the files beside it:
 *
 *     NAME.args   QEMU's command line, an option a line; absent if the guest is refused
 *     NAME.err    the findings, errors or warnings; absent if there are none
 *     NAME.unit   the drop-in, checked only if the file exists
 *
 * A case whose name begins with "user-" is a user's guest; the drop-ins of its helper, and of the unit that
 * creates its user, follow in NAME.unit.
 * What a guest is completed to (generator/definition/definition.h) must become the same command line, and be
 * completed to itself.
 * root/ stands for the host's root directory, and root-strict/ for that of a case whose name begins with
 * "policy-", which has a vmunit.conf that forbids everything. A golden file that no case reads is a failure.
 * With REGENERATE=1 in the environment the files are rewritten instead.
 */

#include <errno.h>
#include <fcntl.h>

#include "generator/definition/definition.h"
#include "generator/unit/drop-in-helper.h"
#include "generator/unit/drop-in-tpm.h"
#include "generator/unit/drop-in-user.h"
#include "generator/unit/drop-in.h"
#include "guest/machine/general.h"
#include "guest/xml/write.h"
#include "tests/unit/test.h"
#include "util/file.h"
#include "util/text.h"

#define USER 1000

static bool regenerate;
static unsigned failures;
static Strings used;

/* The text must match the file; a missing file counts as empty. */
static void compare(const char *path, const char *text)
{
        _cleanup_(freep) char *expected = NULL;
        size_t size = 0;

        CHECK(strings_add(&used, path) >= 0);
        if (file_read(AT_FDCWD, path, (size_t) 1 << 22, &expected, &size) < 0)
                expected = strdup("");
        if (streq(expected, text))
                return;
        if (regenerate) {
                if (*text)
                        CHECK(file_write_atomic(AT_FDCWD, path, text, strlen(text), 0644, 0) >= 0);
                else
                        CHECK(unlink(path) >= 0);
                printf("rewrote %s\n", path);
                return;
        }
        printf("%s: expected\n%s\n%s: got\n%s\n", path, expected, path, text);
        failures++;
}

static char *argv_text(const Strings *argv)
{
        _cleanup_(text_writer_done) TextWriter w;
        FILE *f = text_writer_start(&w);
        char *text;

        CHECK(f);
        for (size_t i = 0; i < argv->count; i++)
                fprintf(f, "%s%s", i == 0 ? "" : argv->items[i][0] == '-' ? "\n" : " ", argv->items[i]);
        fputs(argv->count ? "\n" : "", f);
        text = text_writer_take(&w);
        CHECK(text);
        return text;
}

static char *findings_text(const Findings *findings)
{
        _cleanup_(text_writer_done) TextWriter w;
        FILE *f = text_writer_start(&w);
        char *text;

        CHECK(f);
        for (size_t i = 0; i < findings_count(findings); i++) {
                _cleanup_(freep) char *line = finding_format(findings_get(findings, i));

                fprintf(f, "%s\n", line);
        }
        text = text_writer_take(&w);
        CHECK(text);
        return text;
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/*
 * Controllers whose index the XML leaves out stand behind those that have one, and completed ones by their
 * index, as with libvirt. The guest sees the same machine, since each has its address.
 */
static const char reordered[] = "place-scsi-models.xml";

static void sort_options(Strings *argv)
{
        qsort(argv->items, argv->count, sizeof(*argv->items), by_text);
}

/* What the guest is completed to describes the same guest, and is complete. */
static void check_definition(const char *xml, Conversion *c)
{
        _cleanup_(conversion_done) Conversion again = { 0 };
        _cleanup_(freep) char *text = NULL, *argv = NULL, *argv_again = NULL, *text_again = NULL;

        CHECK_NUMBER(definition_complete(c, DEFINITION_SECRETS), 0);
        text = xml_write(c->guest->xml);
        CHECK(text);
        CHECK(conversion_start(&again, c->host) >= 0);
        if (conversion_data(&again, xml, text, strlen(text), NULL) < 0) {
                _cleanup_(freep) char *findings = findings_text(again.findings);

                printf("%s: refused when completed:\n%s%s\n", xml, findings, text);
                failures++;
                return;
        }
        if (streq(xml, reordered)) {
                sort_options(&c->plan.argv);
                sort_options(&again.plan.argv);
        }
        argv = argv_text(&c->plan.argv);
        argv_again = argv_text(&again.plan.argv);
        CHECK_NUMBER(definition_complete(&again, DEFINITION_SECRETS), 0);
        text_again = xml_write(again.guest->xml);
        if (streq(argv_again, argv) && streq_null(text_again, text))
                return;
        printf("%s: completed to\n%s\nwhich becomes\n%s\ninstead of\n%s\nand when completed again\n%s\n",
               xml, text, argv_again, argv, text_again ?: "");
        failures++;
}

/* The drop-ins of all units of the guest. */
static void check_units(Conversion *c, const char *xml, const char *unit)
{
        _cleanup_(freep) char *drop_in = NULL, *helper = NULL, *socket = NULL, *all = NULL, *user = NULL;
        _cleanup_(freep) char *tpm = NULL, *tpm_socket = NULL;
        size_t size;

        CHECK(drop_in_text(
                      c, c->guest && c->guest->general->name ? c->guest->general->name : "unknown", xml,
                      &drop_in, &size) >= 0);
        if (c->status == 0) {
                CHECK(helper_service_text(c, c->guest->general->name, xml, &helper, &size) >= 0);
                CHECK(helper_socket_text(c, xml, &socket, &size) >= 0);
        }
        if (c->status == 0 && c->plan.own_user.name)
                CHECK(user_service_text(c, xml, &user, &size) >= 0);
        if (c->status == 0 && tpm_is_emulated(c)) {
                CHECK(tpm_service_text(c, c->guest->general->name, xml, &tpm, &size) >= 0);
                CHECK(tpm_socket_text(c, xml, &tpm_socket, &size) >= 0);
        }
        all = text_format(
                "%s%s%s%s%s%s", drop_in, helper ?: "", socket ?: "", user ?: "", tpm ?: "",
                tpm_socket ?: "");
        compare(unit, all);
}

static void run_case(const char *stem)
{
        _cleanup_(freep) char *xml = text_format("%s.xml", stem), *args = text_format("%s.args", stem);
        _cleanup_(freep) char *err = text_format("%s.err", stem), *unit = text_format("%s.unit", stem);
        _cleanup_(freep) char *argv = NULL, *findings = NULL;
        bool user_scope = text_after(stem, "user-");
        _cleanup_(host_done) Host host = { 0 };
        _cleanup_(conversion_done) Conversion c;
        int r;

        CHECK(host_read(&host, text_after(stem, "policy-") ? "root-strict" : "root", user_scope) >= 0);
        host_identify(&host, USER);
        CHECK(conversion_start(&c, &host) >= 0);
        r = conversion_file(&c, xml, NULL);
        CHECK(r == 0 || findings_failed(c.findings));
        argv = r == 0 ? argv_text(&c.plan.argv) : strdup("");
        findings = findings_text(c.findings);
        compare(args, argv);
        compare(err, findings);
        if (access(unit, F_OK) >= 0)
                check_units(&c, xml, unit);
        if (r == 0)
                check_definition(xml, &c);
}

int main(int argc, char **argv)
{
        _cleanup_(strings_done) Strings files = { 0 };
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        unsigned cases = 0;

        regenerate = getenv("REGENERATE") != NULL;
        CHECK(setenv("HOME", "/home/user", 1) == 0 && setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1) == 0);
        /* the same for both: which one contains the state depends on the version of systemd */
        CHECK(setenv("XDG_STATE_HOME", "/home/user/xdg", 1) == 0 &&
              setenv("XDG_CONFIG_HOME", "/home/user/xdg", 1) == 0);
        if (argc != 2 || chdir(argv[1]) < 0) {
                fprintf(stderr, "usage: test-golden DIRECTORY\n");
                return EXIT_FAILURE;
        }
        dir = opendir(".");
        CHECK(dir);
        while ((entry = readdir(dir)))
                CHECK(strings_add(&files, entry->d_name) >= 0);
        qsort(files.items, files.count, sizeof(*files.items), by_text);

        for (size_t i = 0; i < files.count; i++)
                if (text_ends_with(files.items[i], ".xml")) {
                        _cleanup_(freep) char *stem = strndup(files.items[i], strlen(files.items[i]) - 4);

                        run_case(stem);
                        cases++;
                }
        for (size_t i = 0; i < files.count; i++) {
                const char *f = files.items[i];

                if ((text_ends_with(f, ".args") || text_ends_with(f, ".err") ||
                     text_ends_with(f, ".unit")) &&
                    !strings_have(&used, f)) {
                        printf("%s: no case reads this file\n", f);
                        failures++;
                }
        }
        strings_done(&used);
        printf("%u cases, %u differences\n", cases, failures);
        return failures > 0 || cases == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
