/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writes the memory of a crashed guest to a file in its state directory. */

#include <stdbool.h>

#include "launcher/monitor/monitor.h"

typedef struct Dump Dump;

/* The file is whole (true), or there is none. The dump may be freed in this call. */
typedef void (*DumpDone)(bool written, void *userdata);

/* If this succeeds, done is called later; otherwise the reason is logged. */
int dump_new(
        sd_event *event, Monitor *monitor, const char *directory, DumpDone done, void *userdata, Dump **ret);
Dump *dump_free(Dump *d); /* returns NULL; removes what is not finished */

/* To be called on QEMU's DUMP_COMPLETED. */
void dump_completed(Dump *d, bool failed);

DEFINE_CLEANUP(Dump, dump_free);
