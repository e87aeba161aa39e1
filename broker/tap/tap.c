/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The broker owns all of a TAP but its descriptors: its name, its owner (only the broker can open it by
 * name) and its bridge port. It is not persistent, so it disappears with its last descriptor, whatever
 * happens to the broker, the caller or the bus.
 *
 * It joins the bridge, with all filters, before it is brought up: no frame passes earlier.
 */

#include "broker/tap/tap.h"

#include <errno.h>
#include <string.h>

#include "broker/call/error.h"
#include "broker/tap/survey.h"
#include "broker/tap/tap-name.h"
#include "log/log.h"
#include "net/bridge/bridge-port.h"
#include "net/netlink.h"
#include "net/tun.h"
#include "util/text.h"

static int failed(sd_bus_error *error, int r, const char *what)
{
        return sd_bus_error_setf(error, ERROR_FAILED, "%s: %s.", what, strerror(-r));
}

static int find_bridge(int netlink, const char *name, Link *ret, sd_bus_error *error)
{
        int r;

        r = netlink_find(netlink, name, ret);
        if (r == -ENODEV)
                return sd_bus_error_setf(error, ERROR_NO_SUCH_BRIDGE, "No such bridge: %s.", name);
        if (r < 0)
                return failed(error, r, "Cannot query the bridge");
        if (!streq(ret->kind, "bridge"))
                return sd_bus_error_setf(error, ERROR_NO_SUCH_BRIDGE, "%s is not a bridge.", name);
        return 0;
}

static void remove_stale(int netlink, const Survey *survey)
{
        for (unsigned i = 0; i < survey->n_stale; i++) {
                Link link;

                if (netlink_find_index(netlink, survey->stale[i], &link) < 0)
                        continue;
                if (netlink_delete(netlink, link.index) >= 0)
                        log_notice(
                                "Removed the TAP %s: it was made persistent, and no process holds it.",
                                link.name);
        }
}

void tap_sweep(int netlink)
{
        Survey survey = { 0 };

        if (survey_taps(netlink, &survey) >= 0)
                remove_stale(netlink, &survey);
}

static int check_limits(
        int netlink, uid_t uid, const Link *bridge, const Terms *terms, Survey *ret, sd_bus_error *error)
{
        int r;

        tap_sweep(netlink);
        *ret = (Survey){ .uid = uid, .bridge = bridge->index };
        r = survey_taps(netlink, ret);
        if (r < 0)
                return failed(error, r, "Cannot list the host's interfaces");
        if (ret->total >= terms->max_taps)
                return sd_bus_error_setf(
                        error, ERROR_LIMIT_REACHED,
                        "User %u has %u TAPs, the limit in vmunit.conf (MaxTaps= in [Broker]).", uid,
                        ret->total);
        if (ret->in_bridge >= terms->max_bridge_taps)
                return sd_bus_error_setf(
                        error, ERROR_LIMIT_REACHED,
                        "User %u has %u TAPs on the bridge %s, the limit in vmunit.conf (MaxTaps= in "
                        "[Bridge %s]).",
                        uid, ret->in_bridge, bridge->name, bridge->name);
        return 0;
}

static int check_address(int netlink, const Link *bridge, const CreateTap *ask, sd_bus_error *error)
{
        int r;

        r = survey_address(netlink, bridge->index, ask->mac);
        if (r < 0)
                return failed(error, r, "Cannot list the bridge's addresses");
        if (r > 0)
                return sd_bus_error_setf(
                        error, ERROR_ADDRESS_TAKEN,
                        "The guest's address is in use on the bridge %s, by another guest or by the host.",
                        bridge->name);
        return 0;
}

/* A bridge without an explicit MTU adopts the smallest of its ports, for all of them. */
static int check_mtu(const Link *bridge, const CreateTap *ask, sd_bus_error *error)
{
        if (ask->mtu == 0 || ask->mtu >= bridge->mtu)
                return 0;
        return sd_bus_error_setf(
                error, ERROR_BAD_REQUEST,
                "An MTU of %u is less than the %u of the bridge %s, which would adopt it for all of its "
                "ports.",
                ask->mtu, bridge->mtu, bridge->name);
}

static int open_queue(Tap *tap, const CreateTap *ask, TunFlags flags)
{
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = tun_open(&fd);
        if (r >= 0)
                r = tun_attach(fd, tap->interface, flags | (ask->queues > 1 ? TUN_MULTI_QUEUE : 0));
        if (r >= 0)
                r = tun_set_owner(fd, geteuid());
        if (r < 0)
                return r;
        tap->queues[tap->n_queues++] = TAKE_FD(fd);
        return 0;
}

