/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "util/text.h"

/* What the service manager that runs the guest knows about the guest's unit. */

/*
 * One of the unit's properties, of D-Bus interface org.freedesktop.systemd1.Service; type: a basic type,
 * such as 'u', with *ret large enough for it, or 's' for a text that the caller owns. Asks for some seconds
 * if the manager is being executed anew. Negative errno, not logged.
 */
int manager_get(const char *unit, const char *property, char type, void *ret);

/* Whether systemd is about to start or stop the guest. */
bool manager_guest_has_job(const char *guest);

/* Has it read all units again (daemon-reload), and waits for that or not. Negative errno, not logged. */
int manager_reload(bool wait);

/* The command line of the unit's ExecStart=. Negative errno, not logged; -ENODATA if it has none. */
int manager_get_command(const char *unit, Strings *ret);

/* A program beside a guest that runs, outside of its sandbox and with the guest's user. */
typedef struct ManagerProgram {
        const char *unit, *guest_unit; /* it stops with the latter */
        const char *description;
        const char *identifier, *field; /* of its messages: what logs them, and "VM_NAME=…" */
        char *const *argv;
        int input;           /* its standard input */
        const unsigned *uid; /* NULL: the manager's own user */
} ManagerProgram;

/* Starts it, in a sandbox of its own. Does not wait for it. Negative errno, not logged. */
int manager_start_program(const ManagerProgram *program);

/*
 * Whether the unit of that guest is on: running, starting, stopping, or about to be restarted. Also true if
 * the manager does not answer, which is logged.
 */
bool manager_guest_is_on(const char *guest);
