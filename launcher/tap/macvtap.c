/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A macvtap is a kernel interface on top of one of the host's, with an address of its own; packets to that
 * address are read from a character device. The kernel creates that device with the interface, under a
 * number that cannot be known before. The interface exists until it is removed, so it is removed after the
 * guest and created anew at each start (see host/undo-log.c).
 *
 * devtmpfs creates the device's node. A container's /dev is not a devtmpfs, so there a node is created in a
 * private directory, opened, and removed at once. sysfs tells which device it must be, and the opened node
 * is compared with that. Trusted: the arguments and the kernel's tree.
 */

#include "launcher/tap/macvtap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "contract/fd-name.h"
#include "launcher/host/sysfs.h"
#include "launcher/tap/host-link.h"
#include "launcher/tap/tap-port.h"
#include "log/log.h"
#include "net/netlink.h"
#include "util/interface-name.h"
#include "util/text.h"

static int find_device(const TapRequest *q, const Link *link, dev_t *ret)
{
        int r;

        r = sysfs_read_device(SYSFS, ret, "class/net/%s/macvtap/tap%u/dev", q->interface, link->index);
        return r < 0 ? log_errno(
                               LOG_ERR, r, "Cannot determine the device node of interface %s in " SYSFS,
                               q->interface)
                     : 0;
}

/* -ENOENT if the node is another device's. Not logged. */
static int open_node(const char *path, dev_t device)
{
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (!S_ISCHR(st.st_mode) || st.st_rdev != device)
                return -ENOENT;
        fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISCHR(st.st_mode) || st.st_rdev != device)
                return -ENOENT;
        return TAKE_FD(fd);
}

static int open_node_of_our_own(dev_t device)
{
        char directory[] = "/dev/.vmunit-XXXXXX", path[sizeof(directory) + 4];
        int fd;

        if (!mkdtemp(directory))
                return -errno;
        snprintf(path, sizeof(path), "%s/tap", directory);
        fd = mknod(path, S_IFCHR | 0600, device) < 0 ? -errno : open_node(path, device);
        (void) unlink(path);
        (void) rmdir(directory);
        return fd;
}

static int open_queue(const TapRequest *q, const Link *link, dev_t device)
{
        char path[32];
        int fd;

        snprintf(path, sizeof(path), "/dev/tap%u", link->index);
        fd = open_node(path, device);
        if (fd == -ENOENT)
                fd = open_node_of_our_own(device);
        if (fd == -EPERM)
                return log_errno(
                        LOG_ERR, fd,
                        "Cannot open the device of interface %s; if devices of the guest's helper are "
                        "restricted, it requires DeviceAllow=char-macvtap rwm",
                        q->interface);
        return fd < 0 ? log_errno(LOG_ERR, fd, "Cannot open the device of interface %s", q->interface) : fd;
}

