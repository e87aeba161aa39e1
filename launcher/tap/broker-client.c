/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A user may not create a TAP, but the broker may, and gives one to the users that vmunit.conf and polkit
 * allow. Its answer ends up in the guest's journal, where the guest's user reads it. So each refusal becomes
 * one line that says what to do, and, if an administrator has to do it, which lines to ask for.
 *
 * The broker is trusted with the TAP and nothing else: a name or number of descriptors that was not
 * requested is an error.
 */

#include "launcher/tap/broker-client.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "launcher/tap/host-link.h"
#include "log/log.h"
#include "util/interface-name.h"
#include "util/text.h"

#define BROKER       "org.vmunit.Broker1", "/org/vmunit/Broker1", "org.vmunit.Broker1"
#define BROKER_ERROR "org.vmunit.Broker1.Error."
#define BUS_ERROR    "org.freedesktop.DBus.Error."
#define BROKER_USEC  UINT64_C(120000000) /* a user may have to type a password */
#define PAUSE_TIMES  4                   /* see may_pass() */

void broker_tap_done(BrokerTap *tap)
{
        for (unsigned i = 0; i < tap->queues; i++)
                fd_close(tap->fds[i]);
        tap->queues = 0;
}

/* What each of the broker's errors means, and what to do. */
static const struct {
        const char *name; /* the part after BROKER_ERROR */
        int error;
        const char *advice; /* %1$s: the bridge, %2$s: the user */
} broker_errors[] = {
        { "NotAllowed", -EPERM,
          "Ask the administrator to add these two lines to /etc/vmunit/vmunit.conf: \"[Bridge %1$s]\" "
          "and, below it, \"Users=%2$s\"" },
        { "NoSuchBridge", -ENODEV, "Ask the administrator to create it" },
        { "BadRequest", -EBADMSG, "Check the <interface> in the guest's XML" },
        { "LimitReached", -E2BIG,
          "Stop another guest, or ask the administrator for a higher MaxTaps= in [Bridge "
          "%1$s] and "
          "[Broker] of /etc/vmunit/vmunit.conf" },
        { "AddressTaken", -EEXIST, "Give the interface another <mac address='…'/>" },
        { "AddressNotAllowed", -EPERM,
          "Give the interface another <mac address='…'/>, or ask the administrator to add it to "
          "MACAddresses= of [Bridge %1$s] in /etc/vmunit/vmunit.conf" },
        { "PolicyBroken", -EPERM, "Ask the administrator to correct /etc/vmunit/vmunit.conf" },
        { "Failed", -EIO, "The administrator finds details with journalctl -u vm-broker" },
};

/* Errors that mean that there is no broker to answer. */
static bool is_missing(const char *name)
{
        static const char *const names[] = { BUS_ERROR "ServiceUnknown", BUS_ERROR "NameHasNoOwner",
                                             "org.freedesktop.systemd1.NoSuchUnit",
                                             "org.freedesktop.systemd1.UnitMasked" };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (streq(names[i], name))
                        return true;
        return text_after(name, BUS_ERROR "Spawn.") != NULL;
}

static const char *user_name(char room[static 16])
{
        const struct passwd *entry = getpwuid(geteuid());

        snprintf(room, 16, "%u", (unsigned) geteuid());
        return entry ? entry->pw_name : room;
}

