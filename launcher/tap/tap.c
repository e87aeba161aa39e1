/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A TAP is created here with CAP_NET_ADMIN, and its descriptors reach the guest's QEMU through systemd's
 * store, so QEMU needs no rights at all for its network. The TAP is not persistent: it disappears when its
 * last descriptor is closed, whatever happens to systemd, QEMU or the launcher.
 *
 * The store keeps it over a restart. The only sign of that is the kernel's answer "busy", and with several
 * queues not even that. So prepare stores the interface's index, which the kernel does not reuse: if the
 * interface of that name still has that index, it is ours and in the store, because a TAP without
 * descriptors would be gone. Newer versions of systemd close stored descriptors a moment after the unit
 * stopped, so an interface of that name may be about to disappear.
 *
 * Further queues are opened by naming the interface again, which only root may do: root becomes the TAP's
 * owner. Trusted: the arguments. The list of what is in the store is not (prepared.h).
 */

#include "launcher/tap/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "contract/fd-name.h"
#include "contract/limits.h"
#include "launcher/tap/host-link.h"
#include "launcher/tap/tap-port.h"
#include "log/log.h"
#include "net/netlink.h"
#include "net/tun.h"
#include "util/text.h"

#define TAP_PAUSE 20U /* milliseconds between two attempts */

void tap_wait(unsigned *waited)
{
        (void) nanosleep(&(struct timespec){ .tv_nsec = TAP_PAUSE * 1000000L }, NULL);
        *waited += TAP_PAUSE;
}

static int open_tun(int *ret_fd)
{
        int r;

        r = tun_open(ret_fd);
        if (r == -ENODEV)
                return log_errno(
                        LOG_ERR, r,
                        "Cannot open /dev/net/tun, which TAPs require: the kernel module tun is missing "
                        "(modprobe tun)");
        if (r == -EPERM)
                return log_errno(
                        LOG_ERR, r,
                        "Cannot open /dev/net/tun; if devices of the guest's helper are restricted, it "
                        "requires DeviceAllow=/dev/net/tun rw");
        return r < 0 ? log_errno(LOG_ERR, r, "Cannot open /dev/net/tun") : 0;
}

/* Attaches one queue of the interface, which is created if it does not exist. Not logged. */
static int attach(int fd, const TapRequest *q, TunFlags flags)
{
        int r;

        r = tun_attach(fd, q->interface, flags | (q->queues > 1 ? TUN_MULTI_QUEUE : 0));
        return r < 0 || q->unmanaged ? r : tun_set_owner(fd, 0);
}

int tap_store_queue(const TapRequest *q, unsigned queue, int fd, Store *store)
{
        return store_add(store, fd_name_tap(q->id, queue), fd);
}

/* Opens the first queue, and waits if an interface of that name may be about to disappear. */
static int open_first(int netlink, const TapRequest *q, Store *store, Link *ret)
{
        TunFlags flags = q->unmanaged ? 0 : TUN_NEW;
        unsigned waited = 0;
        int r;

        for (;;) {
                _cleanup_(closep) int fd = -EBADF;

                r = open_tun(&fd);
                if (r < 0)
                        return r;
                r = attach(fd, q, flags);
                if (r >= 0)
                        r = netlink_find(netlink, q->interface, ret);
                if (r >= 0)
                        return tap_store_queue(q, 0, TAKE_FD(fd), store);
                if (r != -EBUSY || waited >= TAP_PATIENCE)
                        break;
                tap_wait(&waited);
        }
        if (r == -EBUSY && !q->unmanaged) {
                log_error(
                        "Interface %s exists already and does not belong to this guest. Remove it (ip link "
                        "del %s), or give the guest's interface another name.",
                        q->interface, q->interface);
                return -EEXIST;
        }
        if (r == -EBUSY)
                return log_errno(LOG_ERR, r, "The TAP %s is in use by another process", q->interface);
        if (r == -EINVAL && q->unmanaged)
                return log_errno(
                        LOG_ERR, -ENODEV,
                        "%s is not a TAP, or was not created for the guest's number of queues "
                        "(multi_queue), which is %u",
                        q->interface, q->queues);
        return log_errno(LOG_ERR, r, "Cannot open the TAP %s", q->interface);
}

