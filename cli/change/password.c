/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A fragment would have to give the password to the guest's unit, which every user can read. So a password
 * that lasts is where the unit takes it from at each start, in systemd's credential store, and one that does
 * not is QEMU's alone. What is stored is taken back if a running guest does not accept it.
 */

#include "cli/change/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "cli/running/client.h"
#include "contract/exit.h"
#include "guest/plan/secret.h"
#include "util/file.h"
#include "util/user-directory.h"

#define PASSWORD_MAX     256U
#define PATIENCE         300000U /* milliseconds for whoever writes it to standard input */
#define VNC_LENGTH       8U      /* of the protocol */
#define SYSTEM_STORE     "/etc/credstore"
#define ENCRYPTED_STORE  "/etc/credstore.encrypted"
#define USER_STORE_SINCE 258U /* systemd */
#define CONTROL_C        '\3'

void new_password_done(NewPassword *p)
{
        if (p->text) {
                explicit_bzero(p->text, strlen(p->text));
                free(p->text);
        }
        *p = (NewPassword){ 0 };
}

/* ——— reading ——— */

/* Without an echo; Ctrl-C must not leave the terminal like that, so it is a character. */
static int read_terminal(char *ret, size_t size)
{
        struct termios before, quiet;
        bool read;

        if (tcgetattr(STDIN_FILENO, &before) < 0)
                return -errno;
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t) (ECHO | ISIG);
        fputs("New password: ", stderr);
        if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) < 0)
                return -errno;
        read = fgets(ret, (int) size, stdin);
        (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
        return read && !strchr(ret, CONTROL_C) ? 0 : -ECANCELED;
}

static int read_source(const char *source, char *ret, size_t size)
{
        _cleanup_(closep) int fd = -EBADF;

        if (streq(source, "-") && isatty(STDIN_FILENO))
                return read_terminal(ret, size);
        fd = streq(source, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                : open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        return file_read_pipe(fd, ret, size, PATIENCE);
}

/* Neither a new line in it, which a prompt cannot be told, nor anything else that cannot be typed. */
static int check_text(char *text)
{
        size_t n = strlen(text);

        if (n > 0 && text[n - 1] == '\n')
                text[--n] = '\0';
        if (n == 0)
                return fail(EXIT_BAD_USAGE, "the password is empty");
        for (size_t i = 0; i < n; i++)
                if ((unsigned char) text[i] < ' ' || text[i] == '\177')
                        return fail(EXIT_BAD_USAGE, "the password contains a control character");
        return 0;
}

static int take_text(NewPassword *p, const char *source)
{
        char text[PASSWORD_MAX + 2] = "";
        int r = read_source(source, text, sizeof(text));

        if (r == -EFBIG || (r >= 0 && strlen(text) > PASSWORD_MAX))
                r = fail(EXIT_BAD_USAGE, "the password is longer than %u bytes", PASSWORD_MAX);
        else if (r < 0)
                r = fail(
                        r == -ECANCELED ? EXIT_BAD_USAGE : EXIT_MISSING, "cannot read the password%s%s: %s",
                        streq(source, "-") ? "" : " from ", streq(source, "-") ? "" : source,
                        r == -ECANCELED ? "nothing was typed" : strerror(-r));
        else
                r = check_text(text);
        if (r == 0) {
                new_password_done(&(NewPassword){ .text = p->text });
                p->text = strdup(text);
                r = p->text ? 0 : fail(EXIT_OS, "out of memory");
        }
        explicit_bzero(text, sizeof(text));
        return r;
}

/* "now", "never", "+SECONDS", or seconds since 1970. */
static bool is_time(const char *text)
{
        uint64_t n;

        return streq(text, "now") || streq(text, "never") ||
               text_to_u64(text + (*text == '+'), INT64_MAX, &n) >= 0;
}

int new_password_take(NewPassword *p, const char *key, const char *value)
{
        if (streq(key, "password") && !streq(value, "-") && !strchr(value, '/'))
                return fail(
                        EXIT_BAD_USAGE,
                        "a password is no argument, which other users could see: use password=- "
                        "for the terminal or standard input, or password=/PATH for a file");
        if (streq(key, "password"))
                return take_text(p, value);
        if (!streq(key, "password-expires"))
                return -ENOENT;
        if (!is_time(value))
                return fail(
                        EXIT_BAD_USAGE,
                        "password-expires: expected now, never, +SECONDS or seconds since 1970, not %s",
                        value);
        p->expires = value;
        return 0;
}

/* ——— the guest ——— */

/* Whether a display asks for a password. */
static bool asks(const Device *d)
{
        const char *password = d->xml ? xml_peek(d->xml, "@passwd") : NULL;

        return streq(d->kind->element, "graphics") && d->kind->type && password && *password &&
               !device_is_removed(d);
}

static int find_displays(const ChangeCall *c, const NewPassword *p, Strings *ret)
{
        const Guest *g = c->operation.now.guest;

        for (size_t i = 0; i < g->n_devices; i++)
                if (asks(g->devices[i]) && strings_add(ret, g->devices[i]->kind->type) < 0)
                        return fail(EXIT_OS, "out of memory");
        if (ret->count == 0)
                return fail(
                        EXIT_MISSING,
                        "guest %s has no VNC or SPICE display that asks for a password; <graphics "
                        "passwd='…'> "
                        "makes one ask, from the guest's next start on",
                        c->guest);
        if (p->text && strings_have(ret, "vnc") && strlen(p->text) > VNC_LENGTH)
                fprintf(stderr, "vmctl: VNC only compares the first %u characters of a password\n",
                        VNC_LENGTH);
        return 0;
}

static void add_command(json_t *commands, const char *command, json_t *arguments)
{
        (void) json_array_append_new(
                commands, json_pack("{s:s, s:o}", "execute", command, "arguments", arguments));
}

static int tell_qemu(const ChangeCall *c, const NewPassword *p, const Strings *displays)
{
        _cleanup_(client_done) Client client = CLIENT_EMPTY;
        json_t *commands = json_array();
        int r = client_open(c->call, &client);

        for (size_t i = 0; i < displays->count; i++) {
                const char *protocol = displays->items[i];

                if (p->text)
                        add_command(
                                commands, "set_password",
                                json_pack("{s:s, s:s}", "protocol", protocol, "password", p->text));
                if (p->expires)
                        add_command(
                                commands, "expire_password",
                                json_pack("{s:s, s:s}", "protocol", protocol, "time", p->expires));
        }
        if (r != 0) {
                json_decref(commands);
                return r;
        }
        return client_call(
                &client, "set the password of", "org.vmunit.Guest.Execute",
                json_pack("{s:o}", "commands", commands), (ClientFds){ 0 }, NULL);
}

/* ——— the store ——— */

static unsigned manager_version(bool user_scope)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *version = NULL;

        if (manager_bus(user_scope, &bus) < 0 ||
            sd_bus_get_property_string(
                    bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                    "org.freedesktop.systemd1.Manager", "Version", NULL, &version) < 0)
                return 0;
        return (unsigned) strtoul(version, NULL, 10);
}

