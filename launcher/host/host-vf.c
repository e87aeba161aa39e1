/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <interface type='hostdev'> gives a guest a virtual function of a network card, and its <mac> and <vlan>
 * are set on the physical function, so that the guest can neither send with another address nor leave its
 * VLAN. The old values are written to the undo log first, and cleanup restores them.
 *
 * This happens after the function was bound to VFIO's driver. Cleanup undoes the last step first, so it
 * restores the address before the host's own driver gets the function back and reads it.
 *
 * Requires CAP_NET_ADMIN in the host's network namespace. Trusted: the kernel's tree, the arguments, the
 * undo log.
 */

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "launcher/host/host-device.h"
#include "launcher/host/sysfs.h"
#include "log/log.h"
#include "net/netlink-vf.h"
#include "net/netlink.h"
#include "util/interface-name.h"
#include "util/text.h"

#define NOTHING "-" /* in an undo step: not changed */

/*
 * In switchdev mode, the card's directory also has an interface for each virtual function ("pf0vf1"). The
 * port itself is named "p0", or has no such name.
 */
static bool is_port(const char *sysfs, const char *address, const char *interface)
{
        _cleanup_(freep) char *name = NULL;

        if (sysfs_read(sysfs, &name, "bus/pci/devices/%s/physfn/net/%s/phys_port_name", address, interface) <
            0)
                return true;
        return !*name || (name[0] == 'p' && name[1] >= '0' && name[1] <= '9');
}

static int refuse_ports(const char *address, const char *one, const char *other)
{
        log_error(
                "Cannot set the MAC address or VLAN of the PCI device %s: its card has more than one "
                "network interface (%s, %s), and vmunit cannot tell which one it belongs to. Set them on "
                "the host (ip link set … vf …) and remove <mac> and <vlan> from the guest's XML.",
                address, one, other);
        return -ENODEV;
}

static int find_port(const char *sysfs, const char *address, char **ret)
{
        _cleanup_(freep) char *path = sysfs_path(sysfs, "bus/pci/devices/%s/physfn/net", address),
                              *found = NULL;
        _cleanup_(closedirp) DIR *directory = NULL;
        const struct dirent *entry;

        if (!path)
                return log_out_of_memory();
        directory = opendir(path);
        if (!directory && errno != ENOENT)
                return log_errno(LOG_ERR, -errno, "Cannot open %s", path);
        while (directory && (entry = readdir(directory))) {
                if (!interface_name_is_valid(entry->d_name) || !is_port(sysfs, address, entry->d_name))
                        continue;
                if (found)
                        return refuse_ports(address, found, entry->d_name);
                found = strdup(entry->d_name);
                if (!found)
                        return log_out_of_memory();
        }
        if (!found) {
                log_error(
                        "Cannot set the MAC address or VLAN of the PCI device %s: its physical function has "
                        "no network interface on this host. Load the card's driver.",
                        address);
                return -ENODEV;
        }
        *ret = TAKE_PTR(found);
        return 0;
}

static int find_number(const char *sysfs, const char *address, unsigned *ret)
{
        for (unsigned n = 0;; n++) {
                _cleanup_(freep) char *function = NULL;
                int r;

                r = sysfs_read_link(sysfs, &function, "bus/pci/devices/%s/physfn/virtfn%u", address, n);
                if (r < 0)
                        return log_errno(
                                LOG_ERR, r == -ENOENT ? -ENODEV : r,
                                "Cannot determine which virtual function of its card the PCI device %s is",
                                address);
                if (streq(function, address)) {
                        *ret = n;
                        return 0;
                }
        }
}

int vf_find(const char *sysfs, const char *address, char **ret_interface, unsigned *ret_number)
{
        _cleanup_(freep) char *path = sysfs_path(sysfs, "bus/pci/devices/%s/physfn", address),
                              *interface = NULL;
        unsigned number = 0;
        int r;

        if (!path)
                return log_out_of_memory();
        if (access(path, F_OK) < 0) {
                log_error(
                        "Cannot set the MAC address or VLAN of the PCI device %s: it is not an SR-IOV "
                        "virtual function. Remove <mac> and <vlan> from the guest's XML, or use a virtual "
                        "function (sriov_numvfs in %s/bus/pci/devices).",
                        address, sysfs);
                return -ENODEV;
        }
        r = find_number(sysfs, address, &number);
        if (r >= 0)
                r = find_port(sysfs, address, &interface);
        if (r < 0)
                return r;
        *ret_interface = TAKE_PTR(interface);
        *ret_number = number;
        return 0;
}

