/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file systems of a guest are still for a moment, so that its disks are whole without its memory. */

#include "cli/running/client.h"

typedef struct Freeze {
        Client client; /* which holds them; the launcher thaws them when it ends */
        bool frozen;
} Freeze;

#define FREEZE_EMPTY ((Freeze){ .client = CLIENT_EMPTY })

/* Asks the guest's agent, if there is one. Says why it does not, if there is one that fails. */
void freeze_begin(const Call *call, Freeze *freeze);

/* Whether they were frozen; they are not any more. */
bool freeze_end(Freeze *freeze);
