/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks polkit, which need not be installed. */

#include <systemd/sd-bus.h>

#include "broker/call/create-tap.h"

typedef struct Question Question;

/* error is NULL for a yes. The callback may free the question. */
typedef void PolkitAnswer(const sd_bus_error *error, void *data);

/*
 * Asks whether the sender of the call may have what it asks for. polkit may ask for a password if the call
 * allows interactive authorization. The answer arrives later, and never after the question was freed.
 */
int polkit_ask(
        sd_bus_message *call, const CreateTap *what, PolkitAnswer *answer, void *data, Question **ret);
Question *question_free(Question *question); /* returns NULL */
