/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What each of QEMU's events means: what the journal is told, and what it is to the guest's life. */

#include <jansson.h>
#include <stdbool.h>

#include "launcher/run/disk-names.h"
#include "util/text.h"

/* What an event is to the guest's life; lifecycle.c acts on it. */
typedef enum EventMeaning {
        EVENT_NOTE,           /* nothing changes */
        EVENT_BUTTON,         /* its power button was pressed, maybe again */
        EVENT_STATE,          /* the guest continues or stops: ask QEMU for its state */
        EVENT_DISK_STOP,      /* the same, and what is told says why it stopped */
        EVENT_OFF,            /* the guest turned itself off */
        EVENT_OFF_BY_RESET,   /* a reset that QEMU was told to take as turning off */
        EVENT_OFF_BY_HOST,    /* QEMU is about to end because it was told to */
        EVENT_OFF_BY_FAILURE, /* QEMU gives the guest up */
        EVENT_PANIC,          /* the guest's kernel crashed */
        EVENT_WATCHDOG,       /* the guest's watchdog paused it */
        EVENT_DUMPED,         /* the guest's memory is written */
} EventMeaning;

typedef struct EventRow EventRow;

typedef struct EventReport {
        EventMeaning meaning;
        int priority;     /* of syslog(3) */
        const char *name; /* QEMU's, borrowed from the event */
        const char *message_id;
        char *text;     /* one line */
        Strings fields; /* "KEY=value" for the journal */
        bool quiet;     /* known, and not worth an entry */
} EventReport;

/* What events are told with, beside what QEMU says. */
typedef struct EventContext {
        const char *guest;
        const DiskNames *disks;
} EventContext;

/* The command that lets the guest continue, as a person would type it; NULL where memory ran out. */
char *event_resume_command(const char *guest);

/* context may be NULL. Never fails for what QEMU says, only with -ENOMEM; or -EINVAL when there is no event
 * in it at all. */
int event_translate(const json_t *event, const EventContext *context, EventReport *ret);

void event_report_done(EventReport *r);
