/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files and devices of other guests and of the host, and the guest's own run-time directory. A file that the
 * sandbox does not contain does not exist for QEMU (ENOENT), whoever owns it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/attack/attack.h"

int attack_read(const char *target, int argument)
{
        return open(target, O_RDONLY | O_NONBLOCK | O_CLOEXEC) < 0 ? -errno : 0;
}

int attack_write(const char *target, int argument)
{
        return open(target, O_WRONLY | O_NONBLOCK | O_CLOEXEC) < 0 ? -errno : 0;
}

/* A new file in that directory, which is removed again. */
int attack_create(const char *target, int argument)
{
        char path[2048];

        (void) snprintf(path, sizeof(path), "%s/attack-new", target);
        if (open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) < 0)
                return -errno;
        return unlink(path) < 0 ? -errno : 0;
}

static int make_directory(const char *target, int argument)
{
        char path[2048];

        (void) snprintf(path, sizeof(path), "%s/attack-new", target);
        if (mkdir(path, 0700) < 0)
                return -errno;
        return rmdir(path) < 0 ? -errno : 0;
}

static int move_away(const char *target, int argument)
{
        char path[2048];

        (void) snprintf(path, sizeof(path), "%s.moved", target);
        if (rename(target, path) < 0)
                return -errno;
        return rename(path, target) < 0 ? -errno : 0;
}

/* A link that a program of the host may follow. */
static int make_link(const char *target, int argument)
{
        char path[2048];

        (void) snprintf(path, sizeof(path), "%s/attack-link", target);
        if (symlink("/etc/shadow", path) < 0)
                return -errno;
        return unlink(path) < 0 ? -errno : 0;
}

/* A name of one's own for another's file. */
static int link_file(const char *target, int argument)
{
        const char *state = attack_target("own-state");
        char path[2048];

        if (!state)
                return NOT_APPLICABLE;
        (void) snprintf(path, sizeof(path), "%s/attack-link", state);
        if (link(target, path) < 0)
                return -errno;
        return unlink(path) < 0 ? -errno : 0;
}

/* A device of the host: a loop device, or its memory. */
static int make_node(const char *target, int argument)
{
        char path[2048];

        (void) snprintf(path, sizeof(path), "%s/attack-node", target);
        if (mknod(path, (mode_t) argument | 0600, argument == S_IFBLK ? makedev(7, 0) : makedev(1, 1)) < 0)
                return -errno;
        return unlink(path) < 0 ? -errno : 0;
}

static int make_setuid(const char *target, int argument)
{
        char path[2048];
        int fd, r = 0;

        (void) snprintf(path, sizeof(path), "%s/attack-setuid", target);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
        if (fd < 0)
                return -errno;
        if (fchmod(fd, 04755) < 0)
                r = -errno;
        return unlink(path) < 0 ? -errno : r;
}

const Attack attacks_on_controls[] = {
        { "control-program", attack_read, "/usr/bin/env", 0, "succeeded" },
        { "control-null", attack_write, "/dev/null", 0, "succeeded" },
        { "control-scratch", attack_create, "/dev/shm", 0, "succeeded" },
        { "control-own-environment", attack_read, "/proc/{own-pid}/environ", 0, "succeeded" },
        {},
};

