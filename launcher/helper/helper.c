/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest's unit has no process outside its sandbox. What a guest needs from outside, another unit does:
 * vm-helper@NAME.service. It opens TAPs, devices, images and backing files, hands files to the guest's user,
 * and registers the guest with machined. So the buses, machined and the host's files stay out of the guest's
 * reach, and the helper starts while systemd sets up the guest's sandbox.
 *
 * The guest's launcher calls it through a socket that the guest can reach too. A QEMU that was taken over
 * could write other backing files into its image's header and have the helper open them. So the helper asks
 * the service manager which process is the launcher, and serves no other: QEMU can neither make the launcher
 * call (verb/run.c) nor pose as the launcher to the manager (NotifyAccess=exec). A request only selects one
 * of two tasks; the details are in the arguments, which come from the unit.
 *
 * A user's helper has the user's own rights, and gets TAPs from the broker. The system's runs as root, with
 * the capabilities that the arguments require and no others (prepare.c). Another user would not do: the
 * records of files that were handed out, the guests' XML and the firmware's variables belong to root, the
 * service manager answers root only on its own socket, and machined registers guests of other users for root
 * only.
 *
 * systemd starts it with the guest, and after it where a call finds none, for example when the guest is
 * started again. It serves one launcher and exits. What it leaves is given back by vm-launcher cleanup once
 * the guest is off: the socket's unit runs that, since it stops after the guest and after the helper.
 */

#include "launcher/helper/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "contract/arguments.h"
#include "contract/exit.h"
#include "contract/fd-name.h"
#include "contract/limits.h"
#include "contract/options.h"
#include "launcher/errand/errand-agent.h"
#include "launcher/helper/early.h"
#include "launcher/helper/register.h"
#include "launcher/helper/reply.h"
#include "launcher/helper/serve-reload.h"
#include "launcher/prepare/manager.h"
#include "launcher/prepare/prepare.h"
#include "launcher/rights/confine.h"
#include "launcher/rights/privileges.h"
#include "launcher/tap/host-link.h"
#include "log/log.h"
#include "util/unit-name.h"

static const Argument serve_arguments[] = {
        { OPTION_GUEST, "a guest's name", argument_guest, offsetof(ServeOptions, guest), ARGUMENT_REQUIRED },
        { OPTION_UUID, "a UUID", argument_uuid, offsetof(ServeOptions, uuid), ARGUMENT_REQUIRED },
        { OPTION_DEFINITION, "a hash", argument_text, offsetof(ServeOptions, definition),
          ARGUMENT_REQUIRED },
};

int serve_options_read(int argc, char **argv, ServeOptions *ret)
{
        ServeOptions o = { 0 };
        char **rest;
        int r;

        r = arguments_read(serve_arguments, ELEMENTS(serve_arguments), &o, argc, argv, &rest);
        if (r < 0)
                return r;
        o.prepare_argc = argc - (int) (rest - argv) + 1;
        o.prepare_argv = rest - 1; /* the "--" takes the place of a verb's name */
        *ret = o;
        return 0;
}

/* ——— the caller ——— */

typedef struct Caller {
        int fd;
        unsigned pid;
} Caller;

static uint64_t now_milliseconds(void)
{
        struct timespec t = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

/* Accepts the next caller; *ret stays without one if none comes in time. */
static int accept_next(uint64_t end, Caller *ret)
{
        const struct timeval patience = { .tv_sec = HELPER_PATIENCE };
        struct pollfd waiting = { .fd = SD_LISTEN_FDS_START, .events = POLLIN };
        _cleanup_(closep) int fd = -EBADF;
        struct ucred peer;
        socklen_t size = sizeof(peer);
        uint64_t now = now_milliseconds();
        int n;

        n = poll(&waiting, 1, now < end ? (int) (end - now) : 0);
        if (n == 0 || (n < 0 && errno == EINTR))
                return 0;
        fd = n < 0 ? -1 : accept4(SD_LISTEN_FDS_START, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED))
                return 0;
        if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to accept a connection");
        *ret = (Caller){ TAKE_FD(fd), (unsigned) peer.pid };
        return 0;
}

