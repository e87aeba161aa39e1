/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The life of one CreateTap. */

#include "broker/broker.h"

/* Handles the method call; returns what an sd-bus handler returns. */
int request_begin(Broker *broker, sd_bus_message *call);

/* Refuses all requests that still wait for polkit, when the broker stops. */
void request_refuse_all(Broker *broker);

/* Frees it, without a reply if there was none; returns the broker's next request. */
Request *request_free(Request *request);

/* The caller's user, as the bus says. */
int request_caller(sd_bus_message *call, uid_t *ret);
