/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl edit: an editor on a copy of a guest's file. The copy takes the file's place when it is a guest that
 * can start; until then the guest is as it was, whatever happens to the editor or the terminal. What the
 * editor leaves is never lost: if it is not stored, a message says where it is.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/define/check-unique.h"
#include "contract/exit.h"
#include "generator/convert/find.h"
#include "guest/machine/general.h"
#include "util/file.h"
#include "util/unit-name.h"

static const char *find_editor(void)
{
        static const char *const variables[] = { "VISUAL", "EDITOR" };

        for (size_t i = 0; i < ELEMENTS(variables); i++) {
                const char *editor = getenv(variables[i]);

                if (editor && *editor)
                        return editor;
        }
        return access("/usr/bin/editor", X_OK) == 0 ? "editor" : "vi";
}

/* The editor may be a command with arguments. */
static int run_editor(const char *path)
{
        const char *editor = find_editor();
        _cleanup_(freep) char *command = text_format("%s \"$1\"", editor);
        pid_t child = command ? fork() : -1;
        int status;

        if (child < 0)
                return fail(EXIT_OS, "cannot start the editor: %s", strerror(errno));
        if (child == 0) {
                (void) execl("/bin/sh", "sh", "-c", command, "sh", path, NULL);
                _exit(EXIT_OS);
        }
        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return fail(EXIT_OS, "cannot wait for the editor: %s", strerror(errno));
        return WIFEXITED(status) && WEXITSTATUS(status) == 0
                       ? 0
                       : fail(EXIT_OS, "the editor (%s) failed, so nothing was changed", editor);
}

/* The file's own directory may not be for temporary files: its name decides what systemd reads. */
static int make_copy(const char *guest, const char *data, size_t size, char **ret)
{
        const char *directory = getenv("TMPDIR");
        _cleanup_(freep) char *path =
                text_format("%s/%s.XXXXXX.xml", directory && *directory == '/' ? directory : "/tmp", guest);
        _cleanup_(closep) int fd = path ? mkostemps(path, 4, O_CLOEXEC) : -1;
        int r = fd < 0 ? -errno : file_write_all(fd, data, size);

        if (r < 0)
                return fail(EXIT_OS, "cannot make a copy to edit: %s", strerror(-r));
        *ret = TAKE_PTR(path);
        return 0;
}

/* 0 if the text is a guest that can be stored in the place of the one with that name. */
static int check(
        const Host *host, const Strings *directories, const char *guest, const char *path, const char *data,
        size_t size)
{
        _cleanup_(conversion_done) Conversion c = { 0 };
        bool shared;
        int r = conversion_start(&c, host);

        if (r >= 0)
                r = conversion_data(&c, path, data, size, NULL);
        if (r >= 0 && !streq(c.guest->general->name, guest)) {
                guest_error_at(
                        c.guest, "name", "<name> must stay '%s'; to change it, use vmctl rename", guest);
                r = -EINVAL;
        }
        if (r >= 0)
                r = check_unique(host, directories, guest, true, &c, &shared);
        if (c.findings)
                print_findings(c.findings);
        return r < 0 ? conversion_exit(r) : 0;
}

static bool ask_again(void)
{
        char answer[16];

        if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
                return false;
        fputs("Edit again? [Y/n] ", stderr);
        return fgets(answer, sizeof(answer), stdin) && *answer != 'n' && *answer != 'N';
}

typedef struct Edit {
        Host host;
        Strings directories;
        char *path, *guest; /* the guest's file and name */
        char *before, *copy, *after;
        size_t before_size, after_size;
} Edit;

static void edit_done(Edit *e)
{
        host_done(&e->host);
        strings_done(&e->directories);
        free(e->path);
        free(e->guest);
        free(e->before);
        free(e->copy);
        free(e->after);
}

/* Until it is a guest, unchanged, or given up. 1 if there is something to store, or an exit status as
 * -status. */
static int edit(Edit *e)
{
        for (;;) {
                int r = run_editor(e->copy);

                if (r != 0)
                        return -r;
                free(e->after);
                e->after = NULL;
                r = file_read(AT_FDCWD, e->copy, XML_SIZE_MAX, &e->after, &e->after_size);
                if (r < 0)
                        return -fail(EXIT_OS, "cannot read %s: %s", e->copy, strerror(-r));
                if (e->after_size == e->before_size && memcmp(e->after, e->before, e->after_size) == 0)
                        return 0;
                r = check(&e->host, &e->directories, e->guest, e->copy, e->after, e->after_size);
                if (r == 0)
                        return 1;
                if (!ask_again())
                        return -r;
        }
}

static int store(const Edit *e)
{
        const char *directory = e->directories.items[0];
        _cleanup_(freep) char *path = text_format("%s/%s.xml", directory, e->guest);
        struct stat st;
        mode_t mode = stat(e->path, &st) >= 0 ? st.st_mode & 0777 : 0600;
        int r = path ? file_make_directories(AT_FDCWD, directory, 0755) : -ENOMEM;

        if (r >= 0)
                r = file_write_atomic(AT_FDCWD, path, e->after, e->after_size, mode, 1);
        return r < 0 ? fail(r == -EACCES || r == -EPERM ? EXIT_POLICY : EXIT_OS,
                            "cannot write %s/%s.xml: %s", directory, e->guest, strerror(-r))
                     : 0;
}

static void print_next(const Edit *e, bool user_scope)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *unit = NULL, *state = NULL;

        printf("Changed guest %s.\n", e->guest);
        if (unit_name_for_guest(e->guest, &unit) >= 0 && manager_bus(user_scope, &bus) >= 0 &&
            unit_state(bus, unit, &state) >= 0 && streq(state, "active"))
                printf("It runs as it was started. To change what can be changed now: %s reload '%s'\n",
                       systemctl_of(user_scope), unit);
}

int verb_edit(const Call *call)
{
        _cleanup_(edit_done) Edit e = { 0 };
        int r;

        r = resolve_guest(call->user_scope, call->words[0], &e.path, &e.guest);
        if (r != 0)
                return r;
        if (!e.guest)
                return fail(EXIT_BAD_USAGE, "edit requires a guest's name, not a file");
        (void) host_read(&e.host, NULL, call->user_scope);
        if (guest_directories(call->user_scope, &e.directories) < 0)
                return fail(EXIT_OS, "out of memory");
        r = file_read(AT_FDCWD, e.path, XML_SIZE_MAX, &e.before, &e.before_size);
        if (r < 0)
                return fail(EXIT_NO_GUEST, "cannot read %s: %s", e.path, strerror(-r));
        r = make_copy(e.guest, e.before, e.before_size, &e.copy);
        if (r != 0)
                return r;
        r = edit(&e);
        if (r > 0) {
                r = -store(&e);
                if (r == 0) {
                        (void) reload_manager(call->user_scope);
                        print_next(&e, call->user_scope);
                }
        } else if (r == 0)
                printf("Nothing was changed.\n");
        if (r < 0 && e.after)
                fprintf(stderr, "vmctl: the text is kept in %s\n", e.copy);
        else
                (void) unlink(e.copy);
        return -r;
}
