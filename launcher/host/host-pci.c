/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * VFIO assigns PCI devices by groups: devices that the IOMMU cannot tell apart. The node of a group gives
 * access to all devices in it that are bound to VFIO's driver, and the kernel does not let anybody use the
 * node while another driver has one of them. So before anything is changed, this checks that the group will
 * be usable once the guest's own devices are bound to VFIO.
 *
 * A managed device is unbound from its driver, which is written to the undo log first (undo-log.c), and
 * rebound after the guest. A device that is not managed must have been bound by the administrator. All of
 * this is done by writing to sysfs as its owner, which takes no capability; the guest's user gets the node
 * the way it gets a disk.
 *
 * Trusted: the kernel's tree, the arguments.
 */

#include <errno.h>
#include <string.h>

#include "launcher/host/host-device.h"
#include "launcher/host/sysfs.h"
#include "log/log.h"

#define CLASS_BRIDGE 0x0604U /* PCI-to-PCI bridge */
#define NOTHING      "-"     /* in an undo step: no driver, or no override */

/* *ret is NULL, and the result 0, if the device has no driver. */
static int find_driver(const char *sysfs, const char *address, char **ret)
{
        int r;

        *ret = NULL;
        r = sysfs_read_link(sysfs, ret, "bus/pci/devices/%s/driver", address);
        return r == -ENOENT ? 0 : r;
}

static bool is_vfio(const char *driver)
{
        return text_after(driver, "vfio") || text_ends_with(driver, "vfio_pci") ||
               text_ends_with(driver, "vfio-pci");
}

/* Whether the kernel allows a group to be assigned while this device in it keeps its driver. */
static bool may_stay(const char *sysfs, const char *address, const char *driver)
{
        unsigned class;

        if (!driver || is_vfio(driver) || streq(driver, "pci-stub") || streq(driver, "pcieport"))
                return true;
        return sysfs_read_unsigned(sysfs, 16, &class, "bus/pci/devices/%s/class", address) >= 0 &&
               class >> 8 == CLASS_BRIDGE;
}

static bool is_managed(const PciRequest *requests, size_t count, const char *address)
{
        for (size_t i = 0; i < count; i++)
                if (requests[i].managed && streq(requests[i].address, address))
                        return true;
        return false;
}

static int check_group(
        const char *sysfs, const PciRequest *requests, size_t count, const PciRequest *q, const char *group)
{
        _cleanup_(freep) char *path =
                sysfs_path(sysfs, "bus/pci/devices/%s/iommu_group/devices", q->address);
        _cleanup_(closedirp) DIR *directory = NULL;
        const struct dirent *entry;

        if (!path)
                return log_out_of_memory();
        directory = opendir(path);
        if (!directory)
                return log_errno(LOG_ERR, -errno, "Cannot list the devices in IOMMU group %s", group);
        while ((entry = readdir(directory))) {
                _cleanup_(freep) char *driver = NULL;
                int r;

                if (entry->d_name[0] == '.' || is_managed(requests, count, entry->d_name))
                        continue;
                r = find_driver(sysfs, entry->d_name, &driver);
                if (r < 0)
                        return log_errno(
                                LOG_ERR, r, "Cannot determine the driver of the PCI device %s",
                                entry->d_name);
                if (may_stay(sysfs, entry->d_name, driver))
                        continue;
                log_error(
                        "Cannot assign the PCI device %s alone: %s is in the same IOMMU group %s and is "
                        "used by the host's driver %s. Give the guest both, or bind %s to vfio-pci.",
                        q->address, entry->d_name, group, driver, entry->d_name);
                return -EBUSY;
        }
        return 0;
}

static int check_driver(const char *sysfs, const PciRequest *q)
{
        _cleanup_(freep) char *path = sysfs_path(sysfs, "bus/pci/drivers/%s", q->driver), *driver = NULL;
        int r;

        if (!path)
                return log_out_of_memory();
        if (q->managed && access(path, F_OK) < 0) {
                log_error(
                        "The kernel has no driver %s, which is required to assign the PCI device %s "
                        "(modprobe %s).",
                        q->driver, q->address, q->driver);
                return -ENODEV;
        }
        r = find_driver(sysfs, q->address, &driver);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot determine the driver of the PCI device %s", q->address);
        if (!q->managed && (!driver || !is_vfio(driver))) {
                log_error(
                        "The PCI device %s is %s%s, not VFIO's, and the guest's XML says managed='no'. Bind "
                        "it to vfio-pci first, or say managed='yes'.",
                        q->address, driver ? "the driver's " : "no driver's", driver ?: "");
                return -EBUSY;
        }
        return 0;
}

