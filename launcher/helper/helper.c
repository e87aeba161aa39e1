/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A user's service manager cannot start a part of a unit outside the unit's sandbox. So another unit of the
 * user, vm-helper@NAME.service, does what a guest needs from outside: before the start it opens backing
 * files, and TAPs through the broker; afterwards it registers the guest with the user's machined. This keeps
 * the buses, machined and the user's files out of the guest's reach.
 *
 * The guest's launcher calls it through a socket that the guest can reach too. A QEMU that was taken over
 * could write other backing files into its image's header and have the helper open them. So the helper asks
 * the service manager which process is the launcher, and serves no other: QEMU can neither make the launcher
 * call (verb/run.c) nor pose as the launcher to the manager (NotifyAccess=exec). A request only selects one
 * of two tasks; the details are in the arguments, which come from the unit.
 *
 * Started without a client, it creates what must exist before the sandbox can show it.
 *
 * It has only the user's own rights. It serves one call and exits; systemd starts it again for the next one.
 */

#include "launcher/helper/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <systemd/sd-daemon.h>

#include "contract/arguments.h"
#include "contract/exit.h"
#include "contract/options.h"
#include "launcher/errand/errand-agent.h"
#include "launcher/errand/guest-user.h"
#include "launcher/errand/user-name.h"
#include "launcher/helper/register.h"
#include "launcher/prepare/manager.h"
#include "launcher/prepare/prepare.h"
#include "log/log.h"
#include "util/file.h"
#include "util/unit-name.h"

#define HELPER_PATIENCE 10 /* seconds until a client must have sent its request */

static const Argument serve_arguments[] = {
        { OPTION_GUEST, "a guest's name", argument_guest, offsetof(ServeOptions, guest), ARGUMENT_REQUIRED },
        { OPTION_UUID, "a UUID", argument_uuid, offsetof(ServeOptions, uuid), ARGUMENT_REQUIRED },
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

/* Accepts a client of this user; others could not enter the socket's directory. -EAGAIN if there is none. */
static int accept_caller(int *ret, unsigned *ret_pid)
{
        const struct timeval patience = { .tv_sec = HELPER_PATIENCE };
        struct pollfd waiting = { .fd = SD_LISTEN_FDS_START, .events = POLLIN };
        _cleanup_(closep) int fd = -EBADF;
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (sd_listen_fds(1) != 1) {
                log_error("No socket was passed: this verb must be started by systemd, from "
                          "vm-helper@.service.");
                return -ENOENT;
        }
        if (poll(&waiting, 1, 0) == 0)
                return -EAGAIN;
        fd = accept4(SD_LISTEN_FDS_START, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to accept a connection");
        if (peer.uid != geteuid()) {
                log_error("User %u may not call the helper of a guest of user %u.", peer.uid, geteuid());
                return -EPERM;
        }
        *ret = TAKE_FD(fd);
        *ret_pid = (unsigned) peer.pid;
        return 0;
}

/* If the client exited and its pid was reused, only the launcher itself would pass, and nobody reads the
 * reply. */
static int check_launcher(const char *unit, unsigned caller)
{
        uint32_t launcher = 0;
        int r;

        r = manager_get(unit, "MainPID", 'u', &launcher);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Failed to ask the user's service manager for the main process of %s",
                        unit);
        if (caller == 0 || caller != launcher) {
                log_error(
                        "Refusing to serve process %u: only the main process of %s may call the guest's "
                        "helper.",
                        caller, unit);
                return -EPERM;
        }
        return 0;
}

static int on_store(const char *name, int fd, void *userdata)
{
        HelperMessage m = { .kind = fd >= 0 ? HELPER_STORE : HELPER_REMOVE };
        const int *caller = userdata;
        int r;

        if (strlen(name) >= sizeof(m.name))
                return -ENAMETOOLONG;
        strcpy(m.name, name);
        r = errand_send(*caller, &m, sizeof(m), fd);
        return r < 0 ? log_errno(
                               LOG_ERR, r, "Failed to send the guest's launcher the file descriptor %s",
                               name)
                     : 0;
}

static void serve_register(const ServeOptions *service, unsigned leader)
{
        _cleanup_(freep) char *directory = guest_directory(service->guest);
        _cleanup_(prepared_done) Prepared prepared = { 0 };

        if (directory)
                (void) prepared_load(directory, &prepared);
        register_with_own(service->guest, service->uuid, leader, &prepared);
}

static int serve(const ServeOptions *service, const PrepareRequest *request, int caller, unsigned pid)
{
        _cleanup_(closep) int unwanted = -EBADF;
        HelperMessage m;
        int r;

        r = errand_receive(caller, &m, sizeof(m), &unwanted);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Failed to receive a request");
        if (m.kind == HELPER_REGISTER) {
                serve_register(service, pid);
                return 0;
        }
        if (m.kind != HELPER_PREPARE) {
                log_error("Unknown request.");
                return -EPROTO;
        }
        m.kind = HELPER_DONE;
        m.exit_status = prepare_guest(request, on_store, &caller);
        r = errand_send(caller, &m, sizeof(m), -EBADF);
        return r < 0 ? log_errno(LOG_ERR, r, "Failed to reply to the guest's launcher") : 0;
}

/* systemd cannot show files in the sandbox that the user cannot access, and its message does not say why. */
static int check_ways(const PrepareRequest *request)
{
        int result = 0;

        for (size_t i = 0; i < request->grants.count; i++) {
                const char *path = request->grants.items[i].path;

                if (access(path, F_OK) < 0 && errno == EACCES) {
                        log_error(
                                "Cannot access %s: Permission denied. User %s may not search one of its "
                                "parent directories; namei -l '%s' shows which.",
                                path, user_name(geteuid()).text, path);
                        result = EXIT_POLICY;
                }
        }
        return result;
}

/* All else is reported when the client calls; here it would be reported twice. */
static int make_early(const PrepareRequest *request)
{
        const char *state = getenv("STATE_DIRECTORY");
        const PrepareRequest early = {
                .guest = request->guest,
                .nvram = request->nvram,
                .nvram_template = request->nvram_template,
        };
        _cleanup_(freep) char *directory = guest_directory(request->guest);

        if (!request->nvram || (state && path_is_in(request->nvram, state)))
                return 0;
        if (directory && file_make_directories(AT_FDCWD, directory, 0700) < 0)
                return EXIT_OS;
        return prepare_guest(&early, NULL, NULL);
}

/* Failures are logged for the guest's unit, where the user looks. */
int verb_serve(int argc, char **argv)
{
        _cleanup_(prepare_request_done) PrepareRequest request = { 0 };
        _cleanup_(closep) int caller = -EBADF;
        _cleanup_(freep) char *unit = NULL;
        ServeOptions service = { 0 };
        unsigned pid = 0;
        int r;

        r = serve_options_read(argc, argv, &service);
        if (r >= 0)
                r = prepare_request_read(service.prepare_argc, service.prepare_argv, &request);
        if (r < 0)
                return r == -ENOMEM ? EXIT_OS : EXIT_BAD_USAGE;
        log_open(service.guest, NULL);
        if (unit_name_for_guest(service.guest, &unit) < 0)
                return EXIT_OS;
        log_open_user_unit(unit);
        prepare_allow_stop();
        r = accept_caller(&caller, &pid);
        if (r >= 0)
                r = check_launcher(unit, pid) ?: serve(&service, &request, caller, pid);
        else if (r == -EAGAIN)
                r = check_ways(&request) ?: make_early(&request);
        log_open_user_unit(NULL);
        return r < 0 ? EXIT_OS : r;
}
