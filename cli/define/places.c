/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The user's systemd can be told more about a guest's units than the generator says: by drop-ins of
 * "systemctl edit" and "systemctl set-property", by masks, and by the links of "systemctl enable" and
 * "systemctl add-wants". All of them have the unit's name, in the configuration directories of the scope's
 * service manager. Links are never followed here: a dangling one is as good as any other.
 */

#include "cli/define/places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/state.h"
#include "generator/convert/find.h"
#include "util/unit-name.h"
#include "util/user-directory.h"

typedef struct Names {
        const char *name, *new_name;
        char *instance, *new_instance;
        Strings *from, *to;
} Names;

static void names_done(Names *n)
{
        free(n->instance);
        free(n->new_instance);
}

static int add(const Names *n, const char *directory, const char *from, const char *to)
{
        int r = strings_addf(n->from, "%s/%s", directory, from);

        return r < 0 ? r : strings_addf(n->to, "%s/%s", directory, to);
}

static int add_if_there(const Names *n, const char *directory, const char *suffix)
{
        _cleanup_(freep) char *from = text_format("%s%s", n->name, suffix);
        _cleanup_(freep) char *to = text_format("%s%s", n->new_name, suffix);
        _cleanup_(freep) char *path = from ? text_format("%s/%s", directory, from) : NULL;
        struct stat st;

        if (!from || !to || !path)
                return -ENOMEM;
        if (lstat(path, &st) < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        return add(n, directory, from, to);
}

/* What follows the instance in the name of one of the guest's units or of their directories; NULL for
 * others.
 */
static const char *unit_suffix(const Names *n, const char *entry)
{
        static const char *const ends[] = { "", ".d", ".wants", ".requires", ".upholds" };
        const char *at = strchr(entry, '@'), *suffix, *rest;

        if (!at || !(at == entry + 2 ? text_after(entry, "vm") : text_after(entry, "vm-")))
                return NULL;
        suffix = text_after(at + 1, n->instance);
        if (!suffix)
                return NULL;
        rest = text_after(suffix, ".service") ?: text_after(suffix, ".socket");
        for (size_t i = 0; rest && i < ELEMENTS(ends); i++)
                if (streq(rest, ends[i]))
                        return suffix;
        return NULL;
}

static bool has_links_of_units(const char *entry)
{
        return text_ends_with(entry, ".wants") || text_ends_with(entry, ".requires") ||
               text_ends_with(entry, ".upholds");
}

static int find_units(const Names *n, const char *directory, bool deeper)
{
        _cleanup_(closedirp) DIR *dir = opendir(directory);
        struct dirent *entry;
        int r = 0;

        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        while (r >= 0 && (errno = 0, entry = readdir(dir))) {
                const char *suffix = unit_suffix(n, entry->d_name);
                _cleanup_(freep) char *links = NULL, *other = NULL;

                if (deeper && has_links_of_units(entry->d_name)) {
                        links = text_format("%s/%s", directory, entry->d_name);
                        r = links ? find_units(n, links, false) : -ENOMEM;
                }
                if (suffix && r >= 0) { /* after what is in it */
                        other = text_format(
                                "%.*s%s%s", (int) (strchr(entry->d_name, '@') + 1 - entry->d_name),
                                entry->d_name, n->new_instance, suffix);
                        r = other ? add(n, directory, entry->d_name, other) : -ENOMEM;
                }
        }
        return r < 0 ? r : -errno;
}

static int find_settings(const Names *n, bool user_scope)
{
        _cleanup_(freep) char *config = user_scope ? user_directory(USER_CONFIG) : strdup("/etc");
        _cleanup_(freep) char *run = user_scope ? user_directory(USER_RUN) : strdup("/run");
        const char *const roots[] = { config, run };
        int r = 0;

        if (!config || !run)
                return -ENOMEM;
        for (size_t i = 0; i < 2 * ELEMENTS(roots) && r >= 0; i++) {
                _cleanup_(freep) char *directory = text_format(
                        "%s/systemd/%s%s", roots[i / 2], user_scope ? "user" : "system",
                        i % 2 ? ".control" : "");

                r = directory ? find_units(n, directory, true) : -ENOMEM;
        }
        return r;
}

static int find_fragments(const Names *n, bool user_scope)
{
        _cleanup_(strings_done) Strings directories = { 0 };
        int r = guest_directories(user_scope, &directories);

        /* the last one belongs to packages */
        for (size_t i = 0; r >= 0 && i + 1 < directories.count; i++)
                r = add_if_there(n, directories.items[i], ".xml.d");
        if (r >= 0)
                r = add_if_there(n, directories.items[0], ".snapshots");
        return r < 0 || user_scope ? r : add_if_there(n, STATE_FRAGMENTS, ".xml.d");
}

/* The firmware's variables have the guest's name, too, and are listed first: their directory moves after
 * them. */
static int find_state(const Names *n, const char *state)
{
        static const char *const suffixes[] = { ".fd", ".raw", ".qcow2", ".json" };
        _cleanup_(freep) char *all = text_format("%s/vm", state), *own = NULL;
        int r = 0;

        own = all ? text_format("%s/%s", all, n->name) : NULL;
        if (!own)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTS(suffixes) && r >= 0; i++) {
                _cleanup_(freep) char *suffix = text_format(STATE_VARIABLES "%s", suffixes[i] + 1);

                r = suffix ? add_if_there(n, own, suffix) : -ENOMEM;
        }
        return r < 0 ? r : add_if_there(n, all, "");
}

int places_find(const Host *host, const char *name, const char *new_name, Strings *ret_from, Strings *ret_to)
{
        _cleanup_(names_done) Names n = { name, new_name, NULL, NULL, ret_from, ret_to };
        int r;

        n.instance = unit_name_instance(name);
        n.new_instance = unit_name_instance(new_name);
        if (!n.instance || !n.new_instance)
                return -ENOMEM;
        r = find_settings(&n, host->user_scope);
        r = r < 0 ? r : find_fragments(&n, host->user_scope);
        return r < 0 ? r : find_state(&n, host->state);
}