static int find_store(const ChangeCall *c, char **ret)
{
        _cleanup_(freep) char *config = NULL;

        if (!c->call->user_scope) {
                *ret = strdup(SYSTEM_STORE);
                return *ret ? 0 : fail(EXIT_OS, "out of memory");
        }
        if (manager_version(true) < USER_STORE_SINCE)
                return fail(
                        EXIT_MISSING,
                        "before version %u, systemd has no store for users' credentials: a password can "
                        "only "
                        "be set while the guest runs, and lasts until it is off",
                        USER_STORE_SINCE);
        config = user_directory(USER_CONFIG);
        *ret = config ? text_format("%s/credstore", config) : NULL;
        return *ret ? 0 : fail(EXIT_OS, "out of memory");
}

typedef struct Stored {
        char *path, *before;
} Stored;

static void take_back(Stored *stored, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (stored[i].before)
                        (void) file_write_atomic(
                                AT_FDCWD, stored[i].path, stored[i].before, strlen(stored[i].before), 0600,
                                1);
                else
                        (void) unlink(stored[i].path);
}

static void stored_done(Stored *stored, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(stored[i].path);
                if (stored[i].before)
                        explicit_bzero(stored[i].before, strlen(stored[i].before));
                free(stored[i].before);
        }
        free(stored);
}

static int store_one(
        ChangeCall *c, const NewPassword *p, const char *store, const char *display, Stored *ret)
{
        Guest *g = c->operation.now.guest;
        const char *name = secret_credential(g, g->xml->place, guest_text(g, "%s.%s", c->guest, display));
        _cleanup_(freep) char *encrypted = text_format(ENCRYPTED_STORE "/%s", name);
        size_t size;
        int r;

        ret->path = text_format("%s/%s", store, name);
        if (!ret->path || !encrypted)
                return fail(EXIT_OS, "out of memory");
        if (!c->call->user_scope && access(encrypted, F_OK) >= 0)
                return fail(
                        EXIT_MISSING,
                        "the password is kept encrypted in %s; replace it with systemd-creds encrypt",
                        encrypted);
        r = file_read(AT_FDCWD, ret->path, XML_SIZE_MAX, &ret->before, &size);
        if (r == -ENOENT)
                r = file_make_directories(AT_FDCWD, store, 0700);
        if (r >= 0)
                r = file_write_atomic(AT_FDCWD, ret->path, p->text, strlen(p->text), 0600, 1);
        return r < 0 ? fail(r == -EACCES || r == -EROFS ? EXIT_POLICY : EXIT_OS, "cannot write %s: %s",
                            ret->path, strerror(-r))
                     : 0;
}

int new_password_apply(const NewPassword *p, ChangeCall *c)
{
        bool lasts = !c->running || (c->call->option && streq(c->call->option, "persistent"));
        _cleanup_(strings_done) Strings displays = { 0 };
        _cleanup_(freep) char *store = NULL;
        Stored *stored;
        size_t n = 0;
        int r;

        if (lasts && p->expires)
                return fail(EXIT_BAD_USAGE, "password-expires is for a guest that runs, and does not last");
        r = find_displays(c, p, &displays);
        if (r == 0 && lasts)
                r = find_store(c, &store);
        if (r != 0)
                return r;
        stored = calloc(displays.count, sizeof(*stored));
        if (!stored)
                return fail(EXIT_OS, "out of memory");
        for (; r == 0 && lasts && n < displays.count; n++)
                r = store_one(c, p, store, displays.items[n], &stored[n]);
        if (r != 0 && n > 0)
                n--; /* the last one was not written */
        if (r == 0 && c->running)
                r = tell_qemu(c, p, &displays);
        if (r != 0)
                take_back(stored, n);
        stored_done(stored, displays.count);
        return r;
}
