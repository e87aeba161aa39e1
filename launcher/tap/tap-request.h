/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the arguments of `vm-launcher prepare` ask for of network interfaces: --tap=. */

#include <stdbool.h>
#include <stdint.h>

#include "contract/words.h"
#include "net/netlink.h"
#include "net/shape.h"
#include "util/text.h"

typedef struct TapRequest {
        const char *id;        /* names its descriptors */
        const char *interface; /* NULL where the broker names it */
        const char *bridge;    /* NULL: it joins none */
        uint8_t mac[6]; /* of the host's end; all zero: the kernel's choice. With broker: the guest's */
        unsigned mtu;   /* 0: the bridge's, or the kernel's choice */
        unsigned queues;
        VhostMode vhost;
        bool down;         /* it is not to come up */
        bool unmanaged;    /* it exists, and is only opened */
        bool broker;       /* the broker makes it, see user-tap.h */
        const char *lower; /* a macvtap on that interface of the host, see macvtap.h; NULL: a TAP */
        MacvtapMode mode;
        ShapeRate inbound, outbound; /* towards the guest, from it */
        bool isolated;               /* from other such ports of the bridge */
        unsigned native;             /* VLAN of what has no tag; 0: none */
        bool native_tagged;          /* and the guest gets that with its tag */
        bool has_trunk;
        uint64_t trunk[64]; /* a bit for each VLAN that comes and goes with its tag */
} TapRequest;

bool tap_request_has_vlan(const TapRequest *q, unsigned vlan);

typedef struct TapList {
        TapRequest *items;
        size_t count;
        Strings owned; /* texts that they point into */
} TapList;

/* A reader for a table of arguments (arguments.h); the target is the TapList. */
int tap_request_read(const char *text, void *target);

void tap_list_done(TapList *list);
