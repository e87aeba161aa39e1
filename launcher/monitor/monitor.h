/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* QEMU's monitor (QMP): commands with an answer each, and events. */

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "util/ownership.h"

typedef struct Monitor Monitor;

typedef struct MonitorHandlers {
        void (*ready)(void *userdata);                      /* capabilities are negotiated */
        void (*event)(const json_t *event, void *userdata); /* as QEMU sent it */
        void (*closed)(int error, void *userdata);          /* 0: by QEMU; else an error. The last call. */
} MonitorHandlers;

/* result is QEMU's "return", borrowed; NULL on an error, then error says which. */
typedef void (*MonitorReply)(const json_t *result, const char *error, void *userdata);

#define MONITOR_SECOND   UINT64_C(1000000)
#define MONITOR_PATIENCE (30 * MONITOR_SECOND) /* for commands that QEMU answers at once unless it hangs */
#define MONITOR_NO_LIMIT UINT64_MAX

/* Takes the descriptor, also on failure. */
int monitor_new(sd_event *event, int fd, const MonitorHandlers *handlers, void *userdata, Monitor **ret);
Monitor *monitor_free(Monitor *m); /* returns NULL; commands that wait get no reply */

/*
 * Gives a command; arguments (or NULL) are taken. reply (or NULL: an error is logged) is called once, at the
 * latest after patience microseconds, and never before this returns. Where this fails it is logged, and
 * reply is not called.
 */
int monitor_execute(
        Monitor *m, const char *command, json_t *arguments, MonitorReply reply, void *userdata,
        uint64_t patience);

/* The same, and a descriptor goes along for the command ("getfd", "add-fd"); it stays the caller's. */
int monitor_execute_fd(
        Monitor *m, const char *command, json_t *arguments, int fd, MonitorReply reply, void *userdata);

/* No reply is called any more with that userdata: its owner goes away. */
void monitor_forget(Monitor *m, const void *userdata);

DEFINE_CLEANUP(Monitor, monitor_free);
