/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which files of the host are in a guest's root directory. The template's root has nothing but /usr and what
 * every QEMU reads; the lines written here bind this guest's own files into it.
 *
 * The paths are text from the XML. Here they are only compared and written; unit-file.c escapes them, and
 * the launcher checks the files themselves before it changes their access.
 */

#include "generator/unit/drop-in-mounts.h"

#include <errno.h>

static bool is_in_one_of(const char *path, const char *const *directories)
{
        for (const char *const *d = directories; *d; d++)
                if (path_is_in(path, *d))
                        return true;
        return false;
}

/* "+": below the guest's root directory, not the host's. */
static void write_no_exec(UnitFile *u, const char *path)
{
        unit_word_after(u, "NoExecPaths", "-+", path);
}

static bool may_hold_programs(const char *path)
{
        return !path_is_in(path, "/dev") || path_is_in(path, "/dev/shm");
}

/*
 * "-": the launcher has to start even if a path is missing, because its helper reports that better than
 * systemd. What QEMU can write it must not be able to execute.
 */
static void write_bind(UnitFile *u, const char *key, const char *path)
{
        _cleanup_(freep) char *optional = text_format("-%s", path);

        if (!optional) {
                u->status = -ENOMEM;
                return;
        }
        unit_bind(u, key, optional);
        if (streq(key, "BindPaths") && (streq(path, "/tmp") || streq(path, "/var/tmp"))) {
                /* the template makes both read-only, and the host's would be, too */
                unit_empty(u, "ReadOnlyPaths");
                unit_plain(u, "NoExecPaths", "+/tmp +/var/tmp");
        }
        if (streq(key, "BindPaths") && may_hold_programs(path))
                write_no_exec(u, path);
}

static bool is_bind(const Directive *d)
{
        return streq(d->key, "BindPaths") || streq(d->key, "BindReadOnlyPaths");
}

static const char *bind_source(const Directive *d)
{
        return d->value[0] == '-' ? d->value + 1 : d->value;
}

/* Whether options of QEMU's can quote the path in other characters. */
static bool needs_quotes(const char *path)
{
        return path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+@/")];
}

/* Whether the argument is of an image, which QEMU gets as a descriptor instead of this path. */
static bool is_image(const Plan *p, const char *argument)
{
        for (size_t i = 0; i < p->n_images; i++) {
                _cleanup_(freep) char *node = text_format("\"node-name\":\"%s\"", p->images[i].node);

                if (node && strstr(argument, node))
                        return true;
        }
        return false;
}

/* Whether QEMU, or another program in the sandbox, has a file in the directory or creates one. */
static bool is_used(const Plan *p, const char *directory)
{
        if (needs_quotes(directory))
                return true;
        for (size_t i = 0; i < p->argv.count; i++)
                if (strstr(p->argv.items[i], directory) && !is_image(p, p->argv.items[i]))
                        return true;
        for (size_t i = 0; i < p->n_grants; i++)
                if (path_is_in(p->grants[i].path, directory))
                        return true;
        for (size_t i = 0; i < p->n_directives; i++)
                if (is_bind(&p->directives[i]) && path_is_in(bind_source(&p->directives[i]), directory))
                        return true;
        return false;
}

static void write_hidden(UnitFile *u, const char *path)
{
        unit_word_after(u, "InaccessiblePaths", "-+", path);
}

/*
 * systemd shows the guest's own directories in its sandbox. Where nothing needs that, they are hidden again:
 * what QEMU could rename, link or fill there, others would follow, or miss. The launcher has descriptors.
 */
static void write_directory(UnitFile *u, const Plan *p, const char *path)
{
        if (is_used(p, path))
                write_no_exec(u, path);
        else
                write_hidden(u, path);
}

/* By a <serial type='pty'> that is no console of the launcher's, or by <qemu:commandline>. */
static bool opens_terminal(const Plan *p)
{
        for (size_t i = 0; i < p->argv.count; i++)
                if (streq(p->argv.items[i], "pty") || text_after(p->argv.items[i], "pty,") ||
                    text_ends_with(p->argv.items[i], ":pty"))
                        return true;
        return false;
}

void mounts_write_directories(UnitFile *u, const Conversion *c)
{
        const Plan *p = &c->plan;

        /* the host's, which PrivateDevices= shows */
        if (!opens_terminal(p) && !is_used(p, "/dev/pts"))
                write_hidden(u, "/dev/pts");
        if (!is_used(p, "/dev/hugepages"))
                write_hidden(u, "/dev/hugepages");
        write_directory(u, &c->plan, c->run_directory);
        write_directory(u, &c->plan, c->state_directory);
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

void mounts_write_grants(UnitFile *u, const Plan *p, const Settings *settings)
{
        for (size_t i = 0; i < p->n_grants; i++) {
                const Grant *g = &p->grants[i];
                bool read_only = g->access == ACCESS_READ;

                write_bind(u, read_only ? "BindReadOnlyPaths" : "BindPaths", g->path);
                if (g->device && !settings->user_scope)
                        unit_word(u, "DeviceAllow", g->path, read_only ? " r" : " rw");
        }
}

bool mounts_write_directive(UnitFile *u, const Directive *d)
{
        if (!is_bind(d))
                return false;
        write_bind(u, d->key, bind_source(d));
        return true;
}
