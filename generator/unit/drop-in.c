/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Turns the plan into directives. The template vm@.service denies everything; each line here allows what
 * this guest's XML requires and nothing else, so "systemctl cat" shows everything that the guest may do on
 * the host. This file has the drop-in as a whole, with its commands, devices and network; which files the
 * sandbox shows is in drop-in-mounts.c.
 *
 * The guest's name and title, and all paths, are text from the XML. Only unit-file.c writes them into the
 * unit, escaped.
 */

#include "generator/unit/drop-in.h"

#include <errno.h>

#include "contract/options.h"
#include "generator/unit/commands.h"
#include "generator/unit/drop-in-helper.h"
#include "generator/unit/drop-in-mounts.h"
#include "generator/unit/drop-in-tpm.h"
#include "generator/unit/drop-in-user.h"
#include "generator/unit/unit-file.h"
#include "guest/machine/general.h"
#include "guest/plan/plan.h"
#include "util/unit-name.h"

#define TITLE_MAX 200 /* bytes of a title in Description= */

#define LOOKUP_PATHS                                                                                       \
        "-/etc/hosts -/etc/nsswitch.conf -/etc/resolv.conf -/run/systemd/resolve -/etc/ssl -/etc/pki/tls " \
        "-/etc/pki/ca-trust"

/*
 * passt isolates itself with its own namespaces and mounts, and exits if it cannot. QEMU does not keep the
 * system calls required for that: see launcher/rights/call-filter.c.
 */
static void write_passt(UnitFile *u)
{
        unit_plain(u, "RestrictAddressFamilies", "AF_NETLINK");
        unit_plain(u, "RestrictNamespaces", "ipc mnt net pid user uts");
        unit_plain(u, "SystemCallFilter", "capset mount pivot_root setuid umount2");
}

static void write_network(UnitFile *u, const Plan *p, bool user_scope)
{
        NetworkNeed need = p->n_passts > 0 ? NETWORK_ANY : p->network;

        if (need == NETWORK_NONE)
                return;
        unit_plain(u, "PrivateNetwork", "no");
        unit_plain(u, "RestrictAddressFamilies", "AF_INET AF_INET6");
        /* A user's manager cannot filter addresses and ports. The filter of ports is only for guests that
         * have a socket to bind: systemd takes some 50 ms to load it. */
        if (!user_scope) {
                unit_plain(u, "IPAddressAllow", need == NETWORK_ANY ? "any" : "localhost");
                unit_plain(u, "SocketBindDeny", "any");
        }
        /* name resolution and trusted certificates */
        if (need == NETWORK_ANY)
                unit_plain(u, "BindReadOnlyPaths", LOOKUP_PATHS);
        if (p->n_passts > 0)
                write_passt(u);
        for (size_t i = 0; i < p->listens.count && !user_scope; i++)
                unit_plain(u, "SocketBindAllow", p->listens.items[i]);
}

/* A user's manager has no device filter, and cannot add groups: the user's own are in effect anyway. */
static bool is_for_system_only(const Directive *d)
{
        return streq(d->key, "DeviceAllow") || streq(d->key, "SupplementaryGroups");
}

/* The values handled here begin with a word that may need quotes; all others are plain. */
static void write_directive(UnitFile *u, const Directive *d)
{
        _cleanup_(freep) char *path = NULL;
        const char *space;

        if (mounts_write_directive(u, d))
                return;
        if (streq(d->value, "")) {
                unit_empty(u, d->key);
                return;
        }
        if (streq(d->key, "Environment")) {
                unit_word(u, d->key, d->value, "");
                return;
        }
        if (streq(d->key, "CPUQuota")) {
                unit_percent(u, d->key, (unsigned) atoi(d->value));
                return;
        }
        space = strrchr(d->value, ' ');
        if (!streq(d->key, "DeviceAllow") || !space) {
                unit_plain(u, d->key, d->value);
                return;
        }
        path = strndup(d->value, (size_t) (space - d->value));
        if (path)
                unit_word(u, d->key, path, space);
        else
                u->status = -ENOMEM;
}

static bool asks_for(const Plan *p, const char *argument)
{
        for (size_t i = 0; i < p->prepare.count; i++)
                if (text_after(p->prepare.items[i], argument))
                        return true;
        return false;
}

/* A device class has a name only once its module is loaded, and systemd looks it up when the unit starts. */
static void write_modules(UnitFile *u, const Plan *p)
{
        const struct {
                bool needed;
                const char *unit;
        } modules[] = {
                { asks_for(p, "--" OPTION_PCI "=") || asks_for(p, "--" OPTION_MDEV "="),
                  "modprobe@vfio_pci.service" },
                { asks_for(p, "--" OPTION_SCSI "="), "modprobe@sg.service" },
        };

        for (size_t i = 0; i < ELEMENTS(modules); i++) {
                if (!modules[i].needed)
                        continue;
                unit_plain(u, "Wants", modules[i].unit);
                unit_plain(u, "After", modules[i].unit);
        }
}

static int add_host_links(const Plan *p, Strings *ret)
{
        int r = 0;

        for (size_t i = 0; i < p->n_taps && r >= 0; i++) {
                const TapRequest *q = &p->taps[i];
                const char *link = q->lower ?: q->unmanaged ? q->interface : q->bridge;

                if (link && !strings_have(ret, link))
                        r = strings_add(ret, link);
        }
        for (size_t i = 0; i < p->prepare.count && r >= 0; i++) {
                const char *link = text_after(p->prepare.items[i], "--" OPTION_LINK "=");

                if (link && !strings_have(ret, link))
                        r = strings_add(ret, link);
        }
        return r;
}

