/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What was attached to a guest that runs lasts until it is off. A guest that was saved is not off in that
 * sense: it can only be restored with the devices that it had. So its fragments stay, and are copied to
 * where they survive a boot of the host.
 *
 * They say what a guest may have of the host, so they are not kept with the saved state: the guest's user
 * can write there. A directory that only root can write has them, and a boot brings them back to /run. Users
 * have no such place: their runtime directory goes with their last session, and fragments with it.
 */

#include "launcher/fragments/fragments-end.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/limits.h"
#include "contract/state.h"
#include "launcher/prepare/manager.h"
#include "launcher/rights/privileges.h"
#include "log/log.h"
#include "util/file.h"
#include "util/ownership.h"
#include "util/text.h"
#include "util/user-directory.h"

#define RUN_FRAGMENTS "/run/vmunit/guests"
#define SUFFIX        ".xml.d"

/* ——— copies ——— */

static int copy_files(DIR *from, int to)
{
        struct dirent *entry;
        int r = 0;

        while (r >= 0 && (errno = 0, entry = readdir(from))) {
                _cleanup_(freep) char *data = NULL;
                size_t size;

                if (entry->d_name[0] == '.' || !text_ends_with(entry->d_name, ".xml"))
                        continue;
                r = file_read(dirfd(from), entry->d_name, SOURCE_SIZE_MAX, &data, &size);
                if (r >= 0)
                        r = file_write_atomic(to, entry->d_name, data, size, 0644, 1);
        }
        return r < 0 ? r : -errno;
}

/* Whole or not at all; there may be an older copy. */
static int copy_directory(const char *from, const char *parent, const char *name)
{
        _cleanup_(freep) char *to = text_format("%s/%s", parent, name);
        _cleanup_(freep) char *partial = text_format("%s/.#%s", parent, name);
        _cleanup_(closedirp) DIR *dir = opendir(from);
        _cleanup_(closep) int fd = -EBADF, above = -EBADF;
        int r;

        if (!to || !partial)
                return -ENOMEM;
        if (!dir)
                return -errno;
        r = file_make_directories(AT_FDCWD, parent, 0755);
        if (r < 0)
                return r;
        (void) directory_remove(partial);
        if (mkdir(partial, 0755) < 0)
                return -errno;
        fd = open(partial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        above = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = fd < 0 || above < 0 ? -errno : copy_files(dir, fd);
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r >= 0)
                (void) directory_remove(to);
        if (r >= 0 && (rename(partial, to) < 0 || fsync(above) < 0))
                r = -errno;
        if (r < 0)
                (void) directory_remove(partial);
        return r;
}

/* ——— the end of a guest ——— */

/* Only whether the names are there: what they are is the launcher's to judge. */
static bool is_saved(const char *guest)
{
        _cleanup_(freep) char *state =
                privileges_are_root() ? strdup("/var/lib") : user_directory(USER_STATE);
        static const char *const names[] = { STATE_SAVED, STATE_RESTORING };
        struct stat st;

        for (size_t i = 0; state && i < ELEMENTS(names); i++) {
                _cleanup_(freep) char *path = text_format("%s/vm/%s/%s", state, guest, names[i]);

                if (path && lstat(path, &st) >= 0)
                        return true;
        }
        return false;
}

static void keep(const char *guest, const char *directory)
{
        _cleanup_(freep) char *name = text_format("%s" SUFFIX, guest);
        int r;

        if (!privileges_are_root() || access(directory, F_OK) < 0)
                return;
        r = name ? copy_directory(directory, STATE_FRAGMENTS, name) : -ENOMEM;
        if (r < 0)
                log_errno(
                        LOG_WARNING, r,
                        "Cannot copy %s to " STATE_FRAGMENTS
                        "; the saved guest can be restored only until the "
                        "host is rebooted",
                        directory);
}

static void forget_kept(const char *guest)
{
        _cleanup_(freep) char *kept = text_format(STATE_FRAGMENTS "/%s" SUFFIX, guest);
        int r = kept && privileges_are_root() ? directory_remove(kept) : 0;

        if (r < 0 && r != -ENOENT)
                log_errno(LOG_WARNING, r, "Cannot remove %s", kept);
}

static void forget(const char *directory)
{
        int r;

        if (access(directory, F_OK) < 0)
                return;
        r = directory_remove(directory);
        if (r < 0)
                log_errno(LOG_WARNING, r, "Cannot remove %s", directory);
        r = manager_reload(false); /* some of the files may be gone all the same */
        if (r < 0)
                log_errno(LOG_WARNING, r, "Failed to have systemd read the guest's definition again");
}

void fragments_end(const char *guest)
{
        const char *run = privileges_run_directory();
        _cleanup_(freep) char *directory =
                run ? text_format("%s/vmunit/guests/%s" SUFFIX, run, guest) : NULL;
        _cleanup_(freep) char *kept = text_format(STATE_FRAGMENTS "/%s" SUFFIX, guest);

        if (!directory || !kept || (access(directory, F_OK) < 0 && access(kept, F_OK) < 0))
                return;
        /* one that is about to be started again keeps what it was given for this run */
        if (manager_guest_is_on(guest) || manager_guest_has_job(guest))
                return;
        if (is_saved(guest)) {
                keep(guest, directory);
                return;
        }
        forget_kept(guest);
        forget(directory);
}

/* ——— a boot ——— */

/* Those in /run are newer. What was saved may have been given up while the guest was off. */
static bool bring_back(const char *name)
{
        _cleanup_(freep) char *guest = strndup(name, strlen(name) - strlen(SUFFIX));
        _cleanup_(freep) char *kept = text_format(STATE_FRAGMENTS "/%s", name);
        _cleanup_(freep) char *run = text_format(RUN_FRAGMENTS "/%s", name);
        int r;

        if (!guest || !kept || !run)
                return false;
        if (!is_saved(guest)) {
                forget_kept(guest);
                return false;
        }
        if (access(run, F_OK) >= 0)
                return false;
        r = copy_directory(kept, RUN_FRAGMENTS, name);
        if (r < 0)
                log_errno(LOG_WARNING, r, "Cannot copy %s to " RUN_FRAGMENTS, kept);
        return r >= 0;
}

void fragments_bring_back(void)
{
        _cleanup_(closedirp) DIR *dir = opendir(STATE_FRAGMENTS);
        bool any = false;
        struct dirent *entry;
        int r;

        while (dir && (entry = readdir(dir)))
                if (entry->d_name[0] != '.' && text_ends_with(entry->d_name, SUFFIX))
                        any = bring_back(entry->d_name) || any;
        r = any ? manager_reload(true) : 0;
        if (r < 0)
                log_errno(LOG_WARNING, r, "Failed to have systemd read the definitions of saved guests");
}
