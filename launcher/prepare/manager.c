/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The manager is asked through its own socket, like systemctl does it: a user need not have a bus, and
 * root's may not be up yet or any more. Trusted: the manager; by the permissions of its socket's directory,
 * nobody else can answer.
 */

#include "launcher/prepare/manager.h"

#include <errno.h>
#include <stdio.h>
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

/* The root directory that guests' units have, see vm@.service. */
static int add_root(sd_bus_message *m)
{
        static const char *const shown[] = { "/usr",
                                             "/bin",
                                             "/lib",
                                             "/lib64",
                                             "/etc/ld.so.cache",
                                             "/etc/hosts",
                                             "/etc/resolv.conf",
                                             "/run/systemd/resolve" };
        int r = sd_bus_message_append(m, "(sv)", "RootDirectory", "s", "/run/vmunit/sandbox");

        r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "MountAPIVFS", "b", 1);
        r = r < 0 ? r
                  : sd_bus_message_append(
                            m, "(sv)", "TemporaryFileSystem", "a(ss)", 3, "/", "ro,noexec", "/run",
                            "ro,noexec", "/tmp", "noexec,mode=1777,size=1M");
        for (size_t i = 0; r >= 0 && i < ELEMENTS(shown); i++)
                r = sd_bus_message_append(
                        m, "(sv)", "BindReadOnlyPaths", "a(ssbt)", 1, shown[i], shown[i], 1, UINT64_C(0));
        return r < 0 ? r : sd_bus_message_append(m, "(sv)", "ProtectProc", "s", "invisible");
}

/* What passt needs not, as in a guest's unit. */
static int add_sandbox(sd_bus_message *m, bool of_user)
{
        static const char *const on[] = { "NoNewPrivileges",       "PrivateDevices",
                                          "ProtectKernelTunables", "ProtectKernelModules",
                                          "ProtectControlGroups",  "LockPersonality",
                                          "RestrictRealtime",      "RestrictSUIDSGID",
                                          "MemoryDenyWriteExecute" };
        int r = add_root(m);

        for (size_t i = 0; r >= 0 && i < ELEMENTS(on); i++)
                r = sd_bus_message_append(m, "(sv)", on[i], "b", 1);
        if (r >= 0 && of_user) /* what allows the others */
                r = sd_bus_message_append(m, "(sv)", "PrivateUsers", "b", 1);
        return r < 0 ? r : sd_bus_message_append(m, "(sv)", "CapabilityBoundingSet", "t", UINT64_C(0));
}

static int add_command(sd_bus_message *m, char *const *argv)
{
        int r = sd_bus_message_open_container(m, 'r', "sv");

        r = r < 0 ? r : sd_bus_message_append(m, "s", "ExecStart");
        r = r < 0 ? r : sd_bus_message_open_container(m, 'v', "a(sasb)");
        r = r < 0 ? r : sd_bus_message_open_container(m, 'a', "(sasb)");
        r = r < 0 ? r : sd_bus_message_open_container(m, 'r', "sasb");
        r = r < 0 ? r : sd_bus_message_append(m, "s", argv[0]);
        r = r < 0 ? r : sd_bus_message_append_strv(m, (char **) argv);
        r = r < 0 ? r : sd_bus_message_append(m, "b", 0);
        for (unsigned i = 0; r >= 0 && i < 4; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int add_log(sd_bus_message *m, const ManagerProgram *p)
{
        int r = sd_bus_message_append(m, "(sv)", "SyslogIdentifier", "s", p->identifier);

        r = r < 0 ? r : sd_bus_message_open_container(m, 'r', "sv");
        r = r < 0 ? r : sd_bus_message_append(m, "s", "LogExtraFields");
        r = r < 0 ? r : sd_bus_message_open_container(m, 'v', "aay");
        r = r < 0 ? r : sd_bus_message_open_container(m, 'a', "ay");
        r = r < 0 ? r : sd_bus_message_append_array(m, 'y', p->field, strlen(p->field));
        for (unsigned i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int add_program(sd_bus_message *m, const ManagerProgram *p)
{
        char uid[16];
        int r = sd_bus_message_append(m, "ss", p->unit, "fail");

        r = r < 0 ? r : sd_bus_message_open_container(m, 'a', "(sv)");
        r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "Description", "s", p->description);
        /* the guest has its network until QEMU is gone, and no restart brings the old one back */
        r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "Before", "as", 1, p->guest_unit);
        r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "StopPropagatedFrom", "as", 1, p->guest_unit);
        r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "CollectMode", "s", "inactive-or-failed");
        r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "Slice", "s", "machine.slice");
        r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "StandardInputFileDescriptor", "h", p->input);
        r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "TasksMax", "t", UINT64_C(64));
        r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "LimitCORE", "t", UINT64_C(0));
        if (r >= 0 && p->uid) {
                (void) snprintf(uid, sizeof(uid), "%u", *p->uid);
                r = sd_bus_message_append(m, "(sv)", "User", "s", uid);
        }
        r = r < 0 ? r : add_log(m, p);
        r = r < 0 ? r : add_sandbox(m, !p->uid);
        r = r < 0 ? r : add_command(m, p->argv);
        r = r < 0 ? r : sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_append(m, "a(sa(sv))", 0);
}

int manager_start_program(const ManagerProgram *program)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = open_manager(&bus);

        if (r >= 0)
                r = sd_bus_message_new_method_call(
                        bus, &m, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                        "org.freedesktop.systemd1.Manager", "StartTransientUnit");
        if (r >= 0)
                r = add_program(m, program);
        return r < 0 ? r : sd_bus_call(bus, m, PATIENCE_USEC, NULL, NULL);
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
