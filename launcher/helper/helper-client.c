/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a guest's launcher calls its helper. The launcher has no right but its user's, so it trusts the
 * helper, and makes sure that it speaks to it: whoever listens on the socket is the process that started the
 * launcher, which is the service manager.
 *
 * systemd accepts descriptors for a unit's store only from processes of that unit, so the launcher stores
 * what the helper opened: TAPs, and devices of the host's. The rest is opened for each start anew and goes
 * to QEMU only, so that systemd holds no image of a guest that is off.
 *
 * The helper prepares while the launcher waits, since there is nothing else to do. It registers the guest
 * while QEMU starts, and a machined that does not answer delays the guest, but does not keep it from
 * starting.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "contract/fd-name.h"
#include "contract/limits.h"
#include "launcher/errand/errand-agent.h"
#include "launcher/errand/guest-user.h"
#include "launcher/helper/helper.h"
#include "launcher/store/fd-store.h"
#include "log/log.h"
#include "util/text.h"

#define HELPER_STOP_MILLISECONDS 1000

/* The credentials of a listening socket are those of the process that began to listen. */
static int check_listener(int fd)
{
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;
        return peer.pid == getppid() ? 0 : -EPERM;
}

static int helper_connect(const char *path, int *ret)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        r = check_listener(fd);
        if (r < 0)
                return r;
        *ret = TAKE_FD(fd);
        return 0;
}

static int send_request(int helper, HelperKind kind, const char *text)
{
        HelperMessage request = { .kind = kind };

        if (strlen(text) >= sizeof(request.text))
                return -ENAMETOOLONG;
        strcpy(request.text, text);
        return errand_send(helper, &request, sizeof(request), -EBADF);
}

int helper_take(Fds *fds, const char *name, int fd)
{
        _cleanup_(closep) int owned = fd;
        int r = fd < 0 || !fd_name_is_of_one_start(name) ? store_tell(name, fd, NULL) : 0;

        if (r < 0)
                return r;
        fds_drop(fds, name);
        return fd < 0 ? 0 : fds_put(fds, name, TAKE_FD(owned));
}

/* Returns as helper_open() does. */
static int take_all(int helper, Fds *fds)
{
        for (;;) {
                _cleanup_(closep) int fd = -EBADF;
                HelperMessage m;
                int r;

                r = errand_receive(helper, &m, sizeof(m), &fd);
                if (r < 0)
                        return r;
                m.text[sizeof(m.text) - 1] = '\0';
                switch (m.kind) {
                case HELPER_DONE:
                        return m.exit_status;
                case HELPER_AGAIN:
                        return -ESTALE;
                case HELPER_STATUS:
                        (void) sd_notifyf(0, "STATUS=%s", m.text);
                        break;
                case HELPER_STORE:
                case HELPER_REMOVE:
                        if ((m.kind == HELPER_STORE) != (fd >= 0))
                                return -EPROTO;
                        r = helper_take(fds, m.text, TAKE_FD(fd));
                        if (r < 0)
                                return r;
                        break;
                default:
                        return -EPROTO;
                }
        }
}

/* -ESTALE if the helper's unit has another definition than ours. */
static int call_helper(const HelperCall *call, Fds *fds, int *ret)
{
        _cleanup_(closep) int helper = -EBADF;
        int r;

        r = helper_connect(call->socket, &helper);
        if (r >= 0)
                r = send_request(helper, HELPER_OPEN, call->definition ?: "");
        if (r >= 0)
                r = take_all(helper, fds);
        if (r >= 0)
                *ret = TAKE_FD(helper);
        return r;
}

/*
 * A stop ends the helper and the launcher together, and the helper may be the first. That is no failure, so
 * the launcher first waits a moment for its own end, by a signal that the caller lets through.
 */
static int log_failure(const HelperCall *call, int r)
{
        if (r == -EPIPE || r == -ECONNRESET)
                (void) poll(NULL, 0, HELPER_STOP_MILLISECONDS);
        return log_errno(
                LOG_ERR, r,
                "Failed to have the guest prepared by its helper at %s. See the journal of its unit "
                "vm-helper@.service",
                call->socket);
}

