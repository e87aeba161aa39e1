/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A USB device is found in sysfs by what the guest's XML says about it, and opened here. QEMU gets the
 * descriptor and no right to any other device on the bus. If two devices match, neither is chosen, as in
 * libvirt, because the choice would depend on the order in which they were plugged in. Trusted: the kernel's
 * tree, the arguments. Not trusted: what a device says about itself.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "contract/fd-name.h"
#include "launcher/host/host-device.h"
#include "launcher/host/sysfs.h"
#include "log/log.h"

typedef struct UsbDevice {
        unsigned vendor, product, bus, number;
        dev_t device;
        char *port;
} UsbDevice;

static void usb_device_done(UsbDevice *d)
{
        free(d->port);
}

/* A device unplugged meanwhile counts as never present. */
static int read_device(const char *sysfs, const char *name, UsbDevice *ret)
{
        int r;

        r = sysfs_read_unsigned(sysfs, 16, &ret->vendor, "bus/usb/devices/%s/idVendor", name);
        if (r >= 0)
                r = sysfs_read_unsigned(sysfs, 16, &ret->product, "bus/usb/devices/%s/idProduct", name);
        if (r >= 0)
                r = sysfs_read_unsigned(sysfs, 10, &ret->bus, "bus/usb/devices/%s/busnum", name);
        if (r >= 0)
                r = sysfs_read_unsigned(sysfs, 10, &ret->number, "bus/usb/devices/%s/devnum", name);
        if (r >= 0)
                r = sysfs_read_device(sysfs, &ret->device, "bus/usb/devices/%s/dev", name);
        if (r >= 0)
                r = sysfs_read(sysfs, &ret->port, "bus/usb/devices/%s/devpath", name);
        return r;
}

static bool is_sought(const UsbRequest *q, const UsbDevice *d)
{
        if (q->vendor && (d->vendor != q->vendor || d->product != q->product))
                return false;
        if (q->bus && d->bus != q->bus)
                return false;
        if (q->device && d->number != q->device)
                return false;
        return !q->port || streq(d->port, q->port);
}

static void describe(const UsbRequest *q, char text[static 96])
{
        size_t n = 0;

        text[0] = '\0';
        if (q->vendor)
                n += (size_t) snprintf(text + n, 96 - n, " %04x:%04x", q->vendor, q->product);
        if (q->bus)
                n += (size_t) snprintf(text + n, 96 - n, " on bus %u", q->bus);
        if (q->device)
                n += (size_t) snprintf(text + n, 96 - n, " device %u", q->device);
        if (q->port)
                (void) snprintf(text + n, 96 - n, " port %s", q->port);
}

int usb_find(const char *sysfs, const UsbRequest *q, char **ret_path, dev_t *ret_device)
{
        _cleanup_(freep) char *path = sysfs_path(sysfs, "bus/usb/devices"), *found = NULL;
        _cleanup_(closedirp) DIR *directory = NULL;
        const struct dirent *entry;
        char what[96];

        if (!path)
                return log_out_of_memory();
        describe(q, what);
        directory = opendir(path);
        while (directory && (entry = readdir(directory))) {
                _cleanup_(usb_device_done) UsbDevice d = { 0 };

                /* a name with a colon is an interface of a device */
                if (entry->d_name[0] == '.' || strchr(entry->d_name, ':'))
                        continue;
                if (read_device(sysfs, entry->d_name, &d) < 0 || !is_sought(q, &d))
                        continue;
                if (found) {
                        log_error(
                                "The host has several USB devices%s. Choose one by <address bus='…' "
                                "device='…'/> in <source>.",
                                what);
                        return -EBUSY;
                }
                found = text_format("/dev/bus/usb/%03u/%03u", d.bus, d.number);
                if (!found)
                        return log_out_of_memory();
                *ret_device = d.device;
        }
        if (!found) {
                log_error("The host has no USB device%s.", what);
                return -ENODEV;
        }
        *ret_path = TAKE_PTR(found);
        return 0;
}

int usb_take(const Granting *granting, const char *sysfs, const UsbRequest *q, Store *store)
{
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        dev_t device;
        int r;

        r = usb_find(sysfs, q, &path, &device);
        if (r < 0)
                return r;
        fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 && errno == EPERM)
                return log_errno(
                        LOG_ERR, -EPERM,
                        "Cannot open %s; the guest's helper requires DeviceAllow=char-usb_device rw", path);
        if (fd < 0 || fstat(fd, &st) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot open %s", path);
        if (!S_ISCHR(st.st_mode) || st.st_rdev != device) {
                log_error("%s is not the USB device that the kernel has by this name.", path);
                return -ENODEV;
        }
        r = grant_remember_device(granting, fd, path);
        return r < 0 ? r : store_add(store, fd_name_usb(q->id), TAKE_FD(fd));
}