int pci_check(
        const char *sysfs, const PciRequest *requests, size_t count, const PciRequest *q, char **ret_group)
{
        _cleanup_(freep) char *path = sysfs_path(sysfs, "bus/pci/devices/%s", q->address), *group = NULL,
                              *interface = NULL;
        unsigned number;
        int r;

        if (!path)
                return log_out_of_memory();
        if (access(path, F_OK) < 0) {
                log_error("The host has no PCI device %s.", q->address);
                return -ENODEV;
        }
        if (q->vf.has_mac || q->vf.has_vlan) {
                r = vf_find(sysfs, q->address, &interface, &number);
                if (r < 0)
                        return r;
        }
        r = sysfs_read_link(sysfs, &group, "bus/pci/devices/%s/iommu_group", q->address);
        if (r == -ENOENT) {
                log_error(
                        "The PCI device %s is in no IOMMU group, so it cannot be assigned to a guest: the "
                        "host has no IOMMU, or it is disabled (see the firmware's settings, and "
                        "intel_iommu=on on the kernel command line).",
                        q->address);
                return -ENODEV;
        }
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot determine the IOMMU group of the PCI device %s", q->address);
        r = check_driver(sysfs, q);
        if (r >= 0)
                r = check_group(sysfs, requests, count, q, group);
        if (r < 0)
                return r;
        *ret_group = TAKE_PTR(group);
        return 0;
}

static int read_override(const char *sysfs, const char *address, char **ret)
{
        int r;

        r = sysfs_read(sysfs, ret, "bus/pci/devices/%s/driver_override", address);
        if (r < 0 || !streq(*ret, "(null)"))
                return r;
        (*ret)[0] = '\0';
        return 0;
}

static int change_driver(
        const char *sysfs, const char *address, const char *now, const char *override, const char *wanted)
{
        _cleanup_(freep) char *driver = NULL;
        int r;

        r = sysfs_write(sysfs, *override ? override : "\n", "bus/pci/devices/%s/driver_override", address);
        if (r >= 0 && now)
                r = sysfs_write(sysfs, address, "bus/pci/drivers/%s/unbind", now);
        if (r < 0 || !wanted)
                return r;
        r = sysfs_write(sysfs, address, "bus/pci/drivers/%s/bind", wanted);
        if (r < 0)
                (void) sysfs_write(sysfs, address, "bus/pci/drivers_probe");
        else
                return 0;
        return find_driver(sysfs, address, &driver) >= 0 && driver && streq(driver, wanted) ? 0 : r;
}

int pci_bind(const char *sysfs, const PciRequest *q, UndoLog *undo)
{
        _cleanup_(freep) char *driver = NULL, *override = NULL;
        int r;

        r = find_driver(sysfs, q->address, &driver);
        if (r >= 0 && driver && streq(driver, q->driver))
                return 0;
        if (r >= 0)
                r = read_override(sysfs, q->address, &override);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot determine the driver of the PCI device %s", q->address);
        r = undo_log_add(
                undo, "pci %s %s %s %s", q->address, q->driver, *override ? override : NOTHING,
                driver ?: NOTHING);
        if (r < 0)
                return r;
        r = change_driver(sysfs, q->address, driver, q->driver, q->driver);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot rebind the PCI device %s from its driver %s to %s", q->address,
                        driver ?: "(none)", q->driver);
        log_info(
                "Rebound the PCI device %s from its driver %s to %s.", q->address, driver ?: "(none)",
                q->driver);
        return 0;
}

static int unbind(const char *address, const char *ours, const char *override, const char *before)
{
        _cleanup_(freep) char *driver = NULL;
        int r;

        r = find_driver(SYSFS, address, &driver);
        if (r < 0)
                return r;
        if (driver &&
            !streq(driver, ours)) /* the step was not carried out, or somebody has bound it since */
                return sysfs_write(
                        SYSFS, *override ? override : "\n", "bus/pci/devices/%s/driver_override", address);
        return change_driver(SYSFS, address, driver, override, before);
}