int helper_open(const HelperCall *call, Fds *fds, int *ret)
{
        int r;

        r = call_helper(call, fds, ret);
        if (r == -ESTALE) /* it was started before systemd was reloaded; the next one is not */
                r = call_helper(call, fds, ret);
        if (r == -ESTALE) {
                log_error("The guest's definition changed while it was starting. Start it again.");
                return r;
        }
        if (r == -EPERM)
                return log_errno(
                        LOG_ERR, r,
                        "The socket of the guest's helper at %s does not belong to the process that started "
                        "vm-launcher, which must be the service manager",
                        call->socket);
        return r < 0 ? log_failure(call, r) : r;
}

int helper_prepare(const HelperCall *call, int connection, Fds *fds)
{
        int r;

        r = send_request(connection, HELPER_PREPARE, "");
        if (r >= 0)
                r = take_all(connection, fds);
        return r < 0 ? log_failure(call, r) : r;
}

/* ——— reload ——— */

int helper_wait_reload(const char *socket, pid_t launcher)
{
        _cleanup_(closep) int helper = -EBADF;
        Fds none = { 0 };
        int r;

        r = helper_connect(socket, &helper);
        if (r >= 0)
                r = send_request(helper, HELPER_WAIT, "");
        if (r >= 0)
                r = take_all(helper, &none);
        if (r == 0 && kill(launcher, SIGHUP) < 0)
                r = -errno;
        if (r == 0)
                r = take_all(helper, &none);
        fds_done(&none);
        return r < 0 ? log_errno(LOG_ERR, r, "Failed to have the guest reloaded by its helper at %s", socket)
                     : r;
}

int helper_call_reload(const char *socket, int *ret)
{
        _cleanup_(closep) int helper = -EBADF;
        int r;

        r = helper_connect(socket, &helper);
        if (r >= 0)
                r = send_request(helper, HELPER_RELOAD, "");
        if (r >= 0)
                *ret = TAKE_FD(helper);
        return r;
}

void helper_end_reload(int helper, const Strings *released, int exit_status)
{
        const HelperMessage result = { .kind = HELPER_RESULT, .exit_status = exit_status };

        for (size_t i = 0; i < released->count; i++)
                (void) send_request(helper, HELPER_RELEASED, released->items[i]);
        (void) errand_send(helper, &result, sizeof(result), -EBADF);
}

/* ——— registration ——— */

struct Registration {
        sd_event_source *answer, *deadline;
        Registered done;
        void *userdata;
};

static void finish(Registration *registration)
{
        registration->answer = sd_event_source_disable_unref(registration->answer);
        registration->deadline = sd_event_source_disable_unref(registration->deadline);
        registration->done(registration->userdata);
}

/* The helper logs why it could not register the guest, unless it was killed. */
static int on_answer(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
        _cleanup_(closep) int unwanted = -EBADF;
        HelperMessage m;
        int r = errand_receive(fd, &m, sizeof(m), &unwanted);

        if (r < 0)
                log_errno(
                        LOG_NOTICE, r,
                        "The guest may be unknown to systemd-machined: its helper did not answer");
        finish(userdata);
        return 0;
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata)
{
        log_notice(
                "The guest may be unknown to systemd-machined: its helper did not answer within %u s.",
                REGISTER_PATIENCE);
        finish(userdata);
        return 0;
}

int registration_new(sd_event *event, int connection, Registered done, void *userdata, Registration **ret)
{
        _cleanup_(registration_freep) Registration *registration = calloc(1, sizeof(*registration));
        _cleanup_(closep) int fd = connection;
        int r;

        if (!registration)
                return log_out_of_memory();
        registration->done = done;
        registration->userdata = userdata;
        r = send_request(fd, HELPER_REGISTER, "");
        if (r >= 0)
                r = sd_event_add_io(event, &registration->answer, fd, EPOLLIN, on_answer, registration);
        if (r >= 0)
                r = sd_event_source_set_io_fd_own(registration->answer, true);
        if (r >= 0) {
                (void) TAKE_FD(fd);
                r = sd_event_add_time_relative(
                        event, &registration->deadline, CLOCK_MONOTONIC,
                        REGISTER_PATIENCE * UINT64_C(1000000), 0, on_deadline, registration);
        }
        if (r < 0)
                return log_errno(
                        LOG_NOTICE, r,
                        "Not registering the guest with systemd-machined: cannot call the helper");
        *ret = TAKE_PTR(registration);
        return 0;
}

Registration *registration_free(Registration *registration)
{
        if (!registration)
                return NULL;
        sd_event_source_disable_unref(registration->answer);
        sd_event_source_disable_unref(registration->deadline);
        free(registration);
        return NULL;
}
