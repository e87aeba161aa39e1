/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd shows a guest's files in its sandbox before the launcher starts, and so before the launcher can
 * ask for anything. Two things are therefore done early, when systemd starts the helper ahead of the guest:
 *
 *  - The firmware's variables and log files that lie outside of the guest's own directories are created.
 *  - If a user's guest names a file that the user cannot reach, this says so: systemd's own message would
 * not say why, and the launcher would never start.
 *
 * There is no launcher yet that would tell which user the guest runs as, so the service manager is asked.
 */

#include "launcher/helper/early.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/exit.h"
#include "launcher/errand/user-name.h"
#include "launcher/prepare/manager.h"
#include "launcher/prepare/prepare.h"
#include "log/log.h"
#include "util/text.h"

#define ROOT_DIRECTORY "/run/vmunit/sandbox" /* RootDirectory= of guests' units */

/* Whether systemd creates the directory that it is in, later, and shows that as a whole. */
static bool is_own(const PrepareRequest *request, const char *path)
{
        _cleanup_(freep) char *state = guest_state_directory(request->guest);

        return state && path_is_in(path, state);
}

/* Otherwise the variables reach QEMU as a descriptor. */
static bool shows_nvram(const PrepareRequest *request)
{
        for (size_t i = 0; request->nvram && i < request->grants.count; i++)
                if (streq(request->grants.items[i].path, request->nvram))
                        return !is_own(request, request->nvram);
        return false;
}

static bool is_needed(const PrepareRequest *request)
{
        if (shows_nvram(request))
                return true;
        for (size_t i = 0; i < request->log_files.count; i++)
                if (!is_own(request, request->log_files.items[i]))
                        return true;
        return false;
}

/* Without it systemd cannot start the guest, and its message does not say why. */
static int check_root_directory(void)
{
        if (access(ROOT_DIRECTORY, F_OK) >= 0)
                return 0;
        log_errno(
                LOG_ERR, -errno,
                "Cannot access " ROOT_DIRECTORY
                ", the directory below guests' sandboxes. Ask the administrator to run: systemctl start "
                "run-vmunit-sandbox.mount");
        return EXIT_MISSING;
}

/* Nor can it show files in the sandbox that the user cannot access. */
static int check_ways(const PrepareRequest *request)
{
        int result = 0;

        for (size_t i = 0; i < request->grants.count; i++) {
                const char *path = request->grants.items[i].path;

                if (access(path, F_OK) < 0 && errno == EACCES) {
                        log_error(
                                "Cannot access %s: Permission denied. User %s may not search one of its "
                                "parent directories; namei -l '%s' shows which.",
                                path, user_name(geteuid()).text, path);
                        result = EXIT_POLICY;
                }
        }
        return result;
}

/* Those in the guest's own directories are created when the launcher calls. */
static int add_log_files(const PrepareRequest *request, Strings *ret)
{
        int r = 0;

        for (size_t i = 0; i < request->log_files.count && r >= 0; i++)
                if (!is_own(request, request->log_files.items[i]))
                        r = strings_add(ret, request->log_files.items[i]);
        return r;
}

/* Those that the unit names, or else root's; *ret is unchanged where the unit names none. */
static void find_id(const char *name, bool is_group, unsigned *ret)
{
        const struct passwd *user = is_group ? NULL : getpwnam(name);
        const struct group *group = is_group ? getgrnam(name) : NULL;

        if (user || group)
                *ret = user ? user->pw_uid : group->gr_gid;
        else
                (void) text_to_unsigned(name, UINT32_MAX - 1, ret);
}

static int find_user(const char *unit, GuestUser *ret)
{
        _cleanup_(freep) char *name = NULL, *group = NULL;
        const struct passwd *entry;
        int r;

        if (!privileges_are_root()) {
                ret->uid = geteuid();
                ret->gid = getegid();
                return 0;
        }
        r = manager_get(unit, "User", 's', &name);
        if (r >= 0)
                r = manager_get(unit, "Group", 's', &group);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Failed to ask the service manager for the user of %s", unit);
        find_id(name, false, &ret->uid);
        entry = getpwuid(ret->uid);
        ret->gid = entry ? entry->pw_gid : ret->uid;
        find_id(group, true, &ret->gid);
        return 0;
}

/* If the guest has a launcher, its sandbox is set up, and this is too late. */
static bool is_set_up(const char *unit)
{
        uint32_t launcher = 0;

        return manager_get(unit, "MainPID", 'u', &launcher) >= 0 && launcher != 0;
}

static int make(const PrepareRequest *request, const char *unit)
{
        _cleanup_(guest_user_done) GuestUser user = GUEST_USER_EMPTY;
        _cleanup_(strings_done) Strings log_files = { 0 };
        bool nvram = shows_nvram(request);
        PrepareRequest early = {
                .guest = request->guest,
                .nvram = nvram ? request->nvram : NULL,
                .nvram_template = nvram ? request->nvram_template : NULL,
        };
        int r;

        r = add_log_files(request, &log_files);
        r = r < 0 ? log_out_of_memory() : find_user(unit, &user);
        if (r < 0)
                return EXIT_OS;
        early.log_files = log_files;
        return prepare_files(&early, &user);
}

/* In a child, because this gives up rights that are needed again when the launcher calls. */
static int make_in_child(const PrepareRequest *request, const char *unit)
{
        pid_t child = fork();
        int status;

        if (child < 0) {
                log_errno(LOG_ERR, -errno, "Failed to start a process");
                return EXIT_OS;
        }
        if (child == 0)
                _exit(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? EXIT_OS : make(request, unit));
        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return EXIT_OS;
        return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_OS;
}

int early_prepare(const PrepareRequest *request, const char *unit)
{
        int r = privileges_are_root() ? 0 : check_root_directory() ?: check_ways(request);

        return r != 0 || !is_needed(request) || is_set_up(unit) ? r : make_in_child(request, unit);
}
