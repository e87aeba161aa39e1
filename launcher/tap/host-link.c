/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * network.target says that programs which manage networks were started, not that they are done: a bridge of
 * NetworkManager, libvirt or Docker appears a moment later, and one of a VPN's script later still. The unit
 * is ordered after the interface's device, but that delays a start only if something else requests the
 * device. (If the unit did, each start with a misspelt name would hang for a minute and a half, without a
 * word.) So a missing interface is waited for here, and the journal and the unit's status say so meanwhile.
 *
 * The kernel announces each change of an interface, so there is no need to look again and again. An
 * announcement only says that something changed; what there is now is asked for, so a lost one does no harm.
 *
 * Trusted: the kernel, and the name, which is from the guest's unit.
 */

#include "launcher/tap/host-link.h"

#include <errno.h>
#include <poll.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "log/log.h"
#include "net/netlink.h"
#include "util/text.h"

#define PATIENCE 10U /* seconds; vmunit-guest(5) tells */

static int64_t now_milliseconds(void)
{
        struct timespec t = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int ignore(const Link *link, void *data)
{
        return 0;
}

/* Until it exists and is up: programs bring a bridge up a moment after they create it. 0 if it exists. */
static int wait_until_up(int netlink, const char *name)
{
        _cleanup_(closep) int changes = -EBADF;
        int64_t end = now_milliseconds() + PATIENCE * 1000;
        int r;

        r = netlink_open_changes(&changes); /* before the first look, so that nothing is missed between */
        if (r < 0)
                return r;
        for (;;) {
                struct pollfd p = { .fd = changes, .events = POLLIN };
                int64_t left = end - now_milliseconds();
                Link link;

                r = netlink_find(netlink, name, &link);
                if (left <= 0 || (r >= 0 && link.up) || (r < 0 && r != -ENODEV))
                        return r;
                if (poll(&p, 1, (int) left) < 0 && errno != EINTR)
                        return -errno;
                r = netlink_receive_changes(changes, ignore, NULL);
                if (r < 0 && r != -ENOBUFS)
                        return r;
        }
}

static HostLinkWait wait_told;
static void *wait_userdata;

void host_link_on_wait(HostLinkWait told, void *userdata)
{
        wait_told = told;
        wait_userdata = userdata;
}

static void tell(const char *what)
{
        if (wait_told)
                wait_told(what, wait_userdata);
        else
                (void) sd_notifyf(0, "STATUS=%s", what);
}

int host_link_wait(int netlink, const char *name)
{
        _cleanup_(freep) char *what = NULL;
        Link link;
        int r;

        r = netlink_find(netlink, name, &link);
        if (r != -ENODEV)
                return r;
        log_notice("The host has no interface %s yet; waiting up to %u s for it.", name, PATIENCE);
        what = text_format("Waiting for interface %s of the host", name);
        tell(what ?: "");
        r = wait_until_up(netlink, name);
        tell("");
        return r;
}

int host_link_require(int netlink, const char *name)
{
        int r;

        r = host_link_wait(netlink, name);
        if (r == -ENODEV)
                log_error(
                        "The host has no interface %s, which the guest's network requires (<source "
                        "dev='%s'/>). Configure it on the host, for example in systemd-networkd or "
                        "NetworkManager, or name another one; ip link shows all.",
                        name, name);
        else if (r < 0)
                log_errno(LOG_ERR, r, "Cannot look up interface %s", name);
        return r;
}
