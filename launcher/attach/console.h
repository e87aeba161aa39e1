/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest's consoles: their output goes to the journal and to attached clients. */

#include <systemd/sd-event.h>

#include "util/ownership.h"
#include "util/rate-limit.h"

typedef struct Console Console;

/*
 * label is the journal's identifier and the name of the socket in the directory; it is borrowed. Takes the
 * descriptor, our end of QEMU's socketpair, also on failure. limit is shared by all consoles of the guest.
 * -EINVAL for a bad label.
 */
int console_new(
        sd_event *event, const char *label, int fd, const char *directory, RateLimit *limit, Console **ret);
Console *console_free(Console *c); /* returns NULL; logs an unfinished line */

/* Reads what QEMU wrote before it exited. To be called then, as nothing is read afterwards. */
void console_drain(Console *c);

DEFINE_CLEANUP(Console, console_free);