static int open_others(const TapRequest *q, Store *store)
{
        for (unsigned queue = 1; queue < q->queues; queue++) {
                _cleanup_(closep) int fd = -EBADF;
                int r;

                r = open_tun(&fd);
                if (r < 0)
                        return r;
                r = attach(fd, q, 0);
                if (r < 0)
                        return log_errno(
                                LOG_ERR, r, "Cannot open queue %u of the TAP %s", queue, q->interface);
                r = tap_store_queue(q, queue, TAKE_FD(fd), store);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int find_bridge(int netlink, const TapRequest *q, Link *ret)
{
        int r;

        r = host_link_wait(netlink, q->bridge);
        r = r < 0 ? r : netlink_find(netlink, q->bridge, ret);
        if (r == -ENODEV) {
                log_error(
                        "The host has no bridge %s, which interface %s requires. Create it (ip link add %s "
                        "type bridge; ip link set %s up), or configure it in systemd-networkd or "
                        "NetworkManager.",
                        q->bridge, q->interface, q->bridge, q->bridge);
                return r;
        }
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot look up the bridge %s", q->bridge);
        if (!streq(ret->kind, "bridge")) {
                log_error(
                        "%s is not a bridge%s%s, so interface %s cannot join it.", q->bridge,
                        *ret->kind ? " but of the kind " : "", ret->kind, q->interface);
                return -ENODEV;
        }
        if (!ret->up)
                log_warning(
                        "The bridge %s is down; the guest has no network until it is brought up (ip link "
                        "set %s up).",
                        q->bridge, q->bridge);
        return 0;
}

/*
 * A kept TAP leaves and rejoins the bridge, because its port may have settings that are no longer requested.
 */
static int join(int netlink, const TapRequest *q, const Link *tap, const Link *bridge)
{
        int r;

        if (!tap->master && !bridge->index)
                return 0;
        r = tap->master ? netlink_set_master(netlink, tap->index, 0) : 0;
        if (r >= 0 && bridge->index)
                r = netlink_set_master(netlink, tap->index, bridge->index);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot add interface %s to the bridge %s", q->interface,
                        q->bridge ?: "(none)");
        return tap_set_port(netlink, q, tap->index, bridge);
}

/* The MTU is set before joining, because a bridge adopts the smallest MTU of its ports. */
static int set_up(int netlink, const TapRequest *q, const Link *tap, const Link *bridge)
{
        static const uint8_t none[6];
        unsigned mtu = q->mtu ?: bridge->mtu;
        int r;

        if (memcmp(q->mac, none, sizeof(none)) != 0) {
                r = netlink_set_address(netlink, tap->index, q->mac);
                if (r < 0)
                        return log_errno(
                                LOG_ERR, r, "The interface %s cannot have the address %s", q->interface,
                                mac_text(q->mac).text);
        }
        if (mtu && mtu != tap->mtu) {
                r = netlink_set_mtu(netlink, tap->index, mtu);
                if (r < 0)
                        return log_errno(
                                LOG_ERR, r, "Cannot set the MTU of interface %s to %u", q->interface, mtu);
        }
        r = join(netlink, q, tap, bridge);
        if (r < 0)
                return r;
        r = netlink_set_up(netlink, tap->index, !q->down);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Failed to bring interface %s %s", q->interface,
                        q->down ? "down" : "up");
        return 0;
}

int tap_forget(int netlink, const TapRequest *q, const PreparedTap *known, const Store *store)
{
        unsigned waited = 0;
        Link link;
        int r;

        for (unsigned queue = 0; queue < known->queues; queue++) {
                _cleanup_(freep) char *name = fd_name_tap(q->id, queue);

                if (!name)
                        return log_out_of_memory();
                r = store_remove(store, name);
                if (r < 0)
                        return r;
        }
        while (!q->unmanaged && waited < TAP_PATIENCE &&
               netlink_find(netlink, known->interface, &link) >= 0 && link.index == known->index)
                tap_wait(&waited);
        return 0;
}

