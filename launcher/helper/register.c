/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd-machined lists the guests of a host for machinectl and other programs. A guest is registered while
 * QEMU starts it, with the launcher as its leader; machined forgets it when the unit ends. Guests run
 * without machined, too.
 *
 * machined of systemd 262 also accepts a control address, through which machinectl asks the guest itself to
 * power off, reboot or pause (control/machine-instance.c); older versions send signals to the launcher. The
 * new way is tried first, then the old one.
 *
 * A user's guest is registered with the user's own machined (262) or not at all: the system's would take the
 * user's whole session for the guest.
 *
 * machined accepts only host names: letters and digits, with single dots and dashes between them. Any other
 * guest name has to be changed. If "a b" simply became "a-b", it could be the name of another guest, and
 * machinectl would power off the wrong one; so a changed name ends in digits derived from the UUID.
 *
 * The helper does this (helper.c), because the system's machined accepts only root, and the socket of a
 * user's must stay out of the guest's sandbox: clients of machined can get a shell outside it. It has no
 * capability by then.
 */

#include "launcher/helper/register.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>
#include <time.h>

#include "contract/limits.h"
#include "launcher/errand/guest-user.h"
#include "launcher/monitor/varlink.h"
#include "launcher/rights/privileges.h"
#include "log/log.h"
#include "util/text.h"
#include "util/unit-name.h"

#define MACHINE_SERVICE "vmunit"
#define SUFFIX_LENGTH   9          /* "-01234567" */
#define EXISTS_TIMES    20         /* checks for a machine that is going away, */
#define EXISTS_PAUSE    100000000L /* nanoseconds between two */
#define MACHINED        "org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager"

typedef struct Machine {
        const char *guest;
        char uuid[37];
        unsigned leader;
        char name[MACHINE_NAME_MAX + 1];
        char *control; /* the address of the control socket */
        int *indices;
        size_t n_indices;
} Machine;

static void machine_done(Machine *reg)
{
        free(reg->control);
        free(reg->indices);
}

/* Replaces every other character with a dash. Returns the length. */
static size_t make_host_name(const char *guest, size_t max, char ret[static MACHINE_NAME_MAX + 1])
{
        static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.";
        size_t n = 0;

        for (; *guest && n < max; guest++) {
                char c = strchr(good, *guest) ? *guest : '-';

                while (c == '.' && n > 0 && ret[n - 1] == '-')
                        n--;
                if ((c != '-' && c != '.') || (n > 0 && ret[n - 1] != '.'))
                        ret[n++] = c;
        }
        while (n > 0 && (ret[n - 1] == '-' || ret[n - 1] == '.'))
                n--;
        if (n == 0)
                ret[n++] = 'x';
        ret[n] = '\0';
        return n;
}

/* A hash of the whole UUID, since UUIDs that people count up by hand have most digits in common. */
void register_machine_name(const char *guest, const char *uuid, char ret[static MACHINE_NAME_MAX + 1])
{
        uint64_t hash = text_hash(uuid, strlen(uuid));
        size_t n;

        (void) make_host_name(guest, MACHINE_NAME_MAX, ret);
        if (streq(ret, guest))
                return;
        n = make_host_name(guest, MACHINE_NAME_MAX - SUFFIX_LENGTH, ret);
        snprintf(ret + n, SUFFIX_LENGTH + 1, "-%08x", (unsigned) (uint32_t) (hash ^ hash >> 32));
}

static void add_interface(Machine *reg, unsigned index)
{
        if (index > 0)
                reg->indices[reg->n_indices++] = (int) index;
}

/* The list has what systemd's store keeps, and macvtaps are made for each start anew. */
static int find_interfaces(Machine *reg, const PrepareRequest *request, const Prepared *prepared)
{
        reg->indices = calloc(prepared->n_taps + request->taps.count + 1, sizeof(int));
        if (!reg->indices)
                return log_out_of_memory();
        for (size_t i = 0; i < prepared->n_taps; i++)
                add_interface(reg, prepared->taps[i].index);
        for (size_t i = 0; i < request->taps.count; i++)
                if (request->taps.items[i].lower)
                        add_interface(reg, if_nametoindex(request->taps.items[i].interface));
        return 0;
}

static char *control_address(const char *guest)
{
        _cleanup_(freep) char *directory = guest_directory(guest);

        return directory ? text_format("%s/control", directory) : NULL;
}

static char *machined_address(void)
{
        const char *directory = privileges_run_directory();

        return directory ? text_format("%s/systemd/machine/io.systemd.Machine", directory) : NULL;
}