/*
 * 1 if it is that process of the unit, "MainPID" or "ControlPID". If the caller exited and its pid was
 * reused, only that process itself would pass, and nobody reads the reply.
 */
static int is_process(const char *unit, const char *which, unsigned caller)
{
        uint32_t pid = 0;
        int r;

        r = manager_get(unit, which, 'u', &pid);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Failed to ask the service manager for the processes of %s", unit);
        return caller != 0 && caller == pid;
}

/*
 * `vm-launcher reload` in the guest's unit: it is told to go on, and of the end of the reload. 1 if it is
 * that, and *ret is its connection then.
 */
static int accept_waiting(const char *unit, const Caller *caller, int *ret)
{
        const HelperMessage go = { .kind = HELPER_DONE };
        HelperMessage m;
        int r, unwanted = -EBADF;

        r = is_process(unit, "ControlPID", caller->pid);
        if (r <= 0)
                return r;
        r = errand_receive(caller->fd, &m, sizeof(m), &unwanted);
        (void) fd_close(unwanted);
        if (r < 0 || m.kind != HELPER_WAIT)
                return 0;
        if (errand_send(caller->fd, &go, sizeof(go), -EBADF) < 0)
                return 0;
        *ret = caller->fd;
        return 1;
}

/*
 * Accepts the launcher; *ret stays without one if it does not come in time. QEMU can call as often as it
 * likes, and leave calls behind when it ends. They are dropped here one after the other, so that they
 * neither delay the launcher nor have systemd start a helper for each.
 */
static int accept_launcher(const char *unit, Caller *ret, int *ret_waiting)
{
        uint64_t end = now_milliseconds() + HELPER_PATIENCE * 1000;
        bool told = false;

        while (now_milliseconds() < end) {
                Caller caller = { .fd = -EBADF };
                int r;

                r = accept_next(end, &caller);
                if (r < 0)
                        return r;
                if (caller.fd < 0)
                        continue;
                r = is_process(unit, "MainPID", caller.pid);
                if (r > 0) {
                        *ret = caller;
                        return 0;
                }
                if (r == 0 && *ret_waiting < 0)
                        r = accept_waiting(unit, &caller, ret_waiting);
                if (r > 0)
                        continue;
                (void) fd_close(caller.fd);
                if (r < 0)
                        return r;
                if (!told)
                        log_error(
                                "Refusing to serve process %u: only the main process of %s may call the "
                                "guest's helper.",
                                caller.pid, unit);
                told = true;
        }
        return 0;
}

/* ——— a guest that starts ——— */

/* Answers the first request. The guest's user owns these directories, but no process in the guest's sandbox
 * can reach them except the launcher, by these descriptors. */
static int serve_open(const ServeOptions *service, int caller, const HelperMessage *m, GuestUser *ret)
{
        int r;

        r = helper_expect(m, HELPER_OPEN);
        if (r < 0)
                return r;
        if (!streq(m->text, service->definition)) {
                /* systemd was reloaded since the one of us was started, and before the other was */
                (void) helper_reply(caller, &(HelperMessage){ .kind = HELPER_AGAIN }, "", -EBADF);
                return -ESTALE;
        }
        r = guest_user_of(caller, service->guest, ret);
        if (r >= 0)
                r = helper_store(FD_NAME_RUN_DIRECTORY, ret->directory_fd, &caller);
        if (r >= 0 && ret->state_fd >= 0)
                r = helper_store(FD_NAME_STATE_DIRECTORY, ret->state_fd, &caller);
        return r < 0 ? r : helper_reply_done(caller, 0);
}

/* A guest that takes long to start, or fails to, registers late or never. */
static bool receive_register(int caller)
{
        HelperMessage m;

        return helper_receive(caller, HELPER_REGISTER, &m) >= 0;
}

