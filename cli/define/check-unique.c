/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The generator compares the guests from the oldest file to the newest (generator/convert/unique.c), and so
 * does this: a copy of a guest must not keep the guest itself from being changed.
 */

#include "cli/define/check-unique.h"

#include <errno.h>

#include "generator/convert/find.h"
#include "generator/convert/unique.h"
#include "guest/machine/general.h"

static int add_other(
        Unique *unique, const Host *host, const GuestFile *file, const Conversion *c, bool *shared)
{
        _cleanup_(conversion_done) Conversion other = { 0 };
        int r = conversion_start(&other, host);

        if (r < 0)
                return r;
        if (conversion_file(&other, file->path, file->name) < 0)
                return 0; /* guests that are refused anyway do not count */
        if (streq(other.guest->general->uuid, c->guest->general->uuid))
                *shared = true;
        r = unique_check(unique, &other, file);
        return r == -EINVAL ? 0 : r;
}

int check_unique(
        const Host *host, const Strings *directories, const char *name, bool is_same, Conversion *c,
        bool *ret_shared)
{
        _cleanup_(guest_files_done) GuestFiles files = { 0 };
        _cleanup_(unique_done) Unique unique = { 0 };
        GuestFile self = { .name = (char *) name, .path = (char *) c->guest->file };
        bool shared = false, done = false;
        int r = guest_files_find(directories, &files);

        if (r < 0)
                return r;
        guest_files_note_running(&files, host->run);
        if (files.count > 0)
                qsort(files.items, files.count, sizeof(*files.items), guest_file_by_age);
        for (size_t i = 0; i < files.count && r >= 0; i++) {
                if (!streq(files.items[i].name, name))
                        r = add_other(&unique, host, &files.items[i], c, &shared);
                else if (is_same) {
                        r = unique_check(&unique, c, &files.items[i]);
                        done = true;
                }
        }
        if (r >= 0 && !done)
                r = unique_check(&unique, c, &self);
        if (r >= 0)
                *ret_shared = shared;
        return r;
}