static int open_queues(Tap *tap, uid_t uid, const CreateTap *ask, const Survey *survey)
{
        int r = -EBUSY;

        /* a TAP of root may have taken the name since */
        for (unsigned i = 0; r == -EBUSY && i < TAP_NUMBERS; i++) {
                if (survey->used[i])
                        continue;
                tap_name_format(tap->interface, uid, i);
                r = open_queue(tap, ask, TUN_NEW);
        }
        while (r >= 0 && tap->n_queues < ask->queues)
                r = open_queue(tap, ask, 0);
        return r;
}

static int set_filter(int netlink, const Link *link, const CreateTap *ask, sd_bus_error *error)
{
        int r;

        r = bridge_port_lock(netlink, link->index);
        if (r == -EOPNOTSUPP)
                return sd_bus_error_setf(
                        error, ERROR_FAILED,
                        "NoFilter: this kernel cannot restrict a guest to its own MAC address, as "
                        "vmunit.conf requires (FilterMAC=).");
        if (r >= 0)
                r = bridge_port_add_address(netlink, link->index, ask->mac);
        return r < 0 ? failed(error, r, "NoFilter: failed to restrict the guest to its own MAC address") : 0;
}

/*
 * The MTU is set before it joins, since the bridge looks at it; the alias once the address matches it
 * (watch.c).
 */
static int connect_to_bridge(
        int netlink, const Tap *tap, uid_t uid, const CreateTap *ask, const Terms *terms, const Link *bridge,
        sd_bus_error *error)
{
        _cleanup_(freep) char *alias = tap_alias_new(ask->guest, uid, ask->mac);
        uint8_t end[6];
        Link link;
        int r;

        if (!alias)
                return -ENOMEM;
        tap_end_address(ask->mac, end);
        r = netlink_find(netlink, tap->interface, &link);
        if (r >= 0)
                r = netlink_set_address(netlink, link.index, end);
        if (r >= 0)
                r = netlink_set_alias(netlink, link.index, alias);
        if (r >= 0)
                r = netlink_set_mtu(netlink, link.index, ask->mtu ?: bridge->mtu);
        if (r < 0)
                return failed(error, r, "Failed to set up the TAP");
        r = netlink_set_master(netlink, link.index, bridge->index);
        if (r >= 0)
                r = bridge_port_guard(netlink, link.index);
        if (r < 0)
                return failed(error, r, "Failed to add the TAP to the bridge");
        if (terms->filter_mac) {
                r = set_filter(netlink, &link, ask, error);
                if (r < 0)
                        return r;
        }
        r = netlink_set_up(netlink, link.index, true);
        return r < 0 ? failed(error, r, "Failed to bring up the TAP") : 0;
}

int tap_create(
        int netlink, uid_t uid, const CreateTap *ask, const Terms *terms, Tap *ret, sd_bus_error *ret_error)
{
        _cleanup_(tap_done) Tap tap = { 0 };
        Survey survey;
        Link bridge;
        int r;

        r = find_bridge(netlink, ask->bridge, &bridge, ret_error);
        if (r >= 0)
                r = check_limits(netlink, uid, &bridge, terms, &survey, ret_error);
        if (r >= 0)
                r = check_mtu(&bridge, ask, ret_error);
        if (r >= 0)
                r = check_address(netlink, &bridge, ask, ret_error);
        if (r < 0)
                return r;
        r = open_queues(&tap, uid, ask, &survey);
        if (r < 0)
                return failed(ret_error, r, "Failed to create a TAP");
        r = connect_to_bridge(netlink, &tap, uid, ask, terms, &bridge, ret_error);
        if (r < 0)
                return r;
        *ret = tap;
        tap.n_queues = 0;
        return 0;
}

void tap_done(Tap *tap)
{
        while (tap->n_queues > 0)
                (void) fd_close(tap->queues[--tap->n_queues]);
}

typedef struct Listed {
        char interface[IFNAMSIZ];
        uid_t uid;
        unsigned bridge;
} Listed;

typedef struct List {
        Listed *items;
        size_t count;
} List;

static void list_done(List *list)
{
        free(list->items);
}

static int list_tap(const Link *link, void *data)
{
        List *list = data;
        Listed *items, one = { .bridge = link->master };
        unsigned number;

        if (!tap_name_parse(link->name, &one.uid, &number))
                return 0;
        memcpy(one.interface, link->name, sizeof(one.interface));
        items = reallocarray(list->items, list->count + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        list->items = items;
        list->items[list->count++] = one;
        return 0;
}

int tap_list(int netlink, TapEach *each, void *data)
{
        _cleanup_(list_done) List list = { 0 };
        int r = -EAGAIN;

        for (unsigned i = 0; r == -EAGAIN && i < LIST_TRIES; i++) {
                list.count = 0;
                r = netlink_list(netlink, list_tap, &list);
        }
        for (size_t i = 0; r >= 0 && i < list.count; i++) {
                Link bridge = { 0 };

                if (list.items[i].bridge > 0)
                        (void) netlink_find_index(netlink, list.items[i].bridge, &bridge);
                r = each(list.items[i].interface, list.items[i].uid, bridge.name, data);
        }
        return r;
}
