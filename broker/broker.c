/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The broker is started by the first call to it, and exits when it has been idle for a while.
 *
 * To exit without losing a call it first releases its bus name. The bus confirms that after it has delivered
 * all calls sent to the name, so these are still carried out; a later call starts the broker again. systemd
 * sees the name disappear and sends SIGTERM (Type=dbus), which changes nothing. Only polkit can take longer
 * than systemd waits, so callers that still wait for polkit are told to try again.
 */

#include "broker/broker.h"

#include <errno.h>
#include <signal.h>

#include "broker/bus.h"
#include "broker/call/limits.h"
#include "broker/request.h"
#include "broker/tap/tap.h"
#include "contract/exit.h"
#include "log/log.h"
#include "net/netlink.h"

#define STOP_USEC (STOP_SECONDS * UINT64_C(1000000))

static void end_if_done(Broker *broker)
{
        if (!broker->released || broker->n_requests > 0)
                return;
        tap_sweep(broker->netlink);
        (void) sd_bus_flush(broker->bus);
        (void) sd_event_exit(broker->event, EXIT_SUCCESS);
}

static int on_released(sd_bus_message *answer, void *data, sd_bus_error *error)
{
        Broker *broker = data;

        broker->released = true;
        end_if_done(broker);
        return 1;
}

/* Repeats, since calls arrive until the name is released. */
static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
        int r;

        request_refuse_all(data);
        r = sd_event_source_set_time_relative(source, STOP_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void stop(Broker *broker)
{
        int r;

        if (broker->stopping)
                return;
        broker->stopping = true;
        if (sd_event_add_time_relative(
                    broker->event, &broker->deadline, CLOCK_BOOTTIME, STOP_USEC, 0, on_deadline, broker) < 0)
                request_refuse_all(broker);
        r = sd_bus_release_name_async(broker->bus, NULL, BROKER_NAME, on_released, broker);
        if (r >= 0)
                return;
        log_errno(LOG_WARNING, r, "Failed to release the bus name");
        broker->released = true;
        end_if_done(broker);
}

static int on_idle(sd_event_source *source, uint64_t usec, void *data)
{
        stop(data);
        return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
        stop(data);
        return 0;
}

/* Restarts the idle timeout. */
static void rest(Broker *broker)
{
        if (sd_event_source_set_time_relative(broker->idle, broker->idle_usec) < 0 ||
            sd_event_source_set_enabled(
                    broker->idle, broker->n_requests == 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF) < 0)
                stop(broker);
}

static int on_message(sd_bus_message *message, void *data, sd_bus_error *error)
{
        rest(data);
        return 0; /* other handlers run, too */
}

static void on_request_over(Broker *broker)
{
        rest(broker);
        end_if_done(broker);
}

static int open_event(Broker *broker)
{
        static const int signals[] = { SIGTERM, SIGINT };
        sigset_t set;
        int r;

        (void) sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTS(signals); i++)
                (void) sigaddset(&set, signals[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        r = sd_event_new(&broker->event);
        for (size_t i = 0; r >= 0 && i < ELEMENTS(signals); i++)
                r = sd_event_add_signal(broker->event, NULL, signals[i], on_signal, broker);
        if (r >= 0)
                r = sd_event_add_time_relative(
                        broker->event, &broker->idle, CLOCK_BOOTTIME, broker->idle_usec, 0, on_idle, broker);
        return r;
}

/* The name comes last: no call arrives before it can be answered. */
static int open_bus(Broker *broker)
{
        int r;

        r = sd_bus_open_system(&broker->bus);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Failed to connect to the system bus");
        r = sd_bus_attach_event(broker->bus, broker->event, 0);
        if (r >= 0)
                r = sd_bus_set_exit_on_disconnect(broker->bus, true);
        if (r >= 0)
                r = sd_bus_add_filter(broker->bus, NULL, on_message, broker);
        if (r >= 0)
                r = bus_add_interface(broker);
        if (r >= 0)
                r = sd_bus_request_name(broker->bus, BROKER_NAME, 0);
        return r < 0 ? log_errno(LOG_ERR, r, "Failed to acquire the name " BROKER_NAME " on the system bus")
                     : 0;
}

static void broker_done(Broker *broker)
{
        while (broker->requests)
                broker->requests = request_free(broker->requests);
        users_done(&broker->users);
        (void) sd_event_source_unref(broker->idle);
        (void) sd_event_source_unref(broker->deadline);
        (void) sd_bus_flush_close_unref(broker->bus);
        (void) sd_event_unref(broker->event);
        closep(&broker->netlink);
}

int broker_run(uint64_t idle_usec)
{
        _cleanup_(broker_done) Broker broker = { .idle_usec = idle_usec,
                                                 .netlink = -EBADF,
                                                 .request_over = on_request_over };
        int r;

        r = netlink_open(&broker.netlink);
        if (r >= 0)
                r = open_event(&broker);
        if (r < 0) {
                log_errno(LOG_ERR, r, "Failed to start the broker");
                return EXIT_OS;
        }
        if (open_bus(&broker) < 0)
                return EXIT_MISSING;
        r = sd_event_loop(broker.event);
        if (r < 0) {
                log_errno(LOG_ERR, r, "The event loop failed");
                return EXIT_INTERNAL;
        }
        return r;
}
