/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The broker's interface on the bus; see vm-broker(8). */

#include "broker/broker.h"

#define BROKER_NAME "org.vmunit.Broker1"
#define BROKER_PATH "/org/vmunit/Broker1"

int bus_add_interface(Broker *broker);
