/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The bus, not the caller, says who the caller is: by the uid that the kernel knows. Groups are looked up in
 * the user database and not in the process, which may have kept one that the administrator has since
 * removed.
 *
 * Only how many refusals were logged is remembered. One user can call as many others (subordinate uids), so
 * when the table is full the oldest entry is dropped, and nobody is turned away.
 *
 * The database may be remote, and the broker waits for it: if it hangs, everybody waits.
 */

#include "broker/caller/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <time.h>

#include "broker/call/limits.h"
#include "log/log.h"

#define SECOND UINT64_C(1000000)

_Static_assert(REQUESTS_MAX < USERS_MAX, "some remembered user has no request in progress");

uint64_t users_now(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * SECOND + (uint64_t) t.tv_nsec / 1000;
}

void user_log_suppressed(const User *user, unsigned n)
{
        if (n > 0)
                log_warning("User %u: %u more requests were refused and not logged.", user->uid, n);
}

static void forget(User *user)
{
        user_log_suppressed(user, user->refusals.suppressed);
        free(user);
}

/* Users without a current request or a recent refusal need not be remembered. */
static void forget_idle(Users *users)
{
        uint64_t now = users_now();
        size_t kept = 0;

        for (size_t i = 0; i < users->count; i++) {
                User *u = users->items[i];

                if (u->requests > 0 ||
                    (u->refusals.things > 0 && now - u->refusals.begin < u->refusals.interval))
                        users->items[kept++] = u;
                else
                        forget(u);
        }
        users->count = kept;
}

/* The oldest come first. */
static void forget_oldest(Users *users)
{
        size_t i = 0;

        while (users->items[i]->requests > 0)
                i++;
        forget(users->items[i]);
        users->count--;
        memmove(users->items + i, users->items + i + 1, (users->count - i) * sizeof(*users->items));
}

int users_get(Users *users, uid_t uid, User **ret)
{
        User *u;

        for (size_t i = 0; i < users->count; i++)
                if (users->items[i]->uid == uid) {
                        *ret = users->items[i];
                        return 0;
                }
        if (users->count >= USERS_MAX)
                forget_idle(users);
        if (users->count >= USERS_MAX)
                forget_oldest(users);
        if (!users->items) {
                users->items = calloc(USERS_MAX, sizeof(*users->items));
                if (!users->items)
                        return -ENOMEM;
        }
        u = malloc(sizeof(*u));
        if (!u)
                return -ENOMEM;
        *u = (User){
                .uid = uid,
                .refusals = { .interval = REFUSALS_SECONDS * SECOND,
                              .things_max = REFUSALS_LOGGED,
                              .bytes_max = SIZE_MAX },
        };
        *ret = users->items[users->count++] = u;
        return 0;
}

void users_done(Users *users)
{
        for (size_t i = 0; i < users->count; i++)
                forget(users->items[i]);
        free(users->items);
        *users = (Users){ 0 };
}

static int find_groups(const struct passwd *entry, Identity *identity)
{
        int n = (int) USER_GROUPS_MAX;

        identity->groups = calloc(USER_GROUPS_MAX, sizeof(gid_t));
        if (!identity->groups)
                return -ENOMEM;
        /* of more groups only the first count */
        if (getgrouplist(entry->pw_name, entry->pw_gid, identity->groups, &n) < 0)
                n = (int) USER_GROUPS_MAX;
        identity->n_groups = (size_t) n;
        return 0;
}

int identity_find(uid_t uid, Identity *ret)
{
        Identity identity = { .uid = uid };
        const struct passwd *entry;
        int r = 0;

        entry = getpwuid(uid);
        if (entry) {
                identity.name = strdup(entry->pw_name);
                r = identity.name ? find_groups(entry, &identity) : -ENOMEM;
        }
        if (r < 0)
                identity_done(&identity);
        else
                *ret = identity;
        return r;
}

void identity_done(Identity *identity)
{
        free(identity->name);
        free(identity->groups);
        *identity = (Identity){ 0 };
}

static bool is_number(const char *text, unsigned *ret)
{
        return text_to_unsigned(text, UINT32_MAX, ret) >= 0;
}

bool identity_has_name(const Identity *identity, const Strings *names)
{
        for (size_t i = 0; i < names->count; i++) {
                const char *name = names->items[i];
                unsigned uid;

                if (streq(name, "*") ||
                    (is_number(name, &uid) ? uid == identity->uid : streq_null(name, identity->name)))
                        return true;
        }
        return false;
}

bool identity_has_group(const Identity *identity, const Strings *names)
{
        for (size_t i = 0; i < names->count; i++) {
                const char *name = names->items[i];
                unsigned gid;

                if (streq(name, "*"))
                        return true;
                if (!is_number(name, &gid)) {
                        const struct group *entry = getgrnam(name);

                        if (!entry)
                                continue;
                        gid = entry->gr_gid;
                }
                for (size_t k = 0; k < identity->n_groups; k++)
                        if (identity->groups[k] == gid)
                                return true;
        }
        return false;
}
