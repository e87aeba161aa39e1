/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The D-Bus interface: its methods and properties, and which callers may read the list of TAPs. */

#include "broker/bus.h"

#include <errno.h>

#include "broker/call/create-tap.h"
#include "broker/call/error.h"
#include "broker/request.h"
#include "broker/tap/tap.h"

static int on_create_tap(sd_bus_message *call, void *data, sd_bus_error *error)
{
        return request_begin(data, call);
}

static int caller_is_root(sd_bus_message *call)
{
        uid_t uid;
        int r;

        r = request_caller(call, &uid);
        return r < 0 ? r : uid == 0;
}

static int append_tap(const char *interface, uid_t uid, const char *bridge, void *data)
{
        return sd_bus_message_append(data, "(sus)", interface, (uint32_t) uid, bridge);
}

static int get_taps(
        sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
        void *data, sd_bus_error *error)
{
        Broker *broker = data;
        int r;

        r = caller_is_root(sd_bus_get_current_message(bus));
        if (r == 0)
                return sd_bus_error_set(error, ERROR_NOT_ALLOWED, "Only root may list users' TAPs.");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sus)");
        if (r >= 0)
                r = tap_list(broker->netlink, append_tap, reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_version(
        sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
        void *data, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", VMUNIT_VERSION);
}

/* EXPLICIT: GetAll still works for callers that may not read Taps. UNPRIVILEGED: the broker decides, not the
 * bus. */
static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS(
                "CreateTap", SD_BUS_ARGS("s", bridge, "s", guest, "a{sv}", options),
                SD_BUS_RESULT("s", interface, "ah", descriptors), on_create_tap, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Taps", "a(sus)", get_taps, 0, SD_BUS_VTABLE_PROPERTY_EXPLICIT),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

int bus_add_interface(Broker *broker)
{
        return sd_bus_add_object_vtable(broker->bus, NULL, BROKER_PATH, BROKER_NAME, vtable, broker);
}
