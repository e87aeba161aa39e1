/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd passes what the unit's last life had stored, by name, in an order without meaning, so a guest that
 * is restarted finds its TAP again. The helper adds what it opens for this start.
 *
 * Three things make this more than a table of names. If a TAP is deleted meanwhile, a dead descriptor stays
 * in the store, and the helper adds a new one of the same name. Descriptors of one start only may be in the
 * store of a guest that an older vmunit started. And a guest whose XML changed may not need everything in
 * it.
 *
 * Names and descriptors are trusted: systemd accepts them only from processes of this unit, and the launcher
 * makes sure that it speaks to the helper.
 */

#include "launcher/store/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "contract/fd-name.h"
#include "log/log.h"
#include "util/text.h"

#define FDS_FIRST 3

int fds_take(Fds *ret)
{
        char **names = NULL;
        Fds f = { 0 };
        int n;

        n = sd_listen_fds_with_names(1, &names);
        if (n <= 0)
                return n;
        f.items = calloc((size_t) n, sizeof(*f.items));
        for (int i = 0; f.items && i < n; i++)
                f.items[f.count++] = (StoredFd){ .name = names[i], .fd = FDS_FIRST + i, .stored = true };
        if (f.items)
                *ret = f;
        free(names);
        return f.items ? 0 : -ENOMEM;
}

void fds_done(Fds *f)
{
        for (size_t i = 0; i < f->count; i++) {
                free(f->items[i].name);
                (void) fd_close(f->items[i].fd);
        }
        free(f->items);
        *f = (Fds){ 0 };
}

int fds_put(Fds *f, const char *name, int fd)
{
        _cleanup_(closep) int owned_fd = fd;
        _cleanup_(freep) char *copy = strdup(name);
        StoredFd *items = reallocarray(f->items, f->count + 1, sizeof(*items));

        if (items)
                f->items = items;
        if (!items || !copy)
                return -ENOMEM;
        items[f->count++] = (StoredFd){ .name = TAKE_PTR(copy),
                                        .fd = TAKE_FD(owned_fd),
                                        .stored = !fd_name_is_of_one_start(name) };
        return 0;
}

void fds_drop(Fds *f, const char *name)
{
        size_t kept = 0;

        for (size_t i = 0; i < f->count; i++)
                if (streq(f->items[i].name, name)) {
                        free(f->items[i].name);
                        (void) fd_close(f->items[i].fd);
                } else
                        f->items[kept++] = f->items[i];
        f->count = kept;
}

bool fds_is_alive(const char *name, int fd)
{
        struct ifreq request = { 0 };

        return !fd_name_is_tap(name) || ioctl(fd, TUNGETIFF, &request) >= 0;
}

int fds_find(Fds *f, const char *name, int *ret)
{
        int found = -ENOENT;

        for (size_t i = 0; i < f->count; i++) {
                if (!streq(f->items[i].name, name))
                        continue;
                f->items[i].wanted = true;
                if (found < 0 && fds_is_alive(name, f->items[i].fd))
                        found = f->items[i].fd;
        }
        if (found < 0)
                return found;
        *ret = found;
        return 0;
}

int fds_each(Fds *f, const char *prefix, FdsVisit visit, void *userdata)
{
        for (size_t i = 0; i < f->count; i++) {
                bool seen = f->items[i].wanted;
                int fd, r;

                if (seen || !text_after(f->items[i].name, prefix) || fds_find(f, f->items[i].name, &fd) < 0)
                        continue;
                r = visit(f->items[i].name, fd, userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void store_remove(const char *name)
{
        (void) sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

/* systemd removes all descriptors of a name, so the one that is still alive is stored again. */
static void store_keep_only(const char *name, int fd)
{
        _cleanup_(freep) char *state = text_format("FDSTORE=1\nFDNAME=%s", name);

        store_remove(name);
        if (state)
                (void) sd_pid_notify_with_fds(0, 0, state, &fd, 1);
}

void fds_tidy_store(const Fds *f)
{
        for (size_t i = 0; i < f->count; i++) {
                const StoredFd *s = &f->items[i];
                int alive = -1;
                bool dead = false, first = true;

                for (size_t j = 0; j < f->count; j++) {
                        if (!streq(f->items[j].name, s->name))
                                continue;
                        if (j < i)
                                first = false;
                        if (!fds_is_alive(s->name, f->items[j].fd))
                                dead = true;
                        else if (alive < 0)
                                alive = f->items[j].fd;
                }
                if (!first || !s->stored)
                        continue;
                if (!s->wanted || fd_name_is_of_one_start(s->name) || alive < 0) {
                        log_debug("Removing the file descriptor %s from systemd's store.", s->name);
                        store_remove(s->name);
                } else if (dead) {
                        log_notice("Dropping a file descriptor %s, whose device no longer exists.", s->name);
                        store_keep_only(s->name, alive);
                }
        }
}

int fds_place(Placement *placements, size_t count)
{
        int above = FDS_FIRST - 1;

        for (size_t i = 0; i < count; i++)
                if (placements[i].to > above)
                        above = placements[i].to;

        /*
         * first move all sources above the targets, so that no target can overwrite a source that is still
         * needed
         */
        for (size_t i = 0; i < count; i++) {
                placements[i].from = fcntl(placements[i].from, F_DUPFD_CLOEXEC, above + 1);
                if (placements[i].from < 0)
                        return -errno;
        }
        if (syscall(SYS_close_range, FDS_FIRST, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return -errno;
        for (size_t i = 0; i < count; i++)
                if (dup2(placements[i].from, placements[i].to) < 0)
                        return -errno;
        return 0;
}
