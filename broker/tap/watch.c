/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The holder of a TAP's descriptor can change the MAC address of the host's end without any privilege, and
 * the kernel offers no way to forbid it. The bridge then takes frames for that address as its own and
 * forgets behind which port it was. A guest or another machine with that address would be cut off from the
 * bridge.
 *
 * So a TAP whose end no longer has the address that the broker set is removed, and the addresses of the
 * others are restored. The kernel's message contains the address as of when it was sent, so changing it back
 * at once does not help.
 *
 * A TAP that its holder made persistent is removed, too, once no process holds it.
 *
 * This need not run all the time: systemd listens on a netlink socket (vm-broker-watch.socket), starts us
 * when interfaces change, and queues the messages until then. udev starts us, and with us the socket, when
 * the first TAP of a user appears; earlier changes are found by listing all interfaces.
 */

#include "broker/tap/watch.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "broker/call/limits.h"
#include "broker/tap/tap-name.h"
#include "contract/exit.h"
#include "log/log.h"
#include "net/bridge/bridge-port.h"
#include "net/netlink.h"
#include "util/text.h"

typedef struct Port {
        unsigned index;
        uint8_t mac[6];
} Port;

typedef struct Watch {
        int netlink;    /* for requests */
        bool unsettled; /* addresses may have to be restored */
        Port ports[PORTS_WATCHED_MAX];
        size_t n_ports;
        Link wrong[TAPS_SWEPT_MAX];
        size_t n_wrong;
} Watch;

/* Whether it is a user's TAP whose end does not have the address that it was given. */
static bool is_changed(const Link *link, uid_t *ret_uid)
{
        uint8_t mac[6], end[6];
        unsigned number;

        if (!streq(link->kind, "tun") || !tap_name_parse(link->name, ret_uid, &number) ||
            !tap_alias_parse(link->alias, mac))
                return false;
        tap_end_address(mac, end);
        return memcmp(link->address, end, sizeof(end)) != 0;
}

/* Whether a holder made it persistent, and no process holds it any more. */
static bool is_left(const Link *link, uid_t *ret_uid)
{
        unsigned number;

        return streq(link->kind, "tun") && link->persistent && !link->carrier &&
               tap_name_parse(link->name, ret_uid, &number);
}

static void log_removal(const Link *link, uid_t uid, bool left)
{
        _cleanup_(freep) char *user = text_format("VM_UID=%u", (unsigned) uid),
                              *interface = text_format("VM_INTERFACE=%s", link->name);

        if (!user || !interface)
                return;
        if (left)
                log_entry(
                        LOG_NOTICE, NULL, (char *[]){ user, interface, NULL },
                        "Removed the TAP %s of user %u: it was made persistent, and no process holds it.",
                        link->name, (unsigned) uid);
        else
                log_entry(
                        LOG_WARNING, NULL, (char *[]){ user, interface, NULL },
                        "Removed the TAP %s of user %u: its holder changed its address to %s, "
                        "which could cut others off from the bridge.",
                        link->name, (unsigned) uid, mac_text(link->address).text);
}

static int remove_wrong(const Link *link, void *data)
{
        bool changed, left;
        Watch *w = data;
        uid_t uid;
        int r;

        changed = is_changed(link, &uid);
        left = !changed && is_left(link, &uid);
        if (!changed && !left)
                return 0;
        w->unsettled |= changed;
        r = netlink_delete(w->netlink, link->index);
        if (r >= 0)
                log_removal(link, uid, left);
        else if (r != -ENODEV) /* the first of several messages about it was enough */
                log_errno(LOG_ERR, r, "Failed to remove the TAP %s of user %u", link->name, uid);
        return 0;
}

static int collect(const Link *link, void *data)
{
        Watch *w = data;
        unsigned number;
        uid_t uid;

        if (is_changed(link, &uid) || is_left(link, &uid)) {
                if (w->n_wrong >= TAPS_SWEPT_MAX)
                        return -EAGAIN; /* the rest follows next time */
                w->wrong[w->n_wrong++] = *link;
        }
        if (link->locked && w->n_ports < PORTS_WATCHED_MAX && tap_name_parse(link->name, &uid, &number) &&
            tap_alias_parse(link->alias, w->ports[w->n_ports].mac))
                w->ports[w->n_ports++].index = link->index;
        return 0;
}

/*
 * Corrects the current state, which also covers messages that were lost, or sent before anybody listened.
 * TAPs that disappear meanwhile need no address, and new ones get their own. If the list changed while it
 * was read, this is repeated after the next change or a moment later.
 */
static int settle(Watch *w)
{
        int r;

        w->n_ports = w->n_wrong = 0;
        r = netlink_list(w->netlink, collect, w);
        for (size_t i = 0; i < w->n_wrong; i++)
                (void) remove_wrong(&w->wrong[i], w);
        for (size_t i = 0; i < w->n_ports; i++)
                (void) bridge_port_add_address(w->netlink, w->ports[i].index, w->ports[i].mac);
        w->unsettled = r == -EAGAIN;
        return w->unsettled ? 0 : r;
}

static int watch(Watch *w, int fd)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int r;

        do {
                r = netlink_receive_changes(fd, remove_wrong, w);
                if (r == -ENOBUFS) {
                        w->unsettled = true;
                        r = 0;
                }
                if (r >= 0 && w->unsettled)
                        r = settle(w);
                if (r >= 0 && poll(&p, 1, WATCH_MILLISECONDS) < 0)
                        r = -errno;
        } while (r >= 0 && (p.revents != 0 || w->unsettled));
        return r;
}

int watch_run(void)
{
        _cleanup_(closep) int netlink = -EBADF;
        int r;

        if (sd_listen_fds(true) != 1 || sd_is_socket(SD_LISTEN_FDS_START, AF_NETLINK, SOCK_RAW, -1) <= 0) {
                log_error("Expected the socket of vm-broker-watch.socket. Start vm-broker-watch.service "
                          "instead.");
                return EXIT_BAD_USAGE;
        }
        r = netlink_open(&netlink);
        if (r >= 0)
                r = watch(&(Watch){ .netlink = netlink, .unsettled = true }, SD_LISTEN_FDS_START);
        if (r >= 0)
                return EXIT_SUCCESS;
        log_errno(LOG_ERR, r, "Failed to watch users' TAPs");
        return EXIT_OS;
}
