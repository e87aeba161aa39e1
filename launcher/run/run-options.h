/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `vm-launcher run` is told. */

#include "contract/words.h"
#include "launcher/run/passt.h"
#include "launcher/run/threads.h"
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

typedef struct LifecycleOptions {
        Fate on_poweroff, on_reboot, on_crash;
        bool dump_on_watchdog;       /* when that pauses the guest, which goes on then */
        const char *state_directory; /* for dumps, or NULL */
        char *const *argv;           /* QEMU's */
        const char *guest;
        Strings links_down; /* ids of network cards that the guest finds unplugged */
        uint64_t balloon;   /* bytes that the guest is to keep of its memory; 0: all of it */
        ThreadRules threads;
} LifecycleOptions;

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
