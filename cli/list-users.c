/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds the running guests of users in the control group tree: each unit has a control group, and those of a
 * user's manager are below user@UID.service. No user's manager or bus is asked, since the user controls the
 * answers.
 *
 * Users also control the names in that tree, and may create control groups there at will. So only names that
 * a guest could have count, and only a limited number of control groups is examined per user.
 */

#include "cli/list-users.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <sys/stat.h>

#include "generator/convert/find.h"
#include "util/file.h"
#include "util/unit-name.h"

#define USERS_TREE   "/sys/fs/cgroup/user.slice"
#define GROUPS_MAX   4096 /* control groups of one user that are examined */
#define GROUPS_DEPTH 8

typedef struct Search {
        UserGuests *found;
        const char *user;
        unsigned groups;
} Search;

void user_guests_done(UserGuests *guests)
{
        for (size_t i = 0; i < guests->count; i++) {
                free(guests->items[i].name);
                free(guests->items[i].unit);
                free(guests->items[i].user);
        }
        free(guests->items);
        *guests = (UserGuests){ 0 };
}

/* Whether a terminal shows it as plain text, whoever chose it. */
static bool is_printable(const char *name)
{
        json_t *string = guest_name_is_valid(name) ? json_string(name) : NULL; /* NULL if it is not UTF-8 */

        json_decref(string);
        if (!string)
                return false;
        for (const char *p = name; *p; p++)
                if ((unsigned char) p[0] == 0xc2 && (unsigned char) p[1] < 0xa0)
                        return false; /* 8-bit control characters */
        return true;
}

static bool is_populated(int directory)
{
        _cleanup_(freep) char *text = NULL;
        size_t size;

        return file_read(directory, "cgroup.events", 4096, &text, &size) >= 0 && strstr(text, "populated 1");
}

static int add(Search *s, char *name, const char *unit)
{
        UserGuests *all = s->found;
        UserGuest guest = { .name = name, .unit = strdup(unit), .user = strdup(s->user) };
        UserGuest *items = reallocarray(all->items, all->count + 1, sizeof(*items));

        if (items)
                all->items = items;
        if (!items || !guest.unit || !guest.user) {
                free(guest.name);
                free(guest.unit);
                free(guest.user);
                return -ENOMEM;
        }
        items[all->count++] = guest;
        return 0;
}

/* 1 if the name is that of a guest's unit. */
static int try_guest(Search *s, int directory, const char *unit)
{
        _cleanup_(freep) char *instance = NULL, *name = NULL;
        const char *rest = text_after(unit, "vm@");
        int r;

        if (!rest || !text_ends_with(rest, ".service"))
                return 0;
        instance = strndup(rest, strlen(rest) - strlen(".service"));
        if (!instance)
                return -ENOMEM;
        r = unit_name_guest(instance, &name);
        if (r == -ENOMEM)
                return r;
        if (r > 0 && is_printable(name) && is_populated(directory)) {
                r = add(s, TAKE_PTR(name), unit);
                if (r < 0)
                        return r;
        }
        return 1;
}

static int search(Search *s, int directory, unsigned depth)
{
        int copy = fcntl(directory, F_DUPFD_CLOEXEC, 3);
        _cleanup_(closedirp) DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
        struct dirent *entry;
        int r = 0;

        if (!dir)
                (void) fd_close(copy);
        while (dir && r >= 0 && (entry = readdir(dir))) {
                _cleanup_(closep) int fd = -EBADF;

                if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || s->groups >= GROUPS_MAX)
                        continue;
                s->groups++;
                fd = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        continue; /* gone meanwhile */
                r = try_guest(s, fd, entry->d_name);
                if (r == 0 && depth < GROUPS_DEPTH)
                        r = search(s, fd, depth + 1);
        }
        return r < 0 ? r : 0;
}

/* "user-1000.slice" */
static int search_user(UserGuests *found, const char *slice)
{
        _cleanup_(freep) char *number = NULL, *path = NULL;
        _cleanup_(closep) int fd = -EBADF;
        const char *rest = text_after(slice, "user-");
        const struct passwd *entry;
        Search s = { .found = found };
        unsigned uid;

        if (!rest || !text_ends_with(rest, ".slice"))
                return 0;
        number = strndup(rest, strlen(rest) - strlen(".slice"));
        if (!number)
                return -ENOMEM;
        if (text_to_unsigned(number, UINT32_MAX - 1, &uid) < 0)
                return 0;
        path = text_format(USERS_TREE "/%s/user@%u.service", slice, uid);
        if (!path)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return 0;
        entry = getpwuid(uid);
        s.user = entry ? entry->pw_name : number;
        return search(&s, fd, 0);
}

static int by_user_and_name(const void *a, const void *b)
{
        const UserGuest *x = a, *y = b;
        int r = strcmp(x->user, y->user);

        return r != 0 ? r : strcmp(x->name, y->name);
}

int user_guests_find(UserGuests *ret)
{
        _cleanup_(closedirp) DIR *dir = opendir(USERS_TREE);
        _cleanup_(user_guests_done) UserGuests found = { 0 };
        struct dirent *entry;
        int r = 0;

        while (dir && r >= 0 && (entry = readdir(dir)))
                if (entry->d_type == DT_DIR)
                        r = search_user(&found, entry->d_name);
        if (r < 0)
                return r;
        if (found.count > 0)
                qsort(found.items, found.count, sizeof(*found.items), by_user_and_name);
        *ret = found;
        found = (UserGuests){ 0 };
        return 0;
}