const Attack attacks_on_files[] = {
        /* another guest's */
        { "other-disk-read", attack_read, "{other-disk}", 0, "ENOENT" },
        { "other-disk-write", attack_write, "{other-disk}", 0, "ENOENT" },
        { "other-disk-move", move_away, "{other-disk}", 0, "ENOENT" },
        { "other-disk-link", link_file, "{other-disk}", 0, "ENOENT" },
        { "other-disks-list", attack_read, "{images}", 0, "ENOENT" },
        { "other-state-list", attack_read, "{other-state}", 0, "ENOENT" },
        { "other-state-create", attack_create, "{other-state}", 0, "ENOENT" },
        { "other-state-link", make_link, "{other-state}", 0, "ENOENT" },
        { "other-run-list", attack_read, "{other-run}", 0, "ENOENT" },
        { "other-run-create", attack_create, "{other-run}", 0, "ENOENT" },
        { "other-credential", attack_read, "{other-credential}", 0, "ENOENT" },
        { "other-definition", attack_read, "{other-definition}", 0, "ENOENT" },
        { "other-log", attack_read, "{other-log}", 0, "ENOENT" },

        /* the host's */
        { "host-shadow", attack_read, "/etc/shadow", 0, "ENOENT" },
        { "host-passwd-write", attack_write, "/etc/passwd", 0, "ENOENT" },
        { "host-machine-id", attack_read, "/etc/machine-id", 0, "ENOENT" },
        { "host-root-list", attack_read, "/root", 0, "ENOENT" },
        { "host-home-list", attack_read, "/home", 0, "ENOENT" },
        { "host-srv-list", attack_read, "/srv", 0, "ENOENT" },
        { "host-boot-list", attack_read, "/boot", 0, "ENOENT" },
        { "host-journal-list", attack_read, "/var/log/journal", 0, "ENOENT" },
        { "host-units-list", attack_read, "/run/systemd/system", 0, "ENOENT" },
        { "host-unit-create", attack_create, "/etc/systemd/system", 0, "ENOENT" },
        { "host-cron-create", attack_create, "/etc/cron.d", 0, "ENOENT" },
        { "host-udev-create", attack_create, "/run/udev/rules.d", 0, "ENOENT" },
        { "host-program-write", attack_write, "/usr/bin/env", 0, "EACCES" },
        { "host-program-move", move_away, "/usr/bin/env", 0, "EROFS" },
        { "host-program-create", attack_create, "/usr/local/bin", 0, "EROFS" },
        { "host-root-create", attack_create, "/", 0, "EROFS" },
        { "host-run-create", attack_create, "/run", 0, "EROFS" },
        { "host-tmp", attack_read, "{host-tmp}", 0, "ENOENT" },
        { "host-var-tmp", attack_read, "{host-var-tmp}", 0, "ENOENT" },
        { "host-shared-memory", attack_read, "{host-shared-memory}", 0, "ENOENT" },
        { "host-hugepages", attack_read, "/dev/hugepages", 0, "ENOENT|EACCES" },
        { "host-message-queues", attack_read, "{host-message-queue}", 0, "ENOENT" },
        { "host-terminal", attack_write, "{host-terminal}", 0, "ENOENT|EACCES" },
        { "host-grants-list", attack_read, "/var/lib/vmunit", 0, "ENOENT" },
        { "host-policy-create", attack_create, "/etc/vmunit", 0, "ENOENT" },

        /* devices */
        { "device-memory", attack_read, "/dev/mem", 0, "ENOENT" },
        { "device-kmsg", attack_write, "/dev/kmsg", 0, "ENOENT" },
        { "device-console", attack_write, "/dev/console", 0, "ENOENT" },
        { "device-kvm", attack_write, "/dev/kvm", 0, "ENOENT" },
        { "device-tun", attack_write, "/dev/net/tun", 0, "ENOENT" },
        { "device-vhost-net", attack_write, "/dev/vhost-net", 0, "ENOENT" },
        { "device-fuse", attack_write, "/dev/fuse", 0, "ENOENT" },
        { "device-loop", attack_write, "/dev/loop-control", 0, "ENOENT" },
        { "device-disk", attack_read, "{host-disk}", 0, "ENOENT" },
        { "device-block-node", make_node, "/dev/shm", S_IFBLK, "EPERM" },
        { "device-character-node", make_node, "/dev/shm", S_IFCHR, "EPERM" },
        { "setuid-program", make_setuid, "/dev/shm", 0, "EPERM" },

        /* its own directories, which programs of the host look into */
        { "own-state-create", attack_create, "{own-state}", 0, "ENOENT" },
        { "own-run-create", attack_create, "{own-run}", 0, "ENOENT" },
        { "own-run-directory", make_directory, "{own-run}", 0, "ENOENT" },
        { "own-run-link", make_link, "{own-run}", 0, "ENOENT" },
        { "own-control-move", move_away, "{own-control}", 0, "ENOENT" },
        {},
};
