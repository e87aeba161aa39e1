/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU can create the sockets of VNC and SPICE itself, but then its sandbox has to show the guest's runtime
 * directory, where a QEMU that was taken over could put links in place of other sockets. So the launcher
 * creates them. QEMU takes over a listening socket for VNC ("display-update", QEMU 7.1 and later), but none
 * for SPICE: there the launcher accepts each connection and passes it on ("add_client"). Either way, QEMU
 * asks the client for the password, and the launcher does not see what is said.
 *
 * A client is not trusted, but root or the guest's user (listener.h). The connections that QEMU has not
 * taken over yet are limited.
 */

#include "launcher/attach/screen.h"

#include <errno.h>
#include <stdlib.h>

#include "contract/limits.h"
#include "launcher/stream/listener.h"
#include "log/log.h"

struct Screen {
        Monitor *monitor;
        Listener *spice;
        unsigned pending; /* clients of SPICE */
};

static void on_vnc(const json_t *result, const char *error, void *userdata)
{
        if (!result)
                log_error("QEMU cannot use the socket for VNC: %s", error);
}

static int listen_for_vnc(Screen *s, const char *directory, const char *name)
{
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = listener_socket(directory, name, &fd);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Failed to create the socket %s", name);
        r = monitor_execute_fd(s->monitor, "getfd", json_pack("{s:s}", "fdname", "vnc"), fd, on_vnc, s);
        if (r < 0)
                return r;
        return monitor_execute(
                s->monitor, "display-update",
                json_pack("{s:s, s:[{s:s, s:s}]}", "type", "vnc", "addresses", "type", "fd", "str", "vnc"),
                on_vnc, s, MONITOR_PATIENCE);
}

static void on_client_passed(const json_t *result, const char *error, void *userdata)
{
        if (!result)
                log_error("QEMU cannot serve a client of SPICE: %s", error);
}

static void on_client_added(const json_t *result, const char *error, void *userdata)
{
        Screen *s = userdata;

        s->pending--;
        on_client_passed(result, error, userdata);
}

/* Each of SPICE's channels is a connection. QEMU carries out commands in order, so that one name is enough.
 */
static void on_client(int fd, void *userdata)
{
        _cleanup_(closep) int client = fd;
        Screen *s = userdata;

        if (s->pending >= CLIENTS_PENDING_MAX) {
                log_warning("Refusing a client of SPICE: QEMU has not served %u others yet.", s->pending);
                return;
        }
        if (monitor_execute_fd(
                    s->monitor, "getfd", json_pack("{s:s}", "fdname", "spice"), client, on_client_passed,
                    s) < 0 ||
            monitor_execute(
                    s->monitor, "add_client",
                    json_pack("{s:s, s:s, s:b}", "protocol", "spice", "fdname", "spice", "skipauth", 0),
                    on_client_added, s, MONITOR_PATIENCE) < 0)
                return;
        s->pending++;
}

static int listen_for_spice(Screen *s, sd_event *event, const char *directory, const char *name)
{
        int r = listener_new(event, directory, name, on_client, s, &s->spice);

        return r < 0 ? log_errno(LOG_ERR, r, "Failed to create the socket %s", name) : 0;
}

int screen_new(
        sd_event *event, Monitor *monitor, const char *directory, const char *vnc, const char *spice,
        Screen **ret)
{
        _cleanup_(screen_freep) Screen *s = NULL;
        int r = 0;

        if (!vnc && !spice)
                return 0;
        if (!directory)
                return log_errno(LOG_ERR, -ENOENT, "Failed to create a socket for the guest's screen");
        s = calloc(1, sizeof(*s));
        if (!s)
                return log_out_of_memory();
        s->monitor = monitor;
        if (vnc)
                r = listen_for_vnc(s, directory, vnc);
        if (r >= 0 && spice)
                r = listen_for_spice(s, event, directory, spice);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

Screen *screen_free(Screen *s)
{
        if (!s)
                return NULL;
        listener_free(s->spice);
        monitor_forget(s->monitor, s);
        free(s);
        return NULL;
}
