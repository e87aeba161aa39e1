/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The life of one CreateTap. */

#include "broker/broker.h"

/* To be called with the call, as sd-bus calls a handler. */
int request_begin(Broker *broker, sd_bus_message *call);

/* Answers all that wait for polkit that the broker ends before. */
void request_refuse_all(Broker *broker);

/* Forgets it, unanswered if it was not answered; returns the next of the broker's. */
Request *request_free(Request *request);

/* Who the bus says the caller is. */
int request_caller(sd_bus_message *call, uid_t *ret);