/* The broker's message without its full stop, because our sentence continues. */
static char *words_of(const sd_bus_error *error)
{
        const char *text = error->message && *error->message ? error->message : error->name;
        size_t n = strlen(text);

        return strndup(text, n > 0 && text[n - 1] == '.' ? n - 1 : n);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the formats are in the table above */
static char *advice_for(const char *format, const TapRequest *q)
{
        char number[16], *text;

        return asprintf(&text, format, q->bridge, user_name(number)) < 0 ? NULL : text;
}
#pragma GCC diagnostic pop

static int log_refusal(const TapRequest *q, const sd_bus_error *error)
{
        const char *name = text_after(error->name, BROKER_ERROR);
        _cleanup_(freep) char *words = words_of(error);

        for (size_t i = 0; name && i < ELEMENTS(broker_errors); i++) {
                _cleanup_(freep) char *advice = NULL;

                if (!streq(broker_errors[i].name, name))
                        continue;
                advice = advice_for(broker_errors[i].advice, q);
                log_error(
                        "Cannot connect the guest to the bridge %s: %s. %s.", q->bridge, words ?: name,
                        advice ?: "See vmunit.conf(5)");
                return broker_errors[i].error;
        }
        if (is_missing(error->name)) {
                log_error(
                        "Cannot connect the guest to the bridge %s: vm-broker is not available on this host "
                        "(%s). Ask the administrator to enable vm-broker.service, or use <interface "
                        "type='user'/>.",
                        q->bridge, words ?: error->name);
                return -ENODEV;
        }
        log_error(
                "Cannot connect the guest to the bridge %s: vm-broker did not answer: %s. Start the guest "
                "again; the administrator finds details with journalctl -u vm-broker.",
                q->bridge, words ?: error->name);
        return -EIO;
}

static int fill_request(sd_bus_message *call, const char *guest, const TapRequest *q)
{
        int r;

        r = sd_bus_message_append(call, "ss", q->bridge, guest);
        r = r < 0 ? r : sd_bus_message_open_container(call, 'a', "{sv}");
        r = r < 0 ? r : sd_bus_message_append(call, "{sv}", "mac", "s", mac_text(q->mac).text);
        r = r < 0 ? r : sd_bus_message_append(call, "{sv}", "queues", "u", q->queues);
        if (r >= 0 && q->mtu)
                r = sd_bus_message_append(call, "{sv}", "mtu", "u", q->mtu);
        r = r < 0 ? r : sd_bus_message_close_container(call);
        return r < 0 ? r : sd_bus_message_set_allow_interactive_authorization(call, 1);
}

static int read_answer(sd_bus_message *answer, unsigned queues, BrokerTap *ret)
{
        _cleanup_(broker_tap_done) BrokerTap tap = { 0 };
        const char *interface;
        int fd, r;

        r = sd_bus_message_read(answer, "s", &interface);
        if (r < 0)
                return r;
        if (!interface_name_is_valid(interface))
                return -EPROTO;
        strcpy(tap.interface, interface);
        r = sd_bus_message_enter_container(answer, 'a', "h");
        while (r >= 0 && (r = sd_bus_message_read(answer, "h", &fd)) > 0) {
                if (tap.queues >= queues)
                        return -EPROTO;
                r = fcntl(fd, F_DUPFD_CLOEXEC, 3);
                if (r < 0)
                        return -errno;
                tap.fds[tap.queues++] = r;
        }
        if (r < 0)
                return r;
        if (tap.queues != queues)
                return -EPROTO;
        *ret = tap;
        tap.queues = 0;
        return 0;
}

/*
 * Errors that may go away by themselves. A TAP of the guest's previous run, whose stop systemd has just
 * reported, may be about to disappear and keeps its address until then. While the broker starts, the bus
 * queues only a limited number of calls for it, which one user can exhaust. A broker that exits while polkit
 * decides, or is killed, is started again by the next call (the bus then says NoReply; sd-bus calls our own
 * timeout Timeout).
 */
static bool may_pass(const sd_bus_error *error)
{
        return sd_bus_error_has_name(error, BROKER_ERROR "AddressTaken") ||
               sd_bus_error_has_name(error, BROKER_ERROR "Stopping") ||
               sd_bus_error_has_name(error, BUS_ERROR "LimitsExceeded") ||
               sd_bus_error_has_name(error, BUS_ERROR "NoReply");
}

static int create(sd_bus *bus, int netlink, const char *guest, const TapRequest *q, BrokerTap *ret)
{
        bool waited_for_bridge = false; /* the broker does not wait: it has other callers */

        for (unsigned waited = 0, times = 0;; times++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *answer = NULL;
                int r;

                r = sd_bus_message_new_method_call(bus, &call, BROKER, "CreateTap");
                r = r < 0 ? r : fill_request(call, guest, q);
                if (r < 0)
                        return log_errno(LOG_ERR, r, "Failed to request a TAP from vm-broker");
                r = sd_bus_call(bus, call, BROKER_USEC, &error, &answer);
                if (r >= 0)
                        r = read_answer(answer, q->queues, ret);
                else if (times < PAUSE_TIMES && may_pass(&error)) {
                        while (waited < (times + 1) * TAP_PATIENCE / (2 * PAUSE_TIMES))
                                tap_wait(&waited);
                        continue;
                } else if (
                        !waited_for_bridge && sd_bus_error_has_name(&error, BROKER_ERROR "NoSuchBridge") &&
                        host_link_wait(netlink, q->bridge) >= 0) {
                        waited_for_bridge = true;
                        continue;
                } else if (sd_bus_error_is_set(&error))
                        return log_refusal(q, &error);
                return r < 0 ? log_errno(LOG_ERR, r, "Invalid answer from vm-broker") : 0;
        }
}

int broker_create_tap(int netlink, const char *guest, const TapRequest *q, BrokerTap *ret)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0) {
                log_errno(
                        LOG_ERR, r,
                        "Cannot connect the guest to the bridge %s: the system bus, which vm-broker is "
                        "called on, is not available (the administrator can check systemctl status dbus)",
                        q->bridge);
                return -ENODEV;
        }
        return create(bus, netlink, guest, q, ret);
}
