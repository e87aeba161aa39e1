/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The broker as a whole: its bus, its requests, and when it exits. */

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "broker/caller/user.h"

typedef struct Request Request;

typedef struct Broker Broker;

struct Broker {
        sd_event *event;
        sd_bus *bus;
        sd_event_source *idle; /* expires when there was no request for idle_usec */
        uint64_t idle_usec;
        sd_event_source *deadline; /* for callers that wait for polkit while the broker stops */
        int netlink;
        Users users;
        Request *requests; /* under way */
        unsigned n_requests;
        void (*request_over)(Broker *broker); /* called after each request */
        bool stopping;                        /* the name is released, or about to be */
        bool released;                        /* no further call can arrive */
};

/* Serves requests until idle. Logs failures; returns the exit status. */
int broker_run(uint64_t idle_usec);
