/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd-machined lists the guests of a host for machinectl and other programs. A guest is registered once
 * it runs, with the launcher as its leader; machined forgets it when the unit ends. Guests run without
 * machined, too.
 *
 * machined of systemd 262 also accepts a control address, through which machinectl asks the guest itself to
 * power off, reboot or pause (attach/control.c); older versions send signals to the launcher. The new way is
 * tried first, then the old one.
 *
 * A user's guest is registered with the user's own machined (262) or not at all: the system's would take the
 * user's whole session for the guest.
 *
 * machined accepts only host names: letters and digits, with single dots and dashes between them. Any other
 * guest name has to be changed. If "a b" simply became "a-b", it could be the name of another guest, and
 * machinectl would power off the wrong one; so a changed name ends in digits derived from the UUID.
 *
 * This runs as root, because machined accepts only root, and drops all capabilities before it connects
 * anywhere. For a user's guest the helper does it (helper.c): the socket of the user's machined must stay
 * out of the guest's sandbox, because clients of machined can get a shell outside it.
 */

#include "launcher/helper/register.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>
#include <time.h>

#include "contract/arguments.h"
#include "contract/exit.h"
#include "contract/options.h"
#include "launcher/errand/guest-user.h"
#include "launcher/monitor/varlink.h"
#include "launcher/rights/privileges.h"
#include "log/log.h"
#include "util/text.h"
#include "util/unit-name.h"

#define MACHINE_SERVICE  "vmunit"
#define SUFFIX_LENGTH    9 /* "-01234567" */
#define BUS_TIMEOUT_USEC UINT64_C(10000000)
#define EXISTS_TIMES     20         /* checks for a machine that is going away, */
#define EXISTS_PAUSE     100000000L /* nanoseconds between two */
#define MACHINED         "org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager"

typedef struct Registration {
        const char *guest;
        char uuid[37];
        unsigned leader;
        char name[MACHINE_NAME_MAX + 1];
        char *control; /* the address of the control socket */
        int *indices;
        size_t n_indices;
} Registration;

#define TO(member) offsetof(RegisterOptions, member)

static const Argument register_arguments[] = {
        { OPTION_GUEST, "a guest's name", argument_guest, TO(guest), ARGUMENT_REQUIRED },
        { OPTION_UUID, "a UUID", argument_uuid, TO(uuid), ARGUMENT_REQUIRED },
        { OPTION_INTERFACE, "an interface", argument_strings, TO(interfaces), ARGUMENT_REPEATED },
};

int register_options_read(int argc, char **argv, RegisterOptions *ret)
{
        *ret = (RegisterOptions){ 0 };
        return arguments_read(register_arguments, ELEMENTS(register_arguments), ret, argc, argv, NULL);
}

void register_options_done(RegisterOptions *options)
{
        strings_done(&options->interfaces);
}

static void registration_done(Registration *reg)
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

/* Interfaces that no longer exist are omitted. */
static int find_interfaces(Registration *reg, const Strings *interfaces)
{
        reg->indices = calloc(interfaces->count + 1, sizeof(int));
        if (!reg->indices)
                return log_out_of_memory();
        for (size_t i = 0; i < interfaces->count; i++) {
                unsigned index = if_nametoindex(interfaces->items[i]);

                if (index > 0)
                        reg->indices[reg->n_indices++] = (int) index;
        }
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

static json_t *registration_json(const Registration *reg)
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
static int register_by_varlink(const Registration *reg)
{
        _cleanup_(freep) char *address = machined_address(), *error = NULL;
        int r;

        if (!address || !reg->control)
                return -ENOENT;
        r = varlink_call(address, "io.systemd.Machine.Register", registration_json(reg), &error);
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
static void forget_last_life(const Registration *reg, sd_bus *bus)
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

static int register_by_bus(const Registration *reg, sd_bus *bus)
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
                r = sd_bus_call(bus, call, BUS_TIMEOUT_USEC, &error, NULL);
        if (r < 0)
                log_notice(
                        "Failed to register the guest with systemd-machined: %s",
                        error.message ?: strerror(-r));
        return r;
}

/* After a restart, the user's machined may not have noticed yet that the previous run ended. */
void register_with_own(const char *guest, const char *uuid, unsigned leader, const Prepared *prepared)
{
        _cleanup_(registration_done) Registration reg = { .guest = guest, .leader = leader };
        unsigned times = 0;

        snprintf(reg.uuid, sizeof(reg.uuid), "%s", uuid);
        reg.indices = calloc(prepared->n_taps + 1, sizeof(int));
        for (size_t i = 0; reg.indices && i < prepared->n_taps; i++)
                reg.indices[reg.n_indices++] = (int) prepared->taps[i].index;
        register_machine_name(reg.guest, reg.uuid, reg.name);
        reg.control = control_address(reg.guest);
        while (register_by_varlink(&reg) == -EEXIST && times++ < EXISTS_TIMES)
                (void) nanosleep(&(struct timespec){ .tv_nsec = EXISTS_PAUSE }, NULL);
}

static int read_leader(unsigned *ret)
{
        const char *pid = getenv("MAINPID");
        int r;

        r = pid ? text_to_unsigned(pid, INT32_MAX, ret) : -ENXIO;
        return r < 0 ? log_errno(LOG_ERR, r, "Invalid MAINPID") : 0;
}

/*
 * Only invalid arguments fail the unit; a missing machined, or one that refuses the guest, does not.
 */
int verb_register(int argc, char **argv)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(register_options_done) RegisterOptions options;
        _cleanup_(registration_done) Registration reg = { 0 };

        if (register_options_read(argc, argv, &options) < 0)
                return EXIT_BAD_USAGE;
        reg.guest = options.guest;
        memcpy(reg.uuid, options.uuid, sizeof(reg.uuid));
        log_open(reg.guest, reg.uuid);
        if (read_leader(&reg.leader) < 0)
                return EXIT_BAD_USAGE;

        /* the interfaces belong to the host, and the unit has its own network namespace */
        if (privileges_enter_host() < 0 || privileges_keep(0) < 0 ||
            find_interfaces(&reg, &options.interfaces) < 0)
                return EXIT_OS;
        register_machine_name(reg.guest, reg.uuid, reg.name);
        reg.control = control_address(reg.guest);
        if (sd_bus_open_system(&bus) >= 0) {
                (void) sd_bus_set_method_call_timeout(bus, BUS_TIMEOUT_USEC);
                forget_last_life(&reg, bus);
        }
        if (register_by_varlink(&reg) >= 0)
                return EXIT_SUCCESS;
        if (bus)
                (void) register_by_bus(&reg, bus);
        else
                log_notice("Not registering the guest with systemd-machined: cannot connect to the system "
                           "bus.");
        return EXIT_SUCCESS;
}