/*
 * Neither is requested: a misspelt name must not delay each start, see launcher/tap/host-link.c, and a host
 * that is offline can run guests.
 */
static int write_host_network(UnitFile *u, const Plan *p)
{
        _cleanup_(strings_done) Strings links = { 0 };
        int r = add_host_links(p, &links);

        if (r < 0)
                return r;
        if (links.count > 0 || p->n_passts > 0 || p->network == NETWORK_ANY)
                unit_plain(u, "After", "network-online.target");
        for (size_t i = 0; i < links.count; i++) {
                _cleanup_(freep) char *unit = unit_name_for_interface(links.items[i]);

                if (!unit)
                        return -ENOMEM;
                unit_plain(u, "After", unit);
        }
        return 0;
}

static int write_command(UnitFile *u, const Conversion *c, const char *name)
{
        _cleanup_(strings_done) Strings run = { 0 };
        int r = command_run(c, name, &run);

        if (r < 0)
                return r;
        unit_empty(u, "ExecStart");
        unit_command(u, "ExecStart", "", &run);
        return 0;
}

/* Only a label: what a unit file cannot express is replaced by something similar. */
static void write_description(UnitFile *u, char *description)
{
        size_t n = strlen(description);

        for (char *p = description; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f)
                        *p = ' ';
        if (n > 0 && (description[n - 1] == ' ' || description[n - 1] == '\\'))
                description[n - 1] = '_';
        unit_plain(u, "Description", description);
}

static void write_head(UnitFile *u, const char *path, const char *name, const char *guest_title)
{
        _cleanup_(freep) char *title = guest_title ? strdup(guest_title) : NULL;
        _cleanup_(freep) char *comment =
                text_format("Made by vm-generator from %s: change that, or use systemctl edit.", path);
        _cleanup_(freep) char *description = NULL;

        if (title)
                text_cut(title, TITLE_MAX);
        description = text_format("Guest %s%s%s%s", name, title ? " (" : "", title ?: "", title ? ")" : "");
        if (!comment || !description || (guest_title && !title)) {
                u->status = -ENOMEM;
                return;
        }
        unit_comment(u, comment);
        unit_section(u, "Unit");
        write_description(u, description);
        unit_plain(u, "SourcePath", path);
}

/* The template cannot contain this, since it only knows the escaped name. */
static void write_name(UnitFile *u, const char *name)
{
        unit_word_after(u, "LogExtraFields", "VM_NAME=", name);
}

static void write_directories(UnitFile *u, const char *name)
{
        _cleanup_(freep) char *path = text_format("vm/%s", name);

        if (!path) {
                u->status = -ENOMEM;
                return;
        }
        unit_directory(u, "RuntimeDirectory", path);
        unit_directory(u, "StateDirectory", path);
}

static int write_guest(
        const Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size)
{
        _cleanup_(unit_file_done) UnitFile u;
        int r = unit_file_start(&u);

        if (r < 0)
                return r;
        write_head(&u, path, name, c->guest->general->title);
        helper_write_dependencies(&u, c);
        user_write_dependencies(&u, c);
        tpm_write_dependencies(&u, c);
        if (!c->settings.user_scope) {
                write_modules(&u, &c->plan);
                r = write_host_network(&u, &c->plan);
                r = r < 0 ? r : mounts_write_dependencies(&u, &c->plan);
                if (r < 0)
                        return r;
        }
        unit_section(&u, "Service");
        r = write_command(&u, c, name);
        if (r < 0)
                return r;
        unit_bind(&u, "BindReadOnlyPaths", c->settings.helper_socket);
        write_name(&u, name);
        write_directories(&u, name);
        if (c->plan.n_stored > 0) {
                _cleanup_(freep) char *max = text_format("%u", c->plan.n_stored);

                unit_plain(&u, "FileDescriptorStoreMax", max ?: "0");
        }
        mounts_write_directories(&u, c);
        mounts_write_grants(&u, &c->plan, &c->settings);
        write_network(&u, &c->plan, c->settings.user_scope);
        for (size_t i = 0; i < c->plan.n_directives; i++)
                if (!c->settings.user_scope || !is_for_system_only(&c->plan.directives[i]))
                        write_directive(&u, &c->plan.directives[i]);
        return unit_file_finish(&u, ret_text, ret_size);
}

static int write_refusal(
        const Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size)
{
        _cleanup_(strings_done) Strings argv = { 0 };
        _cleanup_(unit_file_done) UnitFile u;
        int r = unit_file_start(&u);

        if (r < 0)
                return r;
        r = command_refuse(c, name, path, &argv);
        if (r < 0)
                return r;
        write_head(&u, path, name, NULL);
        unit_section(&u, "Service");
        write_name(&u, name);
        unit_empty(&u, "ExecStart");
        unit_command(&u, "ExecStart", "", &argv);
        /* a guest that runs goes on, and whoever reloads it is told */
        unit_empty(&u, "ExecReload");
        unit_command(&u, "ExecReload", "", &argv);
        return unit_file_finish(&u, ret_text, ret_size);
}

int drop_in_text(Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size)
{
        int r;

        if (c->status == 0) {
                r = write_guest(c, name, path, ret_text, ret_size);
                if (r != -EINVAL && r != -E2BIG)
                        return r;
                finding(c->findings, SEVERITY_ERROR, (Place){ path },
                        r == -E2BIG ? "QEMU's command line would exceed 1 MiB, systemd's limit for one line"
                                    : "a path or another value contains a character that a unit file cannot "
                                      "express");
                c->status = -EINVAL;
        }
        return write_refusal(c, name, path, ret_text, ret_size);
}
