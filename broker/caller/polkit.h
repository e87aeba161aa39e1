/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asking polkit, which need not be there. */

#include <systemd/sd-bus.h>

#include "broker/call/create-tap.h"

typedef struct Question Question;

/* error is NULL for a yes. The question may be released within. */
typedef void PolkitAnswer(const sd_bus_error *error, void *data);

/*
 * Asks whether who sent the call may have what it asks for; somebody may be asked for a password if the call
 * says that there is time for it. The answer comes later, and never when the question was released before.
 */
int polkit_ask(
        sd_bus_message *call, const CreateTap *what, PolkitAnswer *answer, void *data, Question **ret);
Question *question_free(Question *question); /* returns NULL */
