/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who holds a TAP's descriptor may give the host's end any address: the kernel asks for no privilege there,
 * and has no way to forbid it. The bridge then takes frames to that address for the host's and forgets
 * behind which port it was, so that a guest that has it, and any other machine, would be cut off from the
 * bridge.
 *
 * So a TAP whose end has another address than the broker gave it is removed, and the addresses of the others
 * are put where they were. A message of the kernel's shows the address that there was when it was sent, so
 * that changing it back at once does not help.
 *
 * One that its holder made persistent goes, too, once nobody holds it.
 *
 * Nobody has to be there for that all the time: vm-broker-watch.socket is a netlink socket of systemd's,
 * which starts us when interfaces change, and what happened until then waits in it. udev starts us, and by
 * that the socket, with the first TAP of a user's; what happened before that is seen in what there is.
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
#include "net/bridge-port.h"
#include "net/netlink.h"
#include "util/text.h"

typedef struct Port {
        unsigned index;
        uint8_t mac[6];
} Port;

typedef struct Watch {
        int netlink;    /* for requests */
        bool unsettled; /* addresses may not be where they belong */
        Port ports[PORTS_WATCHED_MAX];
        size_t n_ports;
        Link wrong[TAPS_SWEPT_MAX];
        size_t n_wrong;
} Watch;

/* Whether it is a user's TAP whose end has another address than it was given. */
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

/* Whether it is one that a holder made persistent, and that nobody holds any more. */
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
        const uint8_t *a = link->address;

        if (!user || !interface)
                return;
        if (left)
                log_entry(
                        LOG_NOTICE, NULL, (char *[]){ user, interface, NULL },
                        "The TAP %s of user %u is removed: it was made persistent, and nobody holds it.",
                        link->name, (unsigned) uid);
        else
                log_entry(
                        LOG_WARNING, NULL, (char *[]){ user, interface, NULL },
                        "The TAP %s of user %u is removed: its holder gave it the address "
                        "%02x:%02x:%02x:%02x:%02x:%02x, which could cut others off from the bridge.",
                        link->name, (unsigned) uid, a[0], a[1], a[2], a[3], a[4], a[5]);
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
        else if (r != -ENODEV) /* of several messages about one the first was enough */
                log_errno(LOG_ERR, r, "The TAP %s of user %u cannot be removed", link->name, uid);
        return 0;
}

static int collect(const Link *link, void *data)
{
        Watch *w = data;
        unsigned number;
        uid_t uid;

        if (is_changed(link, &uid) || is_left(link, &uid)) {
                if (w->n_wrong >= TAPS_SWEPT_MAX)
                        return -EAGAIN; /* the next time is for the rest */
                w->wrong[w->n_wrong++] = *link;
        }
        if (link->locked && w->n_ports < PORTS_WATCHED_MAX && tap_name_parse(link->name, &uid, &number) &&
            tap_alias_parse(link->alias, w->ports[w->n_ports].mac))
                w->ports[w->n_ports++].index = link->index;
        return 0;
}

/*
 * As what there is should be: also for messages that were lost, or sent before anybody listened. One that
 * went meanwhile needs no address, and one that just comes gets its own. Where the list changed while it was
 * read it is done again after the next change, or a moment.
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
                log_error("The socket of vm-broker-watch.socket is missing, by which systemd starts this.");
                return EXIT_BAD_USAGE;
        }
        r = netlink_open(&netlink);
        if (r >= 0)
                r = watch(&(Watch){ .netlink = netlink, .unsettled = true }, SD_LISTEN_FDS_START);
        if (r >= 0)
                return EXIT_SUCCESS;
        log_errno(LOG_ERR, r, "Users' TAPs are not watched");
        return EXIT_OS;
}
