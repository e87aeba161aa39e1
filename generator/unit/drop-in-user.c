/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd starts a unit only as a user that the user database has, also if User= is a number. A generator
 * cannot write there, and DynamicUser= is not possible (see vmunit(7)). So a guest with a user of its own
 * requires a unit that has systemd-sysusers create it, which at all later starts finds it and does nothing.
 *
 * Nothing in the line for systemd-sysusers is text from the XML but the UUID, which has been checked.
 */

#include "generator/unit/drop-in-user.h"

#include <errno.h>

#include "guest/machine/general.h"
#include "guest/plan/plan.h"

static void write_unit(UnitFile *u, const Conversion *c, const char *const *keys)
{
        _cleanup_(freep) char *unit = text_format("vm-user@%s.service", c->instance);

        if (!c->plan.own_user.name)
                return;
        if (!unit)
                u->status = -ENOMEM;
        /* unit names are not quoted: backslashes stay as they are */
        for (; unit && *keys; keys++)
                unit_plain(u, *keys, unit);
}

void user_write_dependencies(UnitFile *u, const Conversion *c)
{
        write_unit(u, c, (const char *const[]){ "Requires", "After", NULL });
}

void user_write_order(UnitFile *u, const Conversion *c)
{
        write_unit(u, c, (const char *const[]){ "After", NULL });
}

int user_service_text(const Conversion *c, const char *path, char **ret_text, size_t *ret_size)
{
        const PlanUser *user = &c->plan.own_user;
        _cleanup_(strings_done) Strings argv = { 0 };
        _cleanup_(unit_file_done) UnitFile u;
        int r = unit_file_start_beside(&u, path);

        r = r < 0 ? r : strings_add(&argv, "systemd-sysusers");
        r = r < 0 ? r : strings_add(&argv, "--inline");
        /* sysusers.d(5); the group gets the same name and, if that is free, number */
        r = r < 0 ? r
                  : strings_addf(
                            &argv, "u %s %u \"Guest %s\"", user->name, user->number,
                            c->guest->general->uuid);
        if (r < 0)
                return r;
        unit_section(&u, "Service");
        unit_empty(&u, "ExecStart");
        unit_command(&u, "ExecStart", "", &argv);
        return unit_file_finish(&u, ret_text, ret_size);
}
