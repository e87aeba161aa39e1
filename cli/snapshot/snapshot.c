/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl snapshot: how it is called. */

#include "cli/snapshot/snapshot.h"

#include <getopt.h>

#include "contract/exit.h"

typedef enum Allowed {
        ALLOW_DISK = 1 << 0,
        ALLOW_DESCRIPTION = 1 << 1,
        ALLOW_JSON = 1 << 2,
        ALLOW_TREE = 1 << 3,
        ALLOW_INTERNAL = 1 << 4,
        ALLOW_DISK_ONLY = 1 << 5,
        ALLOW_FORCE = 1 << 6,
} Allowed;

static const struct {
        const char *name, *usage;
        int min, max; /* words after it */
        Allowed allowed;
        int (*run)(const SnapshotCall *s);
} actions[] = {
        { "create",
          "NAME [SNAPSHOT] [--internal|--disk-only] [--disk=TARGET[=PATH]]... "
          "[--description=TEXT]",
          1, 2, ALLOW_DISK | ALLOW_DESCRIPTION | ALLOW_INTERNAL | ALLOW_DISK_ONLY, snapshot_create },
        { "list", "NAME [--json|--tree]", 1, 1, ALLOW_JSON | ALLOW_TREE, snapshot_list },
        { "revert", "NAME SNAPSHOT [--force]", 2, 2, ALLOW_FORCE, snapshot_revert },
        { "delete", "NAME SNAPSHOT", 2, 2, 0, snapshot_delete },
};

static const struct option options[] = {
        { "disk", required_argument, NULL, ALLOW_DISK },
        { "description", required_argument, NULL, ALLOW_DESCRIPTION },
        { "json", no_argument, NULL, ALLOW_JSON },
        { "tree", no_argument, NULL, ALLOW_TREE },
        { "internal", no_argument, NULL, ALLOW_INTERNAL },
        { "disk-only", no_argument, NULL, ALLOW_DISK_ONLY },
        { "force", no_argument, NULL, ALLOW_FORCE },
        { 0 },
};

static int take_option(SnapshotCall *s, int option)
{
        switch (option) {
        case ALLOW_DISK:
                return strings_add(&s->disks, optarg) < 0 ? fail(EXIT_OS, "out of memory") : 0;
        case ALLOW_DESCRIPTION:
                s->description = optarg;
                return 0;
        case ALLOW_INTERNAL:
                s->internal = true;
                return 0;
        case ALLOW_DISK_ONLY:
                s->disk_only = true;
                return 0;
        case ALLOW_FORCE:
                s->force = true;
                return 0;
        case ALLOW_JSON:
                s->json = true;
                return 0;
        default:
                s->tree = true;
                return 0;
        }
}

static int usage(size_t action)
{
        return fail(
                EXIT_BAD_USAGE, "usage: vmctl snapshot %s %s; see \"vmctl snapshot --help\"",
                actions[action].name, actions[action].usage);
}

static int find_action(const char *name, size_t *ret)
{
        for (size_t i = 0; i < ELEMENTS(actions); i++)
                if (streq(actions[i].name, name)) {
                        *ret = i;
                        return 0;
                }
        return fail(EXIT_BAD_USAGE, "unknown action \"%s\"; see \"vmctl snapshot --help\"", name);
}

/* words: the action and what follows it; the options are moved behind the others. */
static int read_words(int n, char **words, size_t action, SnapshotCall *s)
{
        int option, r = 0;

        optind = 0;
        opterr = 0;
        while (r == 0 && (option = getopt_long(n, words, "", options, NULL)) >= 0)
                r = option == '?' || !(option & (int) actions[action].allowed) ? usage(action)
                                                                               : take_option(s, option);
        n -= optind;
        words += optind;
        if (r != 0)
                return r;
        if (n < actions[action].min || n > actions[action].max || (s->json && s->tree) ||
            (s->internal && (s->disk_only || s->disks.count > 0)))
                return usage(action);
        s->name = n > 1 ? words[1] : NULL;
        words[1] = NULL;
        s->call.words = words;
        s->call.n_words = 1;
        return 0;
}

int verb_snapshot(const Call *call)
{
        SnapshotCall s = {
                .call = { .verb = "snapshot", .user_scope = call->user_scope, .option = "persistent" }
        };
        size_t action = 0;
        int r = find_action(call->words[0], &action);

        r = r ?: read_words(call->n_words, call->words, action, &s);
        r = r ?: actions[action].run(&s);
        strings_done(&s.disks);
        return r;
}
