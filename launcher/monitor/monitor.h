/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* QEMU's monitor (QMP): commands with one reply each, and events. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "util/ownership.h"

typedef struct Monitor Monitor;

typedef struct MonitorHandlers {
        void (*ready)(void *userdata);                      /* capabilities have been negotiated */
        void (*event)(const json_t *event, void *userdata); /* as QEMU sent it */
        void (*closed)(int error, void *userdata);          /* 0: by QEMU; else an error. The last call. */
} MonitorHandlers;

/* result is QEMU's "return", borrowed; NULL on failure, with the reason in error. */
typedef void (*MonitorReply)(const json_t *result, const char *error, void *userdata);

#define MONITOR_SECOND UINT64_C(1000000)
#define MONITOR_PATIENCE \
        (30 * MONITOR_SECOND) /* for commands that QEMU answers immediately unless it hangs */
#define MONITOR_NO_LIMIT UINT64_MAX

/* Takes over the descriptor, also on failure. */
int monitor_new(sd_event *event, int fd, const MonitorHandlers *handlers, void *userdata, Monitor **ret);
Monitor *monitor_free(Monitor *m); /* returns NULL; pending commands get no reply */

/*
 * Sends a command; takes over arguments (or NULL). reply is called once, after patience microseconds at the
 * latest, and never before this returns; if it is NULL, errors are logged. A failure to send is logged, and
 * reply is not called.
 */
int monitor_execute(
        Monitor *m, const char *command, json_t *arguments, MonitorReply reply, void *userdata,
        uint64_t patience);

/* Whether QEMU can be given that descriptor: for one without access (O_PATH) it closes the monitor. */
bool monitor_takes(int fd);

/* The same with a descriptor for the command ("getfd", "add-fd"), which the caller still has to close. */
int monitor_execute_fd(
        Monitor *m, const char *command, json_t *arguments, int fd, MonitorReply reply, void *userdata);

/* QEMU's first message, NULL before. */
const json_t *monitor_greeting(const Monitor *m);

/* In a reply with an error: QEMU's class of it, such as "CommandNotFound"; NULL if it is not QEMU's. */
const char *monitor_error_class(const Monitor *m);
sd_event *monitor_get_event(const Monitor *m); /* borrowed */

/* Cancels all callbacks with that userdata, before its owner is freed. */
void monitor_forget(Monitor *m, const void *userdata);

DEFINE_CLEANUP(Monitor, monitor_free);
