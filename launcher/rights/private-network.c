/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The unit of a guest that uses passt shares the host's network, because passt is one of its processes. QEMU
 * only needs its end of a socket pair, so it gets its own network namespace, like other guests through
 * PrivateNetwork=yes. A guest that takes over QEMU cannot bypass passt.
 *
 * Without capabilities, a network namespace requires a user namespace. In it the process has all
 * capabilities, but only over that empty network. It loses them at the exec, and cannot regain any because
 * the bounding set is emptied first. User and group keep their numbers; other groups have none there, but
 * stay effective.
 *
 * The launcher and its children are not dumpable (verb/run.c), so root owns their uid_map and gid_map in
 * /proc. The child becomes dumpable to write them, inside its own user namespace; the exec would do the
 * same.
 */

#include "launcher/rights/private-network.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "util/ownership.h"

static int write_file(const char *path, const char *text)
{
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int map_same(const char *path, unsigned id)
{
        char text[64];

        (void) snprintf(text, sizeof(text), "%u %u 1", id, id);
        return write_file(path, text);
}

static int empty_bounding_set(void)
{
        for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c) >= 0; c++)
                if (prctl(PR_CAPBSET_DROP, c) < 0)
                        return -errno;
        return 0;
}

int private_network_enter(void)
{
        unsigned uid = geteuid(), gid = getegid();
        int r;

        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
                return -errno;
        r = map_same("/proc/self/uid_map", uid);
        if (r >= 0)
                r = write_file("/proc/self/setgroups", "deny");
        if (r >= 0)
                r = map_same("/proc/self/gid_map", gid);
        return r < 0 ? r : empty_bounding_set();
}
