/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd runs each process of a guest's unit in its sandbox, or with all of root's privileges and still a
 * part of the sandbox's mounts, which cost as much time as QEMU's own. So a guest's unit has one process,
 * and another unit does what has to be done outside the sandbox, in both scopes. The templates order it: the
 * socket starts before the guest and stops after it, and its ExecStopPost= gives back what the guest had.
 *
 * The helper itself starts beside the guest, while systemd sets up the sandbox. It precedes the guest only
 * where it has to create something that the sandbox shows, or to say why the sandbox cannot be set up.
 */

#include "generator/unit/drop-in-helper.h"

#include <errno.h>
#include <unistd.h>

#include "contract/options.h"
#include "contract/rights.h"
#include "contract/state.h"
#include "generator/unit/commands.h"
#include "generator/unit/drop-in-mounts.h"
#include "generator/unit/drop-in-user.h"
#include "guest/plan/plan.h"

static bool is_granted(const Plan *p, const char *path)
{
        for (size_t i = 0; i < p->n_grants; i++)
                if (streq(p->grants[i].path, path))
                        return true;
        return false;
}

/* Whether the sandbox shows a file that the helper creates before the guest's first start. The state
 * directory is shown as a whole. */
static bool shows_created_file(const Conversion *c)
{
        const Plan *p = &c->plan;

        if (p->nvram && is_granted(p, p->nvram) && !path_is_in(p->nvram, c->state_directory))
                return true;
        for (size_t i = 0; i < p->prepare.count; i++) {
                const char *path = text_after(p->prepare.items[i], "--" OPTION_LOG_FILE "=");

                if (path && !path_is_in(path, c->state_directory))
                        return true;
        }
        return false;
}

void helper_write_dependencies(UnitFile *u, const Conversion *c)
{
        _cleanup_(freep) char *service = text_format("vm-helper@%s.service", c->instance);

        if (!service) {
                u->status = -ENOMEM;
                return;
        }
        /* unit names are not quoted: backslashes stay as they are */
        unit_plain(u, "Wants", service); /* if it fails, the guest reports why */
        if (c->settings.user_scope || shows_created_file(c))
                unit_plain(u, "After", service);
}

static bool asks_for(const Plan *p, const char *option)
{
        _cleanup_(freep) char *argument = text_format("--%s=", option);

        for (size_t i = 0; argument && i < p->prepare.count; i++)
                if (text_after(p->prepare.items[i], argument))
                        return true;
        return !argument;
}

static bool sets_virtual_function(const Plan *p)
{
        for (size_t i = 0; i < p->prepare.count; i++) {
                const char *value = text_after(p->prepare.items[i], "--" OPTION_PCI "=");

                if (value && (strstr(value, ",mac=") || strstr(value, ",vlan=")))
                        return true;
        }
        return false;
}

/* A guest that runs may have a macvtap that its definition does not have any more. */
static bool has_undo_log(const Conversion *c)
{
        _cleanup_(freep) char *path = text_format(STATE_UNDO "/%s", c->instance);

        return path && access(path, F_OK) == 0;
}

/*
 * A guest that uses files may be restarted with what its previous start was granted, and its helper then
 * gives that back. The helper keeps the rights to do so only if there is such a record.
 */
static void write_rights(UnitFile *u, const Conversion *c)
{
        const Plan *p = &c->plan;
        _cleanup_(freep) char *text = NULL;
        bool scsi = asks_for(p, OPTION_SCSI),
             node = scsi || asks_for(p, OPTION_PCI) || asks_for(p, OPTION_MDEV);
        RightsNeeded needed = {
                .network = p->n_taps > 0 || sets_virtual_function(p) || has_undo_log(c),
                .files = p->n_grants > 0 || p->n_images > 0 || p->n_chains > 0 || p->nvram || node ||
                         asks_for(p, OPTION_LOG_FILE) || asks_for(p, OPTION_USB),
                .grants = p->n_grants > 0 || node || asks_for(p, OPTION_LOG_FILE) ||
                          (p->nvram && !path_is_in(p->nvram, c->state_directory)),
                .others_files = p->nvram || scsi,
        };

        for (size_t i = 0; i < p->n_taps; i++)
                needed.macvtap = needed.macvtap || p->taps[i].lower;
        for (size_t i = 0; i < p->n_images; i++)
                needed.others_files = needed.others_files || p->images[i].access != ACCESS_READ;
        if (needed.files && c->settings.policy->switches[POLICY_CHOWN].allowed)
                needed.grants = true;
        text = rights_text(rights_needed(&needed));
        if (!text)
                u->status = -ENOMEM;
        else if (*text)
                unit_plain(u, "CapabilityBoundingSet", text);
}

int helper_service_text(
        const Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size)
{
        _cleanup_(strings_done) Strings argv = { 0 };
        _cleanup_(unit_file_done) UnitFile u;
        int r = unit_file_start_beside(&u, path);

        r = r < 0 ? r : command_serve(c, name, path, &argv);
        if (r < 0)
                return r;
        user_write_order(&u, c);
        unit_section(&u, "Service");
        unit_empty(&u, "ExecStart");
        unit_command(&u, "ExecStart", "", &argv);
        unit_word_after(&u, "Environment", "RUNTIME_DIRECTORY=", c->run_directory);
        unit_word_after(&u, "Environment", "STATE_DIRECTORY=", c->state_directory);
        if (!c->settings.user_scope)
                write_rights(&u, c);
        return unit_file_finish(&u, ret_text, ret_size);
}

/* At a shutdown the guest's files are given back before they are unmounted. */
int helper_socket_text(const Conversion *c, const char *path, char **ret_text, size_t *ret_size)
{
        _cleanup_(unit_file_done) UnitFile u;
        int r = unit_file_start_beside(&u, path);

        if (r >= 0 && !c->settings.user_scope)
                r = mounts_write_dependencies(&u, &c->plan);
        if (r < 0)
                return r;
        unit_section(&u, "Socket");
        unit_empty(&u, "ListenFIFO");
        unit_plain(&u, "ListenSequentialPacket", c->settings.helper_socket);
        if (!c->settings.user_scope &&
            c->status == 0) /* else the guest's unit no longer names it, and cleanup has to remove it */
                unit_word_after(&u, "Environment", "RUNTIME_DIRECTORY=", c->run_directory);
        return unit_file_finish(&u, ret_text, ret_size);
}