/* "vf INDEX INTERFACE NUMBER MAC VLAN", VLAN being "ID.PRIORITY.PROTOCOL" */
static int remember(
        UndoLog *undo, const Link *port, unsigned number, const VfSettings *wanted, const VfSettings *before)
{
        char vlan[32] = NOTHING;

        if (wanted->has_vlan)
                snprintf(
                        vlan, sizeof(vlan), "%u.%u.%u", before->vlan.id, before->vlan.priority,
                        before->vlan.protocol);
        return undo_log_add(
                undo, "vf %u %s %u %s %s", port->index, port->name, number,
                wanted->has_mac ? mac_text(before->mac).text : NOTHING, vlan);
}

static int set(int netlink, const Link *port, unsigned number, const VfSettings *wanted, UndoLog *undo)
{
        VfSettings before;
        int r;

        r = netlink_get_vf(netlink, port->index, number, &before);
        if (r >= 0 && ((wanted->has_mac && !before.has_mac) || (wanted->has_vlan && !before.has_vlan)))
                r = -ENXIO;
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot read the MAC address and VLAN of virtual function %u of %s",
                        number, port->name);
        r = remember(undo, port, number, wanted, &before);
        if (r < 0)
                return r;
        r = netlink_set_vf(netlink, port->index, number, wanted);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot set the MAC address or VLAN of virtual function %u of %s%s",
                        number, port->name, r == -EOPNOTSUPP ? ", whose driver does not support this" : "");
        return 0;
}

int vf_set(const char *sysfs, const char *address, const VfSettings *settings, UndoLog *undo)
{
        _cleanup_(freep) char *interface = NULL;
        _cleanup_(closep) int netlink = -EBADF;
        unsigned number;
        Link port;
        int r;

        r = vf_find(sysfs, address, &interface, &number);
        if (r < 0)
                return r;
        r = netlink_open(&netlink);
        if (r >= 0)
                r = netlink_find(netlink, interface, &port);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot look up interface %s", interface);
        return set(netlink, &port, number, settings, undo);
}

static int parse_vlan(char *text, VfVlan *ret)
{
        const char *id = strsep(&text, "."), *priority = strsep(&text, ".");
        unsigned protocol;

        if (!priority || !text || text_to_unsigned(id, VF_VLAN_MAX, &ret->id) < 0 ||
            text_to_unsigned(priority, 7, &ret->priority) < 0 ||
            text_to_unsigned(text, UINT16_MAX, &protocol) < 0)
                return -EBADMSG;
        ret->protocol = (uint16_t) protocol;
        return 0;
}

int vf_parse_step(char *words, VfStep *ret)
{
        const char *index = strsep(&words, " "), *name = strsep(&words, " "), *number = strsep(&words, " "),
                   *mac = strsep(&words, " ");
        VfStep step = { .interface = name };

        if (!mac || !words || text_to_unsigned(index, INT32_MAX, &step.index) < 0 ||
            text_to_unsigned(number, UINT16_MAX, &step.number) < 0)
                return -EBADMSG;
        step.before.has_mac = !streq(mac, NOTHING);
        step.before.has_vlan = !streq(words, NOTHING);
        if ((step.before.has_mac && text_to_mac(mac, step.before.mac) < 0) ||
            (step.before.has_vlan && parse_vlan(words, &step.before.vlan) < 0))
                return -EBADMSG;
        *ret = step;
        return 0;
}

/*
 * Some drivers report an address of zeros if none was set, but refuse to set it. Any address other than the
 * guest's will do then; libvirt chooses this one.
 */
static int restore(int netlink, VfStep *step)
{
        static const uint8_t zeros[6] = { 0 };
        int r;

        r = netlink_set_vf(netlink, step->index, step->number, &step->before);
        if (r != -EINVAL || !step->before.has_mac || memcmp(step->before.mac, zeros, sizeof(zeros)) != 0)
                return r;
        step->before.mac[0] = 0x02;
        return netlink_set_vf(netlink, step->index, step->number, &step->before);
}

int vf_undo(char *words)
{
        _cleanup_(closep) int netlink = -EBADF;
        VfSettings now;
        VfStep step;
        int r;

        r = vf_parse_step(words, &step);
        if (r < 0)
                return r;
        r = netlink_open(&netlink);
        if (r >= 0)
                r = netlink_get_vf(netlink, step.index, step.number, &now);
        if (r == -ENODEV || r == -ENXIO) /* its card's driver was unloaded, or the function was removed */
                return 0;
        if (r >= 0)
                r = restore(netlink, &step);
        return r < 0 ? log_errno(
                               LOG_ERR, r,
                               "Cannot restore the MAC address or VLAN of virtual function %u of %s",
                               step.number, step.interface)
                     : 0;
}
