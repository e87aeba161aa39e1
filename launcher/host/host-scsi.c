/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A SCSI unit's generic node is found by the unit's address. QEMU reopens the descriptor that it receives by
 * its name in /proc, for which the kernel checks the permissions of QEMU's user. So the node is handed to
 * that user as well as opened. Trusted: the kernel's tree, the arguments.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "contract/fd-name.h"
#include "launcher/host/host-device.h"
#include "launcher/host/sysfs.h"
#include "log/log.h"

int scsi_find(const char *sysfs, const ScsiRequest *q, char **ret_name)
{
        _cleanup_(freep) char *path = sysfs_path(
                sysfs, "bus/scsi/devices/%u:%u:%u:%u/scsi_generic", q->host, q->bus, q->target, q->unit);
        _cleanup_(closedirp) DIR *directory = NULL;
        const struct dirent *entry;

        if (!path)
                return log_out_of_memory();
        directory = opendir(path);
        while (directory && (entry = readdir(directory)))
                if (text_after(entry->d_name, "sg")) {
                        *ret_name = strdup(entry->d_name);
                        return *ret_name ? 0 : log_out_of_memory();
                }
        *strrchr(path, '/') = '\0';
        if (access(path, F_OK) >= 0)
                log_error(
                        "The SCSI unit %u:%u:%u:%u of the host has no generic device; the kernel's module "
                        "sg may be missing (modprobe sg).",
                        q->host, q->bus, q->target, q->unit);
        else
                log_error(
                        "The host has no SCSI unit %u:%u:%u:%u (scsi_host, bus, target, unit).", q->host,
                        q->bus, q->target, q->unit);
        return -ENODEV;
}

int scsi_take(const Granting *granting, const char *sysfs, const ScsiRequest *q, Store *store)
{
        _cleanup_(freep) char *name = NULL, *path = NULL;
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        dev_t device;
        int r;

        r = scsi_find(sysfs, q, &name);
        if (r < 0)
                return r;
        path = text_format("/dev/%s", name);
        if (!path)
                return log_out_of_memory();
        r = sysfs_read_device(sysfs, &device, "class/scsi_generic/%s/dev", name);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot determine which device %s is", path);
        r = grant_take_device(granting, q->access, path);
        if (r < 0)
                return r;
        fd = open(path, (q->access == ACCESS_READ ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 && errno == EPERM)
                return log_errno(
                        LOG_ERR, -EPERM,
                        "Cannot open %s; the guest's helper requires DeviceAllow=char-sg rw", path);
        if (fd < 0 || fstat(fd, &st) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot open %s", path);
        if (!S_ISCHR(st.st_mode) || st.st_rdev != device) {
                log_error("%s is not the SCSI unit that the kernel has by this name.", path);
                return -ENODEV;
        }
        return store_add(store, fd_name_scsi(q->id), TAKE_FD(fd));
}
