/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * prepare and cleanup are started as root with every capability, because a unit has no way to say less for
 * ExecStartPre=+. What they have after each stage:
 *
 *   1. As started. Has everything, and must not look at anything that a guest or its user can write. Reads
 * its arguments (argv, from the unit), and finds the guest's user by $RUNTIME_DIRECTORY, which systemd made.
 *   2. privileges_enter_host(): what the unit's sandbox hides from QEMU is hidden here too, the network and
 * (by TemporaryFileSystem= and BindPaths=) most directories; this needs CAP_SYS_ADMIN, CAP_SYS_CHROOT and
 * CAP_SYS_PTRACE, for the last time. It looks at nothing but /proc/1/ns.
 *   3. A child becomes the guest's user, privileges_become(): has no capability, no privileged group, and
 * cannot regain any. All that is to be read from the guest's files, and all that is to be written in the
 * guest's directories, is read and written by it (errand.h). On its way there, with CAP_SETUID and
 * CAP_SETGID only, it looks up the user's groups.
 *   4. privileges_keep() in what goes on: only the capabilities that its arguments need, see prepare.c and
 * cleanup.c. It is still uid 0, so it owns root's files: nothing here is a boundary against a root that has
 * been taken over, but mounting, tracing, loading modules, changing users and the like are gone before the
 * first path is touched.
 *
 * There is no way back: the bounding set is empty and no_new_privs is set.
 */

#include "launcher/rights/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "contract/limits.h"
#include "log/log.h"

bool privileges_are_root(void)
{
        return geteuid() == 0;
}

/* A descriptor of the host's namespace; -EBADF if the caller is in it. */
static int open_foreign(const char *kind, int *ret)
{
        _cleanup_(closep) int fd = -EBADF;
        char host[32], own[32];
        struct stat host_st, own_st;

        snprintf(host, sizeof(host), "/proc/1/ns/%s", kind);
        snprintf(own, sizeof(own), "/proc/self/ns/%s", kind);
        fd = open(host, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &host_st) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot open %s", host);
        if (stat(own, &own_st) < 0)
                return log_errno(LOG_ERR, -errno, "Cannot stat %s", own);
        *ret = host_st.st_dev == own_st.st_dev && host_st.st_ino == own_st.st_ino ? -EBADF : TAKE_FD(fd);
        return 0;
}

int privileges_enter_host(void)
{
        _cleanup_(closep) int network = -EBADF, mounts = -EBADF;
        int r;

        /* open both first: entering one may change /proc */
        r = open_foreign("net", &network);
        if (r >= 0)
                r = open_foreign("mnt", &mounts);
        if (r < 0)
                return r;
        if (network >= 0 && setns(network, CLONE_NEWNET) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to enter the host's network namespace");
        if (mounts >= 0 && setns(mounts, CLONE_NEWNS) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to enter the host's mount namespace");
        return 0;
}

static int no_new_privileges(void)
{
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to set no_new_privs");
        return 0;
}

int privileges_keep(Capabilities keep)
{
        int r;

        r = no_new_privileges();
        if (r < 0)
                return r;
        capng_clear(CAPNG_SELECT_ALL);
        if (!privileges_are_root())
                return capng_apply(CAPNG_SELECT_CAPS) == 0
                               ? 0
                               : log_errno(LOG_ERR, -EPERM, "Failed to drop capabilities");
        for (unsigned i = 0; i < 64; i++)
                if (keep & CAPABILITY(i) &&
                    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, i) < 0)
                        return log_errno(LOG_ERR, -EINVAL, "libcap-ng does not know capability %u", i);
        if (capng_apply(CAPNG_SELECT_ALL) != 0)
                return log_errno(
                        LOG_ERR, -EPERM,
                        "Failed to drop privileges; this verb must be started as root with full "
                        "privileges (ExecStartPre=+)");
        return 0;
}

static int set_groups(uid_t uid, gid_t gid)
{
        gid_t groups[USER_GROUPS_MAX];
        int n = (int) USER_GROUPS_MAX;
        const struct passwd *entry;

        /* a user of systemd's DynamicUser= may have no entry, and then has no further groups either */
        errno = 0;
        entry = getpwuid(uid);
        if (!entry || getgrouplist(entry->pw_name, gid, groups, &n) < 0) {
                groups[0] = gid;
                n = 1;
        }
        if (setgroups((size_t) n, groups) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to set the groups of user %u", uid);
        return 0;
}

int privileges_become(unsigned uid, unsigned gid)
{
        int r;

        if (privileges_are_root()) {
                r = privileges_keep(CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID));
                if (r < 0)
                        return r;
                r = set_groups(uid, gid);
                if (r < 0)
                        return r;
                if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
                        return log_errno(LOG_ERR, -errno, "Failed to become user %u", uid);
        } else if (uid != geteuid()) {
                log_error("User %u cannot become user %u: this requires root.", geteuid(), uid);
                return -EPERM;
        }
        r = privileges_keep(0);
        if (r < 0)
                return r;
        capng_clear(CAPNG_SELECT_ALL);
        if (capng_get_caps_process() < 0 || capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE) {
                log_error("User %u still has capabilities after all were dropped.", uid);
                return -EPERM;
        }
        return 0;
}
