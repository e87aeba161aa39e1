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
#include <unistd.h>

#include "launcher/rights/privileges.h"
#include "log/log.h"
#include "util/text.h"
#include "util/unit-name.h"

#define RELOAD_USEC   (UINT64_C(60) * 1000000) /* it runs all generators */
#define PATIENCE_USEC UINT64_C(5000000)
#define PAUSE_USEC    50000 /* between two attempts */

typedef struct Property {
        const char *interface, *name;
        char type;
} Property;

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

static int get_once(const char *unit, const Property *property, void *ret)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *path = NULL;
        int r = open_unit(unit, &bus, &path);

        if (r < 0)
                return r;
        if (property->type == 's')
                return sd_bus_get_property_string(
                        bus, "org.freedesktop.systemd1", path, property->interface, property->name, NULL,
                        ret);
        return sd_bus_get_property_trivial(
                bus, "org.freedesktop.systemd1", path, property->interface, property->name, NULL,
                property->type, ret);
}

static bool is_away(int r)
{
        return r == -ECONNREFUSED || r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE || r == -ENOENT;
}

/* While it is executed anew (systemctl daemon-reexec), nobody listens for a moment, or answers. */
static int get(const char *unit, const Property *property, void *ret)
{
        int r = get_once(unit, property, ret);

        for (unsigned i = 0; is_away(r) && i < PATIENCE_USEC / PAUSE_USEC; i++) {
                (void) usleep(PAUSE_USEC);
                r = get_once(unit, property, ret);
        }
        return r;
}

int manager_get(const char *unit, const char *property, char type, void *ret)
{
        return get(unit, &(Property){ "org.freedesktop.systemd1.Service", property, type }, ret);
}

bool manager_guest_has_job(const char *guest)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(freep) char *unit = NULL, *path = NULL;
        const char *job;
        uint32_t id = 0;

        if (unit_name_for_guest(guest, &unit) < 0 || open_unit(unit, &bus, &path) < 0 ||
            sd_bus_get_property(
                    bus, "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Unit", "Job", NULL, &m,
                    "(uo)") < 0 ||
            sd_bus_message_read(m, "(uo)", &id, &job) < 0)
                return true;
        return id != 0;
}

int manager_reload(bool wait)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = open_manager(&bus);

        if (r >= 0)
                r = sd_bus_message_new_method_call(
                        bus, &m, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                        "org.freedesktop.systemd1.Manager", "Reload");
        if (r >= 0 && wait)
                return sd_bus_call(bus, m, RELOAD_USEC, NULL, NULL);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, 0);
        return r < 0 ? r : sd_bus_send(bus, m, NULL);
}

/* a(sasbttttuii): path, arguments, and what is of no interest here. */
static int read_command(sd_bus_message *m, Strings *ret)
{
        const char *path, *argument;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(sasbttttuii)");
        if (r > 0)
                r = sd_bus_message_enter_container(m, 'r', "sasbttttuii");
        if (r > 0)
                r = sd_bus_message_read(m, "s", &path);
        if (r > 0)
                r = sd_bus_message_enter_container(m, 'a', "s");
        if (r <= 0)
                return r < 0 ? r : -ENODATA;
        while ((r = sd_bus_message_read(m, "s", &argument)) > 0) {
                r = strings_add(ret, argument);
                if (r < 0)
                        return r;
        }
        return r;
}

int manager_get_command(const char *unit, Strings *ret)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(freep) char *path = NULL;
        int r = open_unit(unit, &bus, &path);

        if (r >= 0)
                r = sd_bus_get_property(
                        bus, "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Service",
                        "ExecStart", NULL, &m, "a(sasbttttuii)");
        return r < 0 ? r : read_command(m, ret);
}

bool manager_guest_is_on(const char *guest)
{
        _cleanup_(freep) char *unit = NULL, *state = NULL;
        int r;

        r = unit_name_for_guest(guest, &unit);
        if (r >= 0)
                r = get(unit, &(Property){ "org.freedesktop.systemd1.Unit", "ActiveState", 's' }, &state);
        if (r < 0) {
                log_errno(LOG_WARNING, r, "Failed to ask the service manager whether guest %s is on", guest);
                return true;
        }
        return !streq(state, "inactive") && !streq(state, "failed");
}
