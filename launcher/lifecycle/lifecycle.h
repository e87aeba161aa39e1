/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The life of a guest from its first instruction to the launcher's exit status. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "launcher/lifecycle/events.h"
#include "launcher/monitor/agent.h"
#include "launcher/monitor/monitor.h"
#include "launcher/run/run-options.h"
#include "util/ownership.h"

#define EXIT_START_AGAIN 133 /* RestartForceExitStatus= in the unit */

typedef struct Lifecycle Lifecycle;

/* Requests from outside. */
typedef enum Request {
        REQUEST_NONE,
        REQUEST_STOP,      /* the unit is stopping: power down, exit, and do not restart */
        REQUEST_POWER_OFF, /* the same, although systemd is not stopping the unit */
        REQUEST_REBOOT,    /* power down, then start again in the same QEMU */
        REQUEST_TERMINATE, /* exit at once */
} Request;

typedef struct LifecycleHandlers {
        void (*kill)(int signal, void *userdata);          /* QEMU does not respond: send it a signal */
        void (*finished)(int exit_status, void *userdata); /* QEMU has exited; the last call */

        int (*confine)(
                void *userdata); /* QEMU is set up, and the guest runs next; negative errno: it must not */

        /* The guest would begin now: whether it is restored instead, which lifecycle_restored() or
         * lifecycle_refuse() ends. */
        bool (*restore)(void *userdata);

        /* The unit is stopped: whether the guest is saved instead of powered down, as lifecycle_end_saving()
         * tells; also called if it is being saved already. */
        bool (*save)(void *userdata);

        /* QEMU failed before the guest ran: why, to be freed, and the exit status; NULL if unknown. */
        char *(*explain)(int *ret_exit, void *userdata);
} LifecycleHandlers;

/* Keeps the pointers of options, and handlers. */
int lifecycle_new(
        sd_event *event, const LifecycleOptions *options, const LifecycleHandlers *handlers, void *userdata,
        Lifecycle **ret);
Lifecycle *lifecycle_free(Lifecycle *l); /* returns NULL; must be freed before the monitor */

/* The guest agent that a power-down tries first; to be freed after the lifecycle. */
void lifecycle_set_agent(Lifecycle *l, Agent *agent);

/* To be called when the monitor is ready: starts the guest. qemu is QEMU's process. */
void lifecycle_begin(Lifecycle *l, Monitor *monitor, pid_t qemu);

/* To be called once the guest need not be waited for any longer by what others know of it. systemd is told
 * that the guest is there when it also runs, or has ended. */
void lifecycle_registered(Lifecycle *l);

void lifecycle_event(Lifecycle *l, const EventReport *report);
void lifecycle_monitor_closed(Lifecycle *l, int error);
void lifecycle_qemu_ended(Lifecycle *l, int code, int status); /* as waitid() says */

/* -EBUSY before the guest runs or when it is about to end, else 0; the result shows in the guest's state. */
int lifecycle_request(Lifecycle *l, Request request);

/* Passes QEMU's reply on; -EBUSY as above. */
int lifecycle_pause(Lifecycle *l, MonitorReply reply, void *userdata);

/* Likewise lets a guest continue that is paused, sleeps, or was stopped by a problem that has been solved.
 * It is an error if the guest does not run a moment later. */
int lifecycle_resume(Lifecycle *l, MonitorReply reply, void *userdata);

/*
 * Has the guest stand still, at most STILL_SECONDS_MAX, until lifecycle_go_on() with that number; a guest
 * that is paused already stays so after that. Passes QEMU's reply on: after an error, there is nothing to
 * end. -EBUSY as above.
 */
int lifecycle_hold_still(Lifecycle *l, unsigned *ret_number, MonitorReply reply, void *userdata);

/* The reply is an error if the guest has moved in between. */
int lifecycle_go_on(Lifecycle *l, unsigned number, MonitorReply reply, void *userdata);

/* Whether QEMU takes commands: not before the guest was begun, and not once its end is decided. */
bool lifecycle_takes_commands(const Lifecycle *l);

/* Sends QEMU a command, with a descriptor or -1, which stays the caller's; takes arguments over. The reply
 * is QEMU's; -EBUSY if it takes no commands, or that of monitor_execute(). */
int lifecycle_execute(
        Lifecycle *l, const char *command, json_t *arguments, int fd, MonitorReply reply, void *userdata);

/* The monitor, for what it knows; NULL if QEMU takes no commands. */
const Monitor *lifecycle_monitor(const Lifecycle *l);

/* Cancels all replies with that userdata, before its owner is freed. */
void lifecycle_forget(Lifecycle *l, const void *userdata);

/* ——— for a guest that is saved, or restored ——— */

/* STATUS= for people. */
void lifecycle_set_status(Lifecycle *l, const char *format, ...) _printf_(2, 3);

/* From now on it is stopped and takes no commands, until it is saved, and ends, or goes on. */
void lifecycle_begin_saving(Lifecycle *l);
void lifecycle_end_saving(Lifecycle *l, bool saved);

/* The guest is there, and runs unless it was saved while it was paused. */
void lifecycle_restored(Lifecycle *l, bool running);

/* The start fails, for a reason that was logged; it is a constant. */
void lifecycle_refuse(Lifecycle *l, int exit_status, const char *reason);

/* The process that connects the -netdev with that id ended; how: "exited with status 1". */
void lifecycle_network_lost(Lifecycle *l, const char *id, const char *how);

/* Whether the event is already in the journal in some form: the launcher presses the button until the guest
 * reacts, and itself lets QEMU run at the start and stop at the end. To be called before lifecycle_event().
 */
bool lifecycle_expects(const Lifecycle *l, const EventReport *report);

/* True once the end is decided: then the service watchdog need not wait for QEMU's replies. */
bool lifecycle_is_ending(const Lifecycle *l);

/* Why the guest cannot be paused or resumed now; NULL if it can. */
const char *lifecycle_why_busy(const Lifecycle *l);

/* Why it stays as it is for now: it stands still for a client; NULL if nobody holds it. */
const char *lifecycle_why_still(const Lifecycle *l);

const char *lifecycle_status(const Lifecycle *l); /* as STATUS= says */
bool lifecycle_is_running(const Lifecycle *l);

DEFINE_CLEANUP(Lifecycle, lifecycle_free);
