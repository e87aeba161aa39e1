/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `vm-launcher run` is told. */

#include "launcher/lifecycle/lifecycle.h"
#include "launcher/run/passt.h"
#include "util/text.h"

/*
 * "NAME:NUMBER": a console's label or a stored descriptor's name, and the number that QEMU is to get it as.
 */
typedef struct Numbered {
        char *name;
        int number;
} Numbered;

typedef struct NumberedList {
        Numbered *items;
        size_t count;
} NumberedList;

typedef struct RunOptions {
        const char *guest;
        const char *helper; /* the socket of a user's guest's helper; NULL for guests of the system's */
        char uuid[37];
        LifecycleOptions life;
        int monitor;
        NumberedList consoles, fds, try_fds;
        PasstList passts;
        bool display;         /* it has a window on somebody's screen */
        bool private_network; /* QEMU needs none of the unit's, where all passts are there */
        Strings chains;
        int64_t rtc_offset; /* seconds that the guest's clock begins ahead; 0: as QEMU's command line says */
        char **argv;        /* QEMU's, ended by NULL; part of the launcher's own */
} RunOptions;

/* Every mistake is logged; negative errno if there was one. */
int run_options_read(RunOptions *ret, int argc, char **argv);
void run_options_done(RunOptions *o);

/* The highest number that a descriptor was given. */
int run_options_highest_fd(const RunOptions *o);
