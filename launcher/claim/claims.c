/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A claim is a symbolic link, named after what is claimed, to the name of the guest that has it. All changes
 * are made under a lock of the directory, so of two guests that start at the same time one wins.
 *
 * Nobody has to give claims back: a claim is void if the service manager says that its guest is off. Mostly
 * it need not be asked, because a guest has a runtime directory, which systemd removes when the guest is
 * off, however it ended, and keeps while it is about to be restarted. But systemd 252 also leaves the
 * directory of a guest that was stopped while it waited for its restart, so the manager is asked before a
 * guest is refused. Each start removes the void claims of all guests.
 *
 * Trusted: root, the only user that can enter the directory, or in the user scope the user. Names in links
 * are checked nevertheless, because they become parts of paths.
 */

#include "launcher/claim/claims.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>

#include "launcher/rights/privileges.h"
#include "log/log.h"
#include "util/file.h"
#include "util/text.h"
#include "util/unit-name.h"

typedef struct Claims {
        const char *run, *guest;
        char *path; /* of the directory */
        int directory;
        bool (*is_on)(const char *guest);
} Claims;

static void claims_done(Claims *c)
{
        free(c->path);
        fd_close(c->directory);
}

/* The lock ends with the descriptor. */
static int open_claims(Claims *c)
{
        c->path = text_format("%s/vmunit/claims", c->run);
        if (!c->path)
                return log_out_of_memory();
        c->directory = file_open_private_directory(c->path);
        if (c->directory == -EUCLEAN) {
                log_error("Ignoring %s: other users can access it. Inspect it, then remove it.", c->path);
                return -EPERM;
        }
        if (c->directory < 0)
                return log_errno(LOG_ERR, c->directory, "Cannot open %s", c->path);
        while (flock(c->directory, LOCK_EX) < 0)
                if (errno != EINTR)
                        return log_errno(LOG_ERR, -errno, "Cannot lock %s", c->path);
        return 0;
}

/* The guest that a claim is of; false if there is no such claim. */
static bool read_claim(const Claims *c, const char *name, char ret[static NAME_MAX + 1])
{
        ssize_t n = readlinkat(c->directory, name, ret, NAME_MAX);

        if (n < 0)
                return false;
        ret[n] = '\0';
        return guest_name_is_valid(ret);
}

static bool has_run_directory(const Claims *c, const char *guest)
{
        char path[PATH_MAX];
        int n = snprintf(path, sizeof(path), "%s/vm/%s", c->run, guest);

        return n < 0 || (size_t) n >= sizeof(path) || faccessat(AT_FDCWD, path, F_OK, 0) >= 0;
}

/* Whether it may be on. Its directory may be gone all the same: a unit of the host that shares it, such as
 * swtpm's, takes it along when it ends. */
static bool is_others(const Claims *c, const char *guest)
{
        return !streq(guest, c->guest) && (has_run_directory(c, guest) || c->is_on(guest));
}

/* 0, or what was logged. */
static int list(const Claims *c, DIR **ret)
{
        int fd = openat(c->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        *ret = fd < 0 ? NULL : fdopendir(fd);
        if (!*ret) {
                int r = log_errno(LOG_ERR, -errno, "Cannot read %s", c->path);

                fd_close(fd);
                return r;
        }
        return 0;
}

/* Removes the guest's own claims, and those that are void. */
static int tidy(const Claims *c)
{
        _cleanup_(closedirp) DIR *stream = NULL;
        char owner[NAME_MAX + 1];
        struct dirent *entry;
        int r = list(c, &stream);

        if (r < 0)
                return r;
        while ((entry = readdir(stream)))
                if (entry->d_name[0] != '.' && !(read_claim(c, entry->d_name, owner) && is_others(c, owner)))
                        (void) unlinkat(c->directory, entry->d_name, 0);
        return 0;
}

/* Each guest has claimed one UUID. */
static int check_number(const Claims *c, unsigned max)
{
        _cleanup_(closedirp) DIR *stream = NULL;
        char owner[NAME_MAX + 1];
        struct dirent *entry;
        unsigned others = 0;
        int r;

        if (max == 0)
                return 0;
        r = list(c, &stream);
        if (r < 0)
                return r;
        while ((entry = readdir(stream)))
                others += text_after(entry->d_name, "uuid:") && read_claim(c, entry->d_name, owner) &&
                          !streq(owner, c->guest) && c->is_on(owner);
        if (others < max)
                return 0;
        log_error(
                "MaxGuests= in vmunit.conf allows at most %u running guests, and %u are running. Stop one "
                "of "
                "them first.",
                max, others);
        return -EBUSY;
}

static int refuse(const Claim *claim, const char *owner)
{
        _cleanup_(freep) char *unit = NULL;

        if (unit_name_for_guest(owner, &unit) < 0)
                return log_out_of_memory();
        log_error(
                "%s %s is in use by guest %s, which is running. Stop that guest (systemctl %sstop '%s'), or "
                "change one of the two in its XML.",
                claim_kind_name(claim->kind), claim->value, owner, privileges_are_root() ? "" : "--user ",
                unit);
        return -EBUSY;
}

/* 1 if it is new. */
static int take(const Claims *c, const Claim *claim)
{
        _cleanup_(freep) char *name = claim_value_write(claim);
        char owner[NAME_MAX + 1];

        if (!name)
                return log_out_of_memory();
        if (read_claim(c, name, owner)) {
                if (streq(owner, c->guest))
                        return 0; /* named twice */
                if (c->is_on(owner))
                        return refuse(claim, owner);
                (void) unlinkat(c->directory, name, 0);
        }
        return symlinkat(c->guest, c->directory, name) < 0
                       ? log_errno(LOG_ERR, -errno, "Cannot create %s/%s", c->path, name)
                       : 1;
}

static void give_up(const Claims *c, const Claim *claim)
{
        _cleanup_(freep) char *name = claim_value_write(claim);

        if (name)
                (void) unlinkat(c->directory, name, 0);
}

int claims_add(const char *run, const char *guest, const ClaimList *claims, bool (*is_on)(const char *guest))
{
        _cleanup_(claims_done) Claims c = {
                .run = run,
                .guest = guest,
                .directory = -EBADF,
                .is_on = is_on,
        };
        _cleanup_(freep) bool *added = calloc(claims->count + 1, sizeof(*added));
        int r = added ? 0 : log_out_of_memory();

        if (r >= 0 && claims->count > 0)
                r = open_claims(&c);
        for (size_t i = 0; r >= 0 && i < claims->count; i++) {
                r = take(&c, &claims->items[i]);
                added[i] = r > 0;
        }
        for (size_t i = 0; r < 0 && added && i < claims->count; i++)
                if (added[i])
                        give_up(&c, &claims->items[i]);
        return r < 0 ? r : 0;
}

int claims_take(
        const char *run, const char *guest, const ClaimList *claims, unsigned max_guests,
        bool (*is_on)(const char *guest))
{
        _cleanup_(claims_done) Claims c = {
                .run = run,
                .guest = guest,
                .directory = -EBADF,
                .is_on = is_on,
        };
        int r;

        if (claims->count == 0)
                return 0;
        r = open_claims(&c);
        r = r < 0 ? r : tidy(&c);
        r = r < 0 ? r : check_number(&c, max_guests);
        for (size_t i = 0; r >= 0 && i < claims->count; i++)
                r = take(&c, &claims->items[i]);
        if (r < 0 && c.directory >= 0)
                (void) tidy(&c);
        return r < 0 ? r : 0;
}
