/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The network interfaces that the arguments of `vm-launcher prepare` ask for: --tap=. Open this to change
 * what such an argument may say; tap.c, user-tap.c and macvtap.c do what it asks for.
 */

#include <stdbool.h>
#include <stdint.h>

#include "contract/words.h"
#include "net/netlink.h"
#include "net/shape.h"
#include "util/text.h"

typedef struct TapRequest {
        const char *id;        /* names its descriptors */
        const char *interface; /* NULL if the broker chooses the name */
        const char *bridge;    /* NULL: none */
        uint8_t mac[6]; /* of the host's end, all zero for the kernel's choice; with broker, the guest's */
        unsigned mtu;   /* 0: the bridge's, or the kernel's choice */
        unsigned queues;
        VhostMode vhost;
        bool down;         /* leave it down */
        bool unmanaged;    /* it exists already and is only opened */
        bool broker;       /* the broker creates it, see user-tap.h */
        const char *lower; /* the host's interface below a macvtap, see macvtap.h; NULL: a TAP */
        MacvtapMode mode;
        ShapeRate inbound, outbound; /* to the guest, and from it */
        bool isolated;               /* from other isolated ports of the bridge */
        unsigned native;             /* the VLAN of frames without a tag; 0: none */
        bool native_tagged;          /* the guest sees that VLAN's frames with its tag */
        bool has_trunk;
        uint64_t trunk[64]; /* a bit for each VLAN whose frames keep their tag */
} TapRequest;

bool tap_request_has_vlan(const TapRequest *q, unsigned vlan);

typedef struct TapList {
        TapRequest *items;
        size_t count;
        Strings owned; /* the texts that the list points into */
} TapList;

/* A reader for a table of arguments (arguments.h); the target is the TapList. */
int tap_request_read(const char *text, void *target);

void tap_list_done(TapList *list);