static json_t *machine_json(const Machine *reg)
{
        json_t *indices = json_array();

        for (size_t i = 0; indices && i < reg->n_indices; i++)
                (void) json_array_append_new(indices, json_integer(reg->indices[i]));
        return json_pack(
                "{s:s, s:s, s:s, s:s, s:i, s:o, s:s, s:b}", "name", reg->name, "id", reg->uuid, "service",
                MACHINE_SERVICE, "class", "vm", "leader", (int) reg->leader, "ifIndices", indices,
                "controlAddress", reg->control, "allocateUnit", 0);
}

/* 0, or negative errno if machined refuses this way; -EEXIST if it already has a machine of that name. */
static int register_by_varlink(const Machine *reg)
{
        _cleanup_(freep) char *address = machined_address(), *error = NULL;
        int r;

        if (!address || !reg->control)
                return -ENOENT;
        r = varlink_call(address, "io.systemd.Machine.Register", machine_json(reg), &error);
        if (r == -EREMOTE && streq(error, "io.systemd.Machine.MachineExists"))
                return -EEXIST;
        /* older ones do not know the method or its parameters; nothing is amiss then, and it is not said */
        if (r == -EREMOTE && !text_after(error, "org.varlink.service."))
                log_debug("machined cannot register guests with a control address: %s", error);
        return r;
}

/*
 * After a quick restart, machined may still list the guest's previous run. Only a machine of this guest's
 * own unit is removed; another machine with this name stays, and the registration then fails with that
 * reason.
 */
static void forget_last_life(const Machine *reg, sd_bus *bus)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(freep) char *own = NULL, *unit = NULL;
        const char *path;

        if (sd_bus_call_method(bus, MACHINED, "GetMachine", NULL, &reply, "s", reg->name) < 0 ||
            sd_bus_message_read(reply, "o", &path) < 0 || unit_name_for_guest(reg->guest, &own) < 0)
                return;
        if (sd_bus_get_property_string(
                    bus, "org.freedesktop.machine1", path, "org.freedesktop.machine1.Machine", "Unit", NULL,
                    &unit) < 0 ||
            !streq(unit, own))
                return;
        (void) sd_bus_call_method(bus, MACHINED, "UnregisterMachine", NULL, NULL, "s", reg->name);
}

static int register_by_bus(const Machine *reg, sd_bus *bus)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        sd_id128_t id;
        int r;

        r = sd_id128_from_string(reg->uuid, &id);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &call, MACHINED, "RegisterMachineWithNetwork");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", reg->name);
        if (r >= 0)
                r = sd_bus_message_append_array(call, 'y', &id, sizeof(id));
        if (r >= 0)
                r = sd_bus_message_append(call, "ssus", MACHINE_SERVICE, "vm", (uint32_t) reg->leader, "");
        if (r >= 0)
                r = sd_bus_message_append_array(call, 'i', reg->indices, reg->n_indices * sizeof(int));
        if (r >= 0)
                r = sd_bus_call(bus, call, 0, &error, NULL);
        if (r < 0)
                log_notice(
                        "Failed to register the guest with systemd-machined: %s",
                        error.message ?: strerror(-r));
        return r;
}

/* After a restart, the user's machined may not have noticed yet that the previous run ended. */
static void register_with_own(const Machine *reg)
{
        unsigned times = 0;

        while (register_by_varlink(reg) == -EEXIST && times++ < EXISTS_TIMES)
                (void) nanosleep(&(struct timespec){ .tv_nsec = EXISTS_PAUSE }, NULL);
}

static void register_with_system(const Machine *reg)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        if (sd_bus_open_system(&bus) >= 0) {
                (void) sd_bus_set_method_call_timeout(bus, REGISTER_PATIENCE * UINT64_C(1000000));
                forget_last_life(reg, bus);
        }
        if (register_by_varlink(reg) >= 0)
                return;
        if (bus)
                (void) register_by_bus(reg, bus);
        else
                log_notice("Not registering the guest with systemd-machined: cannot connect to the system "
                           "bus.");
}

void guest_register(
        const char *guest, const char *uuid, unsigned leader, const PrepareRequest *request,
        const Prepared *prepared)
{
        _cleanup_(machine_done) Machine reg = { .guest = guest, .leader = leader };

        if (find_interfaces(&reg, request, prepared) < 0)
                return;
        snprintf(reg.uuid, sizeof(reg.uuid), "%s", uuid);
        register_machine_name(reg.guest, reg.uuid, reg.name);
        reg.control = control_address(reg.guest);
        if (privileges_are_root())
                register_with_system(&reg);
        else
                register_with_own(&reg);
}
