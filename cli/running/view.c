/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl view: opens the user's viewer on a guest's screen. The viewer connects to a socket of vmctl's in a
 * directory that only the user can enter; each connection is handed to QEMU as a descriptor. So it also
 * works for a guest that listens nowhere, and no password is needed: who may do this may do anything with
 * the guest.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "cli/running/client.h"
#include "contract/exit.h"
#include "util/text.h"

typedef struct View {
        const char *protocol; /* "vnc" or "spice" */
        char directory[64], path[sizeof(((struct sockaddr_un *) NULL)->sun_path)];
        int fd;
} View;

static const struct {
        const char *protocol, *program, *before; /* what stands before the socket's path */
} viewers[] = {
        { "vnc", "vncviewer", "" },
        { "spice", "remote-viewer", "spice+unix://" },
};

/* The address where QEMU itself listens; NULL if it does not. */
static char *listening_address(const json_t *results)
{
        const json_t *vnc = json_object_get(results, "query-vnc"),
                     *spice = json_object_get(results, "query-spice");
        const char *service = json_string_value(json_object_get(vnc, "service")),
                   *family = json_string_value(json_object_get(vnc, "family")),
                   *host = json_string_value(json_object_get(vnc, "host"));
        json_int_t port = json_integer_value(json_object_get(spice, "port"));

        if (service && family && strcmp(family, "unix") == 0)
                return text_format("vnc+unix://%s", service);
        if (service && host)
                return text_format(strchr(host, ':') ? "vnc://[%s]:%s" : "vnc://%s:%s", host, service);
        host = json_string_value(json_object_get(spice, "host"));
        if (!host)
                return NULL;
        if (port > 0)
                return text_format("spice://%s:%lld", host, (long long) port);
        port = json_integer_value(json_object_get(spice, "tls-port"));
        return port > 0 ? text_format("spice://%s?tls-port=%lld", host, (long long) port) : NULL;
}

static int print_address(const Client *c, const json_t *results)
{
        _cleanup_(freep) char *address = listening_address(results),
                              *shown = address ? client_text(address) : NULL;

        if (!shown)
                return fail(EXIT_MISSING, "guest %s listens for viewers nowhere", c->guest);
        puts(shown);
        return EXIT_SUCCESS;
}

static void view_done(View *v)
{
        if (v->fd >= 0) {
                (void) unlink(v->path);
                (void) rmdir(v->directory);
        }
        v->fd = fd_close(v->fd);
}

static int view_listen(View *v)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *base = getenv("XDG_RUNTIME_DIR");

        (void) snprintf(
                v->directory, sizeof(v->directory), "%s/vmctl-XXXXXX",
                base && *base == '/' && strlen(base) < 40 ? base : "/tmp");
        if (!mkdtemp(v->directory))
                return -errno;
        (void) snprintf(v->path, sizeof(v->path), "%s/screen", v->directory);
        strcpy(address.sun_path, v->path);
        v->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (v->fd >= 0 && bind(v->fd, (struct sockaddr *) &address, sizeof(address)) >= 0 &&
            listen(v->fd, 16) >= 0)
                return 0;
        return -errno;
}

static int start_viewer(const View *v, pid_t *ret)
{
        const char *program = NULL;
        _cleanup_(freep) char *target = NULL;
        sigset_t none;

        for (size_t i = 0; i < ELEMENTS(viewers); i++)
                if (streq(viewers[i].protocol, v->protocol)) {
                        program = viewers[i].program;
                        target = text_format("%s%s", viewers[i].before, v->path);
                }
        if (!target)
                return fail(EXIT_OS, "out of memory");
        *ret = fork();
        if (*ret < 0)
                return fail(EXIT_OS, "failed to fork: %s", strerror(errno));
        if (*ret > 0)
                return 0;
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) execlp(program, program, target, NULL);
        _exit(fail(EXIT_MISSING, "cannot start %s: %s", program, strerror(errno)));
}

static int hand_over(Client *c, const View *v)
{
        _cleanup_(closep) int fd = accept4(v->fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
                return EXIT_OS;
        return client_call(
                c, "connect a viewer to", "org.vmunit.Guest.AddClient",
                json_pack(
                        "{s:s, s:i, s:b}", "protocol", v->protocol, "fileDescriptorIndex", 0, "skipAuth", 1),
                (ClientFds){ &fd, 1 }, NULL);
}

/* Until the viewer ends; its exit status. */
static int serve(Client *c, const View *v, int signals, pid_t viewer)
{
        struct pollfd fds[] = { { .fd = v->fd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
        int status, r = 0;

        while (r == 0) {
                if (waitpid(viewer, &status, WNOHANG) == viewer)
                        return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
                if (poll(fds, ELEMENTS(fds), -1) < 0 && errno != EINTR)
                        return fail(EXIT_OS, "%s", strerror(errno));
                if (fds[0].revents)
                        r = hand_over(c, v);
                if (fds[1].revents) {
                        struct signalfd_siginfo info;

                        if (read(signals, &info, sizeof(info)) == sizeof(info) && info.ssi_signo != SIGCHLD)
                                break;
                }
        }
        (void) kill(viewer, SIGTERM);
        (void) waitpid(viewer, &status, 0);
        return r;
}

static int open_viewer(Client *c, View *v)
{
        _cleanup_(closep) int signals = -EBADF;
        sigset_t mask;
        pid_t viewer = 0;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &mask, NULL);
        signals = signalfd(-1, &mask, SFD_CLOEXEC);
        r = signals < 0 ? -errno : view_listen(v);
        if (r < 0)
                return fail(EXIT_OS, "cannot make a socket for the viewer: %s", strerror(-r));
        r = start_viewer(v, &viewer);
        return r == 0 ? serve(c, v, signals, viewer) : r;
}

int verb_view(const Call *call)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        _cleanup_(view_done) View v = { .fd = -EBADF };
        json_t *reply = NULL, *results;
        int r;

        r = client_open(call, &c);
        if (r == 0)
                r = client_call(
                        &c, "query", "org.vmunit.Guest.Query",
                        json_pack("{s:[s, s]}", "commands", "query-vnc", "query-spice"), (ClientFds){ 0 },
                        &reply);
        if (r != 0)
                return r;
        results = json_object_get(reply, "results");
        if (json_is_true(json_object_get(json_object_get(results, "query-spice"), "enabled")))
                v.protocol = "spice";
        if (json_is_true(json_object_get(json_object_get(results, "query-vnc"), "enabled")))
                v.protocol = "vnc";
        if (!v.protocol)
                r = fail(EXIT_MISSING, "guest %s has no VNC or SPICE display (<graphics>)", c.guest);
        else
                r = call->option ? print_address(&c, results) : open_viewer(&c, &v);
        json_decref(reply);
        return r;
}
