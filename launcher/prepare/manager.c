/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The manager is asked through its own socket, like systemctl does it: a user need not have a bus, and
 * root's may not be up yet or any more. Trusted: the manager; by the permissions of its socket's directory,
 * nobody else can answer.
 */

#include "launcher/prepare/manager.h"

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>

#include "launcher/rights/privileges.h"
#include "log/log.h"
#include "util/text.h"
#include "util/unit-name.h"

#define PATIENCE_USEC UINT64_C(5000000)

static int open_manager(sd_bus **ret)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *address = NULL;
        const char *directory = privileges_run_directory();
        int r;

        if (!directory)
                return -ENXIO;
        address = text_format("unix:path=%s/systemd/private", directory);
        if (!address)
                return -ENOMEM;
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;
        (void) sd_bus_set_method_call_timeout(bus, PATIENCE_USEC);
        *ret = TAKE_PTR(bus);
        return 0;
}

/* The bus, and the unit's path on it. */
static int open_unit(const char *unit, sd_bus **ret_bus, char **ret_path)
{
        int r = open_manager(ret_bus);

        return r < 0 ? r : sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, ret_path);
}

int manager_get(const char *unit, const char *property, char type, void *ret)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *path = NULL;
        int r = open_unit(unit, &bus, &path);

        return r < 0 ? r
                     : sd_bus_get_property_trivial(
                               bus, "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Service",
                               property, NULL, type, ret);
}

static int get_state(const char *unit, char **ret)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *path = NULL;
        int r = open_unit(unit, &bus, &path);

        return r < 0 ? r
                     : sd_bus_get_property_string(
                               bus, "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Unit",
                               "ActiveState", NULL, ret);
}

bool manager_guest_is_on(const char *guest)
{
        _cleanup_(freep) char *unit = NULL, *state = NULL;
        int r;

        r = unit_name_for_guest(guest, &unit);
        if (r >= 0)
                r = get_state(unit, &state);
        if (r < 0) {
                log_errno(LOG_WARNING, r, "Failed to ask the service manager whether guest %s is on", guest);
                return true;
        }
        return !streq(state, "inactive") && !streq(state, "failed");
}
