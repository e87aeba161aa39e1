/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which files of the host a guest's sandbox shows. The template hides data directories by empty ones, and
 * the lines written here bind this guest's files into them. The template cannot know where the
 * administrator keeps disks, so a directory that it does not hide is hidden here when a disk is in it.
 *
 * The paths are text from the XML. Here they are only compared and written; unit-file.c escapes them, and
 * the launcher checks the files themselves before it changes their access.
 */

#include "generator/unit/drop-in-mounts.h"

#include <errno.h>

/* Top-level directories that are never hidden as a whole for a disk in them. */
static const char *const left_alone[] = {
        "/usr", "/bin", "/sbin", "/lib",  "/lib32", "/lib64", "/libx32",
        "/dev", "/etc", "/run",  "/proc", "/sys",   "/var",   NULL,
};

static bool is_in_one_of(const char *path, const char *const *directories)
{
        for (const char *const *d = directories; *d; d++)
                if (path_is_in(path, *d))
                        return true;
        return false;
}

/*
 * systemd mounts in the order of the paths, and follows links only when it comes to them. If /srv is a link
 * to /data/srv, the empty directory over it would therefore hide what was mounted in /data before. The link
 * to / in VMUNIT_ROOT comes after all directories that are hidden and may be links, the last being /srv, so
 * that a mount through it is on top.
 */
static bool may_be_covered(const char *path)
{
        return strcmp(path, "/srv") < 0 && !is_in_one_of(path, left_alone);
}

/* "-": the launcher has to start even if a path is missing. It reports that better than systemd, and still
 * has to give back the other files. */
static void write_bind(UnitFile *u, const char *key, const char *path)
{
        _cleanup_(freep) char *optional = text_format("-%s", path);
        bool covered = may_be_covered(path);
        _cleanup_(freep) char *late = covered ? text_format(VMUNIT_ROOT "%s", path) : NULL;

        if (optional && (late || !covered))
                unit_bind(u, key, optional, late);
        else
                u->status = -ENOMEM;
}

static bool is_bind(const Directive *d)
{
        return streq(d->key, "BindPaths") || streq(d->key, "BindReadOnlyPaths");
}

static const char *bind_source(const Directive *d)
{
        return d->value[0] == '-' ? d->value + 1 : d->value;
}

static int require_mounts(UnitFile *u, const char *path, Strings *seen)
{
        static const char *const always_there[] = { "/dev", "/run", "/proc", "/sys", "/usr", NULL };

        if (is_in_one_of(path, always_there) || strings_have(seen, path))
                return 0;
        unit_word(u, "RequiresMountsFor", path, "");
        return strings_add(seen, path);
}

int mounts_write_dependencies(UnitFile *u, const Plan *p)
{
        _cleanup_(strings_done) Strings seen = { 0 };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < p->n_grants; i++)
                r = require_mounts(u, p->grants[i].path, &seen);
        for (size_t i = 0; r >= 0 && i < p->n_images; i++)
                r = require_mounts(u, p->images[i].path, &seen);
        for (size_t i = 0; r >= 0 && i < p->n_directives; i++)
                if (is_bind(&p->directives[i]))
                        r = require_mounts(u, bind_source(&p->directives[i]), &seen);
        return r;
}

/*
 * If a disk is below a directory that the sandbox shows or that ordinary users may not enter, the whole
 * top-level directory is replaced by an empty one in which systemd creates the mount points. The template
 * does that for /var already.
 */
static int hide_top(UnitFile *u, const char *path, Strings *seen)
{
        _cleanup_(freep) char *top = NULL;
        size_t n = strcspn(path + 1, "/");

        if (!path[n + 1])
                return 0;
        top = strndup(path, n + 1);
        if (!top)
                return -ENOMEM;
        for (const char *const *a = left_alone; *a; a++)
                if (streq(*a, top))
                        return 0;
        if (strings_have(seen, top))
                return 0;
        if (strchr(top, ':')) /* separates a directory from its options, even in quotes */
                u->status = -EINVAL;
        unit_word(u, "TemporaryFileSystem", top, ":ro");
        return strings_take(seen, TAKE_PTR(top));
}

/* Hides a user's home wherever it is; the template covers only the usual places. */
static int hide_home(UnitFile *u, const char *home, Strings *seen)
{
        _cleanup_(freep) char *inside = text_format("%s/.", home);

        if (!inside || strings_add(seen, "/home") < 0 || strings_add(seen, "/root") < 0)
                return -ENOMEM;
        return hide_top(u, inside, seen);
}

int mounts_write_grants(UnitFile *u, const Plan *p, const Settings *settings)
{
        _cleanup_(strings_done) Strings seen = { 0 };
        int r = settings->user_scope ? hide_home(u, settings->home, &seen) : 0;

        for (size_t i = 0; r >= 0 && i < p->n_grants; i++)
                r = hide_top(u, p->grants[i].path, &seen);
        for (size_t i = 0; r >= 0 && i < p->n_images; i++)
                r = hide_top(u, p->images[i].path, &seen);
        for (size_t i = 0; r >= 0 && i < p->n_directives; i++)
                if (is_bind(&p->directives[i]))
                        r = hide_top(u, bind_source(&p->directives[i]), &seen);
        for (size_t i = 0; r >= 0 && i < p->n_grants; i++) {
                const Grant *g = &p->grants[i];
                bool read_only = g->access == ACCESS_READ;

                write_bind(u, read_only ? "BindReadOnlyPaths" : "BindPaths", g->path);
                if (g->device && !settings->user_scope)
                        unit_word(u, "DeviceAllow", g->path, read_only ? " r" : " rw");
        }
        return r;
}

bool mounts_write_directive(UnitFile *u, const Directive *d)
{
        if (!is_bind(d))
                return false;
        write_bind(u, d->key, bind_source(d));
        return true;
}

void mounts_write_emulator(UnitFile *u, const Plan *p)
{
        static const char *const of_programs[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64", NULL };

        if (p->argv.count > 0 && !is_in_one_of(p->argv.items[0], of_programs))
                unit_word(u, "ExecPaths", p->argv.items[0], "");
}