/* failure: of what was done early, and logged then. Returns the exit status. */
static int serve(
        const ServeOptions *service, const PrepareRequest *request, int failure, const Caller *caller,
        const HelperMessage *first)
{
        _cleanup_(guest_user_done) GuestUser user = GUEST_USER_EMPTY;
        _cleanup_(prepared_done) Prepared prepared = { 0 };
        int r, status = failure, fd = caller->fd;

        r = serve_open(service, fd, first, &user);
        if (r >= 0)
                r = helper_wait_without_limit(fd);
        if (r >= 0)
                r = helper_receive(fd, HELPER_PREPARE, &(HelperMessage){ 0 });
        if (r < 0)
                return r == -ESTALE || r == -EPIPE ? 0 : EXIT_OS;
        host_link_on_wait(helper_wait, &fd);
        if (status == 0)
                status = prepare_guest(request, &user, helper_store, &fd, &prepared);
        host_link_on_wait(NULL, NULL);
        r = helper_reply_done(fd, status);
        if (r < 0)
                return EXIT_OS;
        /* from here on, only for machined, and QEMU may take minutes to start */
        if (status != 0 || privileges_drop() < 0 || confine_helper_to_sockets() < 0 || !receive_register(fd))
                return 0;
        guest_register(service->guest, service->uuid, caller->pid, request, &prepared);
        (void) helper_reply(
                fd, &(HelperMessage){ .kind = HELPER_DONE }, "", -EBADF); /* it may not wait any longer */
        return 0;
}

static int serve_first(
        const ServeOptions *service, PrepareRequest *request, const char *unit, int failure,
        const Caller *caller, int waiting)
{
        HelperMessage first;
        int r;

        if (helper_receive_any(caller->fd, &first) < 0)
                return EXIT_OS;
        if (first.kind != HELPER_RELOAD)
                return serve(service, request, failure, caller, &first);
        r = helper_serve_reload(service, request, unit, caller->fd);
        if (waiting >= 0)
                (void) helper_reply_done(waiting, r);
        return 0;
}

static int wait_and_serve(
        const ServeOptions *service, PrepareRequest *request, const char *unit, int failure)
{
        _cleanup_(closep) int waiting = -EBADF;
        Caller caller = { .fd = -EBADF };
        int r;

        r = accept_launcher(unit, &caller, &waiting) < 0 ? EXIT_OS : 0;
        if (caller.fd >= 0)
                r = serve_first(service, request, unit, failure, &caller, waiting);
        else if (waiting >= 0) {
                log_error("The guest's launcher does not react; it may be older than vmunit's last update.");
                (void) helper_reply_done(waiting, EXIT_OS);
        }
        (void) fd_close(caller.fd);
        return r;
}

/* So that it is not told twice, and systemd does not start the helper again for a caller that still waits.
 */
static int turn_away(int exit_status)
{
        Caller caller = { .fd = -EBADF };

        if (sd_listen_fds(1) == 1 && accept_next(now_milliseconds() + HELPER_PATIENCE * 1000, &caller) >= 0)
                (void) fd_close(caller.fd);
        return exit_status;
}

/* Failures are logged for the guest's unit, where people look: those to read the arguments, too. */
static void open_log(char **argv)
{
        const char *guest = NULL;

        for (; *argv && !guest; argv++)
                guest = text_after(*argv, "--" OPTION_GUEST "=");
        log_open(guest, NULL);
}

int verb_serve(int argc, char **argv)
{
        _cleanup_(prepare_request_done) PrepareRequest request = { 0 };
        _cleanup_(freep) char *unit = NULL;
        ServeOptions service = { 0 };
        int r;

        prepare_allow_stop();
        open_log(argv);
        if (confine_helper() < 0)
                return EXIT_OS;
        r = serve_options_read(argc, argv, &service);
        if (r >= 0)
                r = prepare_request_read(service.prepare_argc, service.prepare_argv, &request);
        if (r < 0)
                return turn_away(r == -ENOMEM ? EXIT_OS : EXIT_BAD_USAGE);
        if (unit_name_for_guest(service.guest, &unit) < 0)
                return EXIT_OS;
        if (sd_listen_fds(1) != 1) {
                log_error("No socket was passed: this verb must be started by systemd, from "
                          "vm-helper@.service.");
                return EXIT_OS;
        }
        r = early_prepare(&request, unit);
        (void) sd_notify(0, "READY=1");
        return wait_and_serve(&service, &request, unit, r);
}
