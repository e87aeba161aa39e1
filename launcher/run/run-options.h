/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options of `vm-launcher run`. */

#include "contract/line/passt-request.h"
#include "contract/words.h"
#include "launcher/run/disk-names.h"
#include "launcher/run/threads.h"
#include "util/text.h"

/*
 * "NAME:NUMBER": a console's label, a socket's or a stored descriptor's name, and its number in QEMU.
 */
typedef struct Numbered {
        char *name;
        int number;
} Numbered;

typedef struct NumberedList {
        Numbered *items;
        size_t count;
} NumberedList;

/* A path that an argument of <qemu:commandline> names. */
typedef struct ArgumentPath {
        unsigned line; /* in the guest's XML */
        const char *path;
} ArgumentPath;

typedef struct ArgumentPaths {
        ArgumentPath *items;
        size_t count;
} ArgumentPaths;

typedef struct LifecycleOptions {
        Fate on_poweroff, on_reboot, on_crash;
        bool dump_on_watchdog;       /* if the watchdog pauses the guest; it then resumes */
        bool save_on_stop;           /* instead of a power-down when the unit is stopped */
        const char *state_directory; /* for dumps, or NULL */
        char *const *argv;           /* QEMU's */
        const char *guest;
        DiskNames disks;
        Strings links_down; /* ids of network cards that the guest finds unplugged */
        Strings bandwidths; /* "ID:LIMITS" of the TAPs whose traffic is limited */
        uint64_t stop_usec; /* TimeoutStopSec= of the unit; UINT64_MAX for infinity, 0 if not known */
        uint64_t balloon;   /* bytes of memory that the guest keeps; 0: all of it */
        ThreadRules threads;
} LifecycleOptions;

typedef struct RunOptions {
        const char *guest;
        const char *definition; /* which the unit was made from; NULL if started by hand */
        const char *helper;     /* the socket of the guest's helper; NULL if started by hand */
        char uuid[37];
        LifecycleOptions life;
        int monitor;
        NumberedList consoles, sockets, fds, try_fds;
        const char *vnc, *spice; /* sockets for clients of the guest's screen, or NULL */
        PasstList passts;
        bool display;         /* the guest has a window on a screen */
        bool private_network; /* QEMU gets its own if all passts exist */
        bool peers;           /* QEMU may connect to others, or pass descriptors to them */
        Strings images;       /* nodes whose files QEMU gets as descriptors */
        Strings chains;
        int64_t rtc_offset; /* seconds by which the guest's clock begins ahead; 0: unchanged */
        ArgumentPaths argument_paths;
        char **argv; /* QEMU's, ends with NULL; part of the launcher's own */
} RunOptions;

/* Logs every error; negative errno if there was one. */
int run_options_read(RunOptions *ret, int argc, char **argv);
void run_options_done(RunOptions *o);

/* The highest number of a descriptor in QEMU. */
int run_options_highest_fd(const RunOptions *o);