/* 1 if systemd's store has the TAP in the requested form. */
static int find_kept(int netlink, const TapRequest *q, const Prepared *last, const Store *store, Link *ret)
{
        const PreparedTap *known = prepared_find_tap(last, q->id);
        int r;

        if (!known)
                return 0;
        if (!q->unmanaged && streq(known->interface, q->interface) && known->queues == q->queues &&
            netlink_find(netlink, q->interface, ret) >= 0 && ret->index == known->index &&
            streq(ret->kind, "tun"))
                return 1;
        r = tap_forget(netlink, q, known, store);
        return r < 0 ? r : 0;
}

static int open_new(int netlink, const TapRequest *q, Store *store, Link *ret)
{
        Link link;
        int r;

        r = q->unmanaged ? host_link_wait(netlink, q->interface) : 0;
        r = r < 0 ? r : netlink_find(netlink, q->interface, &link);
        if (r == -ENODEV && q->unmanaged) {
                log_error(
                        "The host has no interface %s, which must exist before the guest starts "
                        "(managed='no'). Create it first: ip tuntap add dev %s mode tap vnet_hdr",
                        q->interface, q->interface);
                return r;
        }
        if (r >= 0 && !streq(link.kind, "tun")) {
                log_error(
                        "Interface %s exists already and is not a TAP%s%s.", q->interface,
                        *link.kind ? " but of the kind " : "", link.kind);
                return -EEXIST;
        }
        r = open_first(netlink, q, store, ret);
        return r < 0 ? r : open_others(q, store);
}

int tap_open_vhost(const TapRequest *q, Store *store)
{
        for (unsigned queue = 0; q->vhost != VHOST_NO && queue < q->queues; queue++) {
                int fd, r;

                fd = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);
                if (fd < 0 && q->vhost == VHOST_TRY)
                        return 0; /* nothing is amiss, so it is not in the journal at each start */
                if (fd < 0)
                        return log_errno(
                                LOG_ERR, -errno,
                                "Cannot open /dev/vhost-net, which interface %s requires (modprobe "
                                "vhost_net; the guest's helper may not use it)",
                                q->interface ?: q->id);
                r = store_add(store, fd_name_vhost(q->id, queue), fd);
                if (r < 0)
                        return r;
        }
        return 0;
}

int tap_remember(const TapRequest *q, const char *interface, unsigned index, Prepared *prepared)
{
        PreparedTap tap = { .id = q->id, .interface = interface, .index = index, .queues = q->queues };
        int r;

        memcpy(tap.mac, q->mac, sizeof(tap.mac));
        r = prepared_add_tap(prepared, &tap);
        for (unsigned queue = 0; queue < q->queues && r >= 0; queue++)
                r = strings_take(&prepared->names, fd_name_tap(q->id, queue));
        return r < 0 ? log_out_of_memory() : 0;
}

int tap_open(int netlink, const TapRequest *q, const Prepared *last, Store *store, Prepared *prepared)
{
        Link bridge = { 0 }, tap = { 0 };
        int r, kept;

        if (q->bridge && !q->unmanaged) {
                r = find_bridge(netlink, q, &bridge);
                if (r < 0)
                        return r;
        }
        kept = find_kept(netlink, q, last, store, &tap);
        if (kept < 0)
                return kept;
        if (!kept) {
                r = open_new(netlink, q, store, &tap);
                if (r < 0)
                        return r;
        }
        if (!q->unmanaged) {
                r = set_up(netlink, q, &tap, &bridge);
                if (r < 0)
                        return r;
        }
        if (kept || q->inbound.average || q->outbound.average) {
                r = tap_set_rates(netlink, q, tap.index);
                if (r < 0)
                        return r;
        }
        r = tap_open_vhost(q, store);
        return r < 0 ? r : tap_remember(q, q->interface, tap.index, prepared);
}
