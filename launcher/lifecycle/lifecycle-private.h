/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the guest's life share: lifecycle.c and lifecycle-….c. */

#include "launcher/lifecycle/dump.h"
#include "launcher/lifecycle/lifecycle.h"
#include "launcher/lifecycle/power-down.h"
#include "launcher/lifecycle/run-state.h"
#include "launcher/monitor/describe.h"
#include "launcher/run/threads.h"

#define REBOOT_PATIENCE_USEC (120 * MONITOR_SECOND) /* a guest that ignores its power button so long */
#define MONITOR_LOST_USEC    (10 * MONITOR_SECOND)  /* QEMU closed its monitor, and should be gone */

typedef enum Phase {
        PHASE_STARTING,  /* QEMU is there, the guest does not run yet */
        PHASE_LIVING,    /* systemd was told that it runs; also while it is paused */
        PHASE_SAVING,    /* it is stopped, and being written to a file */
        PHASE_DUMPING,   /* it crashed, and its memory is being written */
        PHASE_PRESERVED, /* off or crashed, and kept as it is */
        PHASE_ENDING,    /* exit_status is decided, QEMU was told to end */
} Phase;

typedef struct Resume Resume;
typedef struct StillRequest StillRequest;

struct Lifecycle {
        sd_event *event;
        const LifecycleOptions *options;
        const LifecycleHandlers *handlers;
        void *userdata;
        Monitor *monitor;
        Agent *agent;  /* or NULL */
        char *chardev; /* behind the agent's port, or NULL */
        Phase phase;
        Request request;
        int exit_status;
        bool pressed;        /* its power button, since it was last asked to go off */
        bool ran;            /* the guest, at some time */
        bool registered;     /* with machined, as far as that is possible */
        bool ready;          /* systemd was told that the guest is there */
        EventMeaning missed; /* what it did just before it was stopped to be saved; EVENT_NOTE: nothing */
        bool told;           /* QEMU ends because it was decided here, or it said beforehand that it will */
        const char *reason;  /* of a failure, for STATUS= at the end; a constant */
        char *trouble;       /* why its disk stopped it, while it is stopped */
        const RunState *state;
        char *description, *status;
        uint64_t stop_begun; /* CLOCK_MONOTONIC, when systemd began to wait for the guest */
        Describe *describe;
        Threads *threads;
        PowerDown *power_down;
        Dump *dump;
        Resume *resumes; /* that wait for QEMU */
        struct {
                unsigned number;  /* a new one when the guest moves although somebody holds it */
                unsigned holders; /* clients for whom the guest stands still */
                bool ours;        /* it ran before, and nobody else paused it */
                sd_event_source *timer;
                StillRequest *requests; /* that wait for QEMU */
        } still;
        sd_event_source *timer; /* of a reboot, or of a QEMU that should be gone */
};

void lifecycle_show_state(Lifecycle *l);
void lifecycle_tell_ready(Lifecycle *l); /* once; if it never ran, its unit fails */
void lifecycle_on_state(
        const json_t *result, const char *error, void *userdata); /* answer to query-status */
void lifecycle_arm_timer(Lifecycle *l, uint64_t usec);

/* Decides the exit status. The decision is final, unless a failure follows. */
void lifecycle_end(Lifecycle *l, int exit_status);
void lifecycle_fail(Lifecycle *l);

void lifecycle_went_off(Lifecycle *l, bool by_reset);

/* Does what on_crash= says, after a dump if that is part of it. */
void lifecycle_crashed(Lifecycle *l);
void lifecycle_crash_ends(Lifecycle *l);

/* Drops those that were asked for with that userdata; NULL: all. */
void lifecycle_forget_resumes(Lifecycle *l, const void *userdata);

/* Ends those that wait, with that reason. */
void lifecycle_refuse_resumes(Lifecycle *l, const char *why);

/* Drops requests of that userdata to stand still; NULL: all. */
void lifecycle_forget_stills(Lifecycle *l, const void *userdata);

/* The guest moves, or may: nobody holds it any longer. */
void lifecycle_break_still(Lifecycle *l);

/* Its watchdog paused it: it continues after a dump. */
void lifecycle_hung(Lifecycle *l);

/* Resets the guest and lets it run, in the same QEMU. */
void lifecycle_start_again(Lifecycle *l);