static int open_queues(const TapRequest *q, const Link *link, Store *store)
{
        struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
        int header = sizeof(struct virtio_net_hdr), r;
        dev_t device;

        if (q->queues > 1)
                request.ifr_flags |= IFF_MULTI_QUEUE;
        r = find_device(q, link, &device);
        if (r < 0)
                return r;
        for (unsigned queue = 0; queue < q->queues; queue++) {
                _cleanup_(closep) int fd = -EBADF;

                fd = open_queue(q, link, device);
                if (fd < 0)
                        return fd;
                if (ioctl(fd, TUNSETIFF, &request) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
                        return log_errno(
                                LOG_ERR, -errno, "Cannot set up queue %u of interface %s", queue,
                                q->interface);
                r = store_add(store, fd_name_tap(q->id, queue), TAKE_FD(fd));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int explain(const TapRequest *q, int r)
{
        switch (r) {
        case -EOPNOTSUPP:
                return log_errno(
                        LOG_ERR, -ENODEV,
                        "Cannot create macvtap interfaces: the kernel module macvtap is missing (modprobe "
                        "macvtap)");
        case -EPERM:
                return log_errno(LOG_ERR, r, "Only root can create a macvtap interface on %s", q->lower);
        case -EBUSY:
        case -EINVAL:
                return log_errno(
                        LOG_ERR, r,
                        "Cannot create interface %s on %s in mode %s. %s may be in a bridge or a bond, or "
                        "have a macvtap in mode passthrough, which cannot be combined with others",
                        q->interface, q->lower, macvtap_mode_word(q->mode), q->lower);
        default:
                return log_errno(LOG_ERR, r, "Cannot create interface %s on %s", q->interface, q->lower);
        }
}

static int make(int netlink, const TapRequest *q, UndoLog *undo, Link *ret)
{
        Link lower;
        int r;

        r = host_link_wait(netlink, q->lower);
        r = r < 0 ? r : netlink_find(netlink, q->lower, &lower);
        if (r == -ENODEV) {
                log_error(
                        "The host has no interface %s, which the guest's interface %s requires. Configure "
                        "it on the host, for example in systemd-networkd or NetworkManager, or name another "
                        "one; ip link shows all.",
                        q->lower, q->interface);
                return r;
        }
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot look up interface %s", q->lower);
        if (!lower.up)
                log_warning(
                        "Interface %s is down; the guest has no network until it is brought up (ip link set "
                        "%s up).",
                        q->lower, q->lower);
        if (netlink_find(netlink, q->interface, ret) >= 0) {
                log_error(
                        "Interface %s exists already and does not belong to this guest. Remove it (ip link "
                        "del %s), or give the guest's interface another name.",
                        q->interface, q->interface);
                return -EEXIST;
        }
        r = undo_log_add(undo, "macvtap 0 %s %s %s", q->interface, mac_text(q->mac).text, q->id);
        if (r < 0)
                return r;
        r = netlink_add_macvtap(netlink, q->interface, lower.index, q->mode, q->mac);
        if (r < 0)
                return explain(q, r);
        r = netlink_find(netlink, q->interface, ret);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot look up interface %s", q->interface);
        return undo_log_amend(
                undo, "macvtap %u %s %s %s", ret->index, q->interface, mac_text(q->mac).text, q->id);
}

int macvtap_open(int netlink, const TapRequest *q, UndoLog *undo, Store *store)
{
        Link link;
        int r;

        r = make(netlink, q, undo, &link);
        if (r < 0)
                return r;
        /*
         * in mode passthrough, the new interface has the address of the interface below, which in turn gets
         * this address for as long as it exists
         */
        if (memcmp(link.address, q->mac, sizeof(link.address)) != 0) {
                r = netlink_set_address(netlink, link.index, q->mac);
                if (r < 0)
                        return log_errno(
                                LOG_ERR, r, "Cannot set the guest's MAC address on interface %s on %s",
                                q->interface, q->lower);
        }
        if (q->mtu && q->mtu != link.mtu) {
                r = netlink_set_mtu(netlink, link.index, q->mtu);
                if (r < 0)
                        return log_errno(
                                LOG_ERR, r, "Cannot set the MTU of interface %s to %u, on %s", q->interface,
                                q->mtu, q->lower);
        }
        r = open_queues(q, &link, store);
        if (r < 0)
                return r;
        if (q->inbound.average || q->outbound.average) {
                r = tap_set_rates(netlink, q, link.index);
                if (r < 0)
                        return r;
        }
        r = netlink_set_up(netlink, link.index, !q->down);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Failed to bring interface %s %s", q->interface,
                        q->down ? "down" : "up");
        return tap_open_vhost(q, store);
}

/* If the index is unknown, the interface was about to be created; nothing had this name before. */
static bool is_ours(const Link *link, bool by_index, const uint8_t mac[static 6])
{
        return streq(link->kind, "macvtap") && (by_index || memcmp(link->address, mac, 6) == 0);
}

int macvtap_parse_step(char *words, MacvtapStep *ret)
{
        const char *index = strsep(&words, " "), *name = strsep(&words, " "), *mac = strsep(&words, " ");
        MacvtapStep step = { .name = name, .id = words };

        if (!mac || !interface_name_is_valid(name) || text_to_unsigned(index, INT32_MAX, &step.index) < 0 ||
            text_to_mac(mac, step.mac) < 0)
                return -EBADMSG;
        *ret = step;
        return 0;
}

int macvtap_undo(char *words)
{
        _cleanup_(closep) int netlink = -EBADF;
        MacvtapStep step;
        Link link;
        int r;

        r = macvtap_parse_step(words, &step);
        if (r < 0)
                return r;
        r = netlink_open(&netlink);
        if (r >= 0)
                r = step.index ? netlink_find_index(netlink, step.index, &link)
                               : netlink_find(netlink, step.name, &link);
        if (r == -ENODEV || (r >= 0 && !is_ours(&link, step.index, step.mac)))
                return 0;
        if (r >= 0)
                r = netlink_delete(netlink, link.index);
        return r < 0 && r != -ENODEV ? log_errno(LOG_ERR, r, "Cannot remove interface %s", step.name) : 0;
}
