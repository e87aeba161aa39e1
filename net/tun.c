/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * TAP devices by /dev/net/tun: opening, attaching and setting up their queues. All of this works for any
 * process with the descriptor, but creating an interface requires CAP_NET_ADMIN. The kernel is trusted;
 * names come from the callers.
 */

#include "net/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

int tun_open(int *ret_fd)
{
        int fd;

        fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;
        *ret_fd = fd;
        return 0;
}

int tun_attach(int fd, const char *interface, TunFlags flags)
{
        struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
        int header = sizeof(struct virtio_net_hdr_mrg_rxbuf);

        memcpy(request.ifr_name, interface, strlen(interface) + 1);
        if (flags & TUN_NEW)
                request.ifr_flags |= (short) IFF_TUN_EXCL;
        if (flags & TUN_MULTI_QUEUE)
                request.ifr_flags |= IFF_MULTI_QUEUE;
        if (ioctl(fd, TUNSETIFF, &request) < 0)
                return -errno;
        /* as in virtio 1.0; QEMU sets its own after guest and device have negotiated */
        return ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 ? -errno : 0;
}

int tun_set_owner(int fd, uid_t uid)
{
        return ioctl(fd, TUNSETOWNER, (unsigned long) uid) < 0 ? -errno : 0;
}

int tun_enable_queue(int fd)
{
        struct ifreq request = { .ifr_flags = IFF_ATTACH_QUEUE };

        return ioctl(fd, TUNSETQUEUE, &request) < 0 ? -errno : 0;
}