int pci_parse_step(char *words, PciStep *ret)
{
        const char *address = strsep(&words, " "), *ours = strsep(&words, " "),
                   *override = strsep(&words, " ");

        if (!override || !words || strchr(address, '/') || strchr(ours, '/') || strchr(words, '/'))
                return -EBADMSG;
        *ret = (PciStep){
                .address = address,
                .ours = ours,
                .override = streq(override, NOTHING) ? "" : override,
                .before = streq(words, NOTHING) ? NULL : words,
        };
        return 0;
}

int pci_undo(char *words)
{
        _cleanup_(freep) char *path = NULL;
        PciStep step;
        int r;

        r = pci_parse_step(words, &step);
        if (r < 0)
                return r;
        path = sysfs_path(SYSFS, "bus/pci/devices/%s", step.address);
        if (!path)
                return log_out_of_memory();
        if (access(path, F_OK) < 0)
                return 0;
        r = unbind(step.address, step.ours, step.override, step.before);
        if (r < 0)
                return log_errno(
                        LOG_ERR, r, "Cannot rebind the PCI device %s to its original driver %s",
                        step.address, step.before ?: NOTHING);
        return 0;
}

static int grant_group(const Granting *granting, const char *group)
{
        _cleanup_(freep) char *path = text_format("/dev/vfio/%s", group);

        return path ? grant_take_device(granting, ACCESS_WRITE, path) : log_out_of_memory();
}

static int take(
        const Granting *granting, const char *sysfs, const PciRequest *requests, size_t count, UndoLog *undo)
{
        _cleanup_(strings_done) Strings groups = { 0 };
        int r = 0;

        for (size_t i = 0; i < count && r >= 0; i++) {
                char *group = NULL;

                r = pci_check(sysfs, requests, count, &requests[i], &group);
                if (r >= 0 && strings_take(&groups, group) < 0)
                        r = log_out_of_memory();
        }
        for (size_t i = 0; i < count && r >= 0; i++)
                if (requests[i].managed)
                        r = pci_bind(sysfs, &requests[i], undo);
        for (size_t i = 0; i < count && r >= 0; i++)
                if (requests[i].vf.has_mac || requests[i].vf.has_vlan)
                        r = vf_set(sysfs, requests[i].address, &requests[i].vf, undo);
        for (size_t i = 0; i < groups.count && r >= 0; i++)
                r = grant_group(granting, groups.items[i]);
        return r;
}

int pci_take(
        const Granting *granting, const char *sysfs, const PciRequest *requests, size_t count, UndoLog *undo)
{
        int r = 0;

        if (count == 0)
                return 0;
        /* a second process would find the device without a driver, and record that as its original state */
        if (granting->ledger)
                r = ledger_lock_drivers(granting->ledger);
        if (r >= 0)
                r = take(granting, sysfs, requests, count, undo);
        if (granting->ledger)
                ledger_unlock_drivers(granting->ledger);
        return r;
}

int mdev_find(const char *sysfs, const MdevRequest *q, char **ret_group)
{
        _cleanup_(freep) char *path = sysfs_path(sysfs, "bus/mdev/devices/%s", q->uuid);
        int r;

        if (!path)
                return log_out_of_memory();
        if (access(path, F_OK) < 0) {
                log_error(
                        "The host has no mediated device %s. Create it first: mdevctl start --uuid %s …",
                        q->uuid, q->uuid);
                return -ENODEV;
        }
        r = sysfs_read_link(sysfs, ret_group, "bus/mdev/devices/%s/iommu_group", q->uuid);
        return r < 0 ? log_errno(LOG_ERR, r, "The mediated device %s is in no IOMMU group", q->uuid) : 0;
}

int mdev_take(const Granting *granting, const char *sysfs, const MdevRequest *q)
{
        _cleanup_(freep) char *group = NULL;
        int r;

        r = mdev_find(sysfs, q, &group);
        return r < 0 ? r : grant_group(granting, group);
}
