/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Networks that guests refer to by name. */

#include "device/interface/port.h"

/* How a macvtap shares the interface of the host that it is on. */
typedef enum DirectMode {
        DIRECT_VEPA = 1,
        DIRECT_PRIVATE,
        DIRECT_BRIDGE,
        DIRECT_PASSTHROUGH,
} DirectMode;

extern const char *const direct_mode_words[];

typedef struct Network {
        const char *bridge; /* NULL where it has none: dev is set then */
        const char *dev;    /* an interface of the host, for a macvtap */
        int mode;           /* DirectMode, of that */
        Number mtu;
        InterfacePort port; /* of the port group, and what that does not say, of the network */
} Network;

/*
 * Looks the network up in the directories networks/ of vmunit's configuration. What is missing or wrong
 * there is an error at place, and false. portgroup may be NULL. Text lives as long as the guest.
 */
bool network_find(Guest *g, Place place, const char *name, const char *portgroup, Network *ret);
