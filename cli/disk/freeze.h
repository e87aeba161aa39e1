/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file systems of a guest are still for a moment, so that its disks are whole without its memory. */

#include <sys/types.h>

#include "cli/running/client.h"

typedef struct Freeze {
        pid_t guard; /* thaws them when this process ends; 0 if they are not frozen */
        int line;    /* which it waits on */
} Freeze;

#define FREEZE_EMPTY ((Freeze){ .line = -EBADF })

/* Asks the guest's agent, if there is one. Says why it does not, if there is one that fails. */
void freeze_begin(const Call *call, Freeze *freeze);

/* Whether they were frozen, and are not any more. */
bool freeze_end(Freeze *freeze);
