/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What QEMU prints: each line goes to the journal, and the first ones are kept. */

#include <systemd/sd-event.h>

#include "util/ownership.h"
#include "util/rate-limit.h"

typedef struct QemuOutput QemuOutput;

/*
 * limit: shared with the guest's consoles, and outlives the object. *ret_fd is what becomes QEMU's stdout
 * and stderr; the caller closes it.
 */
int qemu_output_new(sd_event *event, RateLimit *limit, QemuOutput **ret, int *ret_fd);
QemuOutput *qemu_output_free(QemuOutput *o); /* returns NULL; logs an unfinished line */

/* The first lines, each with its end; reads what is still in the pipe. To be called when QEMU is gone. */
const char *qemu_output_finish(QemuOutput *o);

DEFINE_CLEANUP(QemuOutput, qemu_output_free);
