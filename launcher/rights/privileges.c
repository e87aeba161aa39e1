/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The helper of a system's guest and cleanup start as root, with the capabilities that their units allow.
 * They give them up in stages:
 *
 * 1. As started, the process must not read anything that a guest or its user can write. It reads its
 * arguments, which are the unit's, and learns the guest's user from the service manager and the kernel.
 *
 * 2. A child becomes the guest's user with privileges_become(): it has no capability and no privileged
 * group, and cannot regain any. It reads the guest's files and writes in the guest's directories (errand.h).
 * Before that it looks up the user's groups, with CAP_SETUID and CAP_SETGID only.
 *
 * 3. In the parent, privileges_keep() leaves only the capabilities that the arguments require; see prepare.c
 * and cleanup.c. It is still uid 0 and owns root's files, so this is no boundary against a compromised
 * process. But it can no longer change users once it touches the first path.
 *
 * There is no way back: the bounding set is empty and no_new_privs is set.
 */

#include "launcher/rights/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>

#include "contract/limits.h"
#include "log/log.h"

bool privileges_are_root(void)
{
        return geteuid() == 0;
}

const char *privileges_run_directory(void)
{
        return privileges_are_root() ? "/run" : getenv("XDG_RUNTIME_DIR");
}

static int no_new_privileges(void)
{
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return log_errno(LOG_ERR, -errno, "Failed to set no_new_privs");
        return 0;
}

int privileges_drop(void)
{
        capng_clear(CAPNG_SELECT_ALL);
        return capng_apply(CAPNG_SELECT_CAPS) == 0
                       ? 0
                       : log_errno(LOG_ERR, -EPERM, "Failed to drop capabilities");
}

bool privileges_may_keep(unsigned capability)
{
        return prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1;
}

int privileges_keep(Capabilities keep)
{
        int r;

        r = no_new_privileges();
        if (r < 0)
                return r;
        if (!privileges_are_root())
                return privileges_drop();
        capng_clear(CAPNG_SELECT_ALL);
        for (unsigned i = 0; i < 64; i++)
                if (keep & CAPABILITY(i) &&
                    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, i) < 0)
                        return log_errno(LOG_ERR, -EINVAL, "libcap-ng does not know capability %u", i);
        if (capng_apply(CAPNG_SELECT_ALL) != 0)
                return log_errno(
                        LOG_ERR, -EPERM,
                        "Failed to drop privileges; this verb must be started as root, with CAP_SETPCAP and "
                        "the capabilities that its arguments require");
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
