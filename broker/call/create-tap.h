/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a caller of CreateTap asks for, and the terms on which it is granted. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

typedef struct CreateTap {
        const char *bridge, *guest; /* borrowed from the message */
        uint8_t mac[6];             /* the guest's */
        unsigned queues;
        unsigned mtu; /* 0: the bridge's */
} CreateTap;

/* The conditions under which vmunit.conf allows it. */
typedef struct Terms {
        unsigned max_taps;        /* of this user, on all bridges together */
        unsigned max_bridge_taps; /* of this user, on this bridge */
        bool filter_mac;
} Terms;

#define CREATE_TAP_SIGNATURE "ssa{sv}"

/* Reads it from the call; sets the error if it is invalid. */
int create_tap_read(sd_bus_message *call, CreateTap *ret, sd_bus_error *ret_error);

/* Checks of single values: 0, or -EINVAL. */
int guest_name_check(const char *name);
int guest_address_from_text(const char *text, uint8_t ret[static 6]);
