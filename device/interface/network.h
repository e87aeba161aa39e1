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
        const char *bridge; /* NULL if it has none; dev is set then */
        const char *dev;    /* interface of the host, for a macvtap */
        int mode;           /* DirectMode, of dev */
        Number mtu;
        InterfacePort port; /* the port group's settings, completed by the network's */
} Network;

/*
 * Looks the network up in the directories networks/ of vmunit's configuration. Returns false, with an error
 * at place, if it is missing or wrong. portgroup may be NULL. Text lives as long as the guest.
 */
bool network_find(Guest *g, Place place, const char *name, const char *portgroup, Network *ret);
