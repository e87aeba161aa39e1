/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The unit of a guest that passt connects shares the host's network, for passt is one of its processes. QEMU
 * needs none of it, its end is a socket pair: so it goes into a network namespace of its own, as
 * PrivateNetwork=yes has it for other guests, and a guest that took QEMU over does not reach past passt.
 *
 * Without capabilities a network namespace takes a user namespace to own it. In that the process would have
 * all capabilities, over that empty network and nothing else; it gives them up at the exec, and none can
 * come back since the bounding set is emptied first. User and group are the same within; other groups have
 * no number there, and count as before.
 *
 * The launcher is not dumpable (run.c), nor is what it forks, and such a process's maps in /proc are root's.
 * It becomes dumpable for them within its own user namespace, where the exec would make it so anyway.
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
