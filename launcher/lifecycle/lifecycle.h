/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The life of a guest from its first instruction to the launcher's exit status. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "launcher/lifecycle/events.h"
#include "launcher/monitor/monitor.h"
#include "launcher/run/run-options.h"
#include "util/ownership.h"

#define EXIT_START_AGAIN 133 /* RestartForceExitStatus= in the unit */

typedef struct Lifecycle Lifecycle;

/* What somebody outside wants of the guest. */
typedef enum Request {
        REQUEST_NONE,
        REQUEST_STOP,      /* the unit is stopped: power down, end, and do not start again */
        REQUEST_POWER_OFF, /* the same, asked for by somebody else */
        REQUEST_REBOOT,    /* power down, and up again in the same QEMU */
        REQUEST_TERMINATE, /* end at once */
} Request;

typedef struct LifecycleHandlers {
        void (*kill)(int signal, void *userdata);          /* QEMU is deaf: send it a signal */
        void (*finished)(int exit_status, void *userdata); /* QEMU is gone; the last call */
} LifecycleHandlers;

/* Keeps the pointers of options, and handlers. */
int lifecycle_new(
        sd_event *event, const LifecycleOptions *options, const LifecycleHandlers *handlers, void *userdata,
        Lifecycle **ret);
Lifecycle *lifecycle_free(Lifecycle *l); /* returns NULL; to be freed before the monitor */

/* The monitor is ready: the guest is made to run, and systemd is told. qemu is the process behind it. */
void lifecycle_begin(Lifecycle *l, Monitor *monitor, pid_t qemu);

void lifecycle_event(Lifecycle *l, const EventReport *report);
void lifecycle_monitor_closed(Lifecycle *l, int error);
void lifecycle_qemu_ended(Lifecycle *l, int code, int status); /* as waitid() says */

/*
 * -EBUSY before the guest runs or when it is about to end, else 0; what comes of it shows in the guest's
 * state.
 */
int lifecycle_request(Lifecycle *l, Request request);

/* QEMU's answer goes to reply; -EBUSY as above. */
int lifecycle_pause(Lifecycle *l, MonitorReply reply, void *userdata);

/* The same: lets a guest continue that is paused, sleeps, or was stopped by something that has been cured.
 * It is an error where the guest does not run a moment later. */
int lifecycle_resume(Lifecycle *l, MonitorReply reply, void *userdata);

/* Whoever gave that userdata goes away, and gets no reply any more. */
void lifecycle_forget(Lifecycle *l, const void *userdata);

/* What connects the -netdev of that id has ended, so ("exited with status 1"). */
void lifecycle_network_lost(Lifecycle *l, const char *id, const char *how);

/* True for what the journal has already, or has in other words: the button is pressed until the guest
 * reacts, and QEMU goes on and stops when it is told to at the beginning and the end. Before
 * lifecycle_event(). */
bool lifecycle_expects(const Lifecycle *l, const EventReport *report);

/* True from when its end is decided: the service watchdog need not wait for QEMU's answers then. */
bool lifecycle_is_ending(const Lifecycle *l);

/* Why the guest cannot be paused or resumed now; NULL where it can. */
const char *lifecycle_why_busy(const Lifecycle *l);

const char *lifecycle_status(const Lifecycle *l); /* as STATUS= says */
bool lifecycle_is_running(const Lifecycle *l);

DEFINE_CLEANUP(Lifecycle, lifecycle_free);
