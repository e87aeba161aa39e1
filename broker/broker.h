/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The broker as a whole: its bus, its requests, and when it ends. */

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "broker/caller/user.h"

typedef struct Request Request;

typedef struct Broker Broker;

struct Broker {
        sd_event *event;
        sd_bus *bus;
        sd_event_source *idle; /* runs out when nobody asked for anything for so long */
        uint64_t idle_usec;
        sd_event_source *deadline; /* of those who wait for polkit, when the broker is to end */
        int netlink;
        Users users;
        Request *requests; /* under way */
        unsigned n_requests;
        void (*request_over)(Broker *broker); /* called after each request */
        bool stopping;                        /* the name is given back, or about to be */
        bool released;                        /* no further call can come by it */
};

/* Serves until there is nothing to do. The exit status. Failures are logged. */
int broker_run(uint64_t idle_usec);
