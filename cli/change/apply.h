/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs that change a guest's definition have in common. */

#include "cli/cli.h"
#include "operate/operation.h"

typedef struct ChangeCall ChangeCall;

/* For a change that is to be carried out at once, or not at all. */
typedef struct ChangeHooks {
        void (*before)(ChangeCall *c, void *userdata); /* right before the guest is changed */
        void (*after)(ChangeCall *c, void *userdata);  /* and right after that, however it ended */

        /* Whether the guest has the change: 1, 0, or negative if that cannot be found out. Then the
         * definition is not taken back. */
        int (*is_done)(ChangeCall *c, void *userdata);
} ChangeHooks;

struct ChangeCall {
        const Call *call;
        Host host;
        char *path, *guest, *unit;
        bool running;
        Operation operation;
        uint64_t begun;           /* CLOCK_REALTIME in microseconds */
        const ChangeHooks *hooks; /* or NULL */
        void *userdata;           /* theirs */
        bool kept;                /* the definition was kept, also after a failure */
};

/*
 * For the guest that the call's first word names. With --persistent, or for a guest that is off, the change
 * lasts. Prints its own error messages; 0 or the exit status. change_done() is required in each case.
 */
int change_start(const Call *call, ChangeCall *ret);
void change_done(ChangeCall *c);

/* Asks systemd anew whether the guest runs; it is neither starting nor stopping. 0 or the exit status. */
int change_find_state(ChangeCall *c);

/* The same, and that it is off. */
int change_require_off(ChangeCall *c);

/* Waits for the end of a start that may have begun with the definition as it was before change_apply(). 0 or
 * the exit status. */
int change_wait_for_starts(const ChangeCall *c);

/* Says what an operation returned; 0 or the exit status. */
int change_check(ChangeCall *c, int r);

/* Has systemd run such a job, "StartUnit" or "ReloadUnit", and waits for it. 0; -EPROTO if it failed;
 * another error. */
int change_run_job(bool user_scope, const char *unit, const char *method);

/* Starts a guest that is off. Prints its own error message; 0 or the exit status. */
int change_start_guest(const ChangeCall *c);

/* Has systemd read the new definition, and change the guest if it runs. If that fails, the definition is as
 * before. 0 or the exit status. */
int change_apply(ChangeCall *c);
