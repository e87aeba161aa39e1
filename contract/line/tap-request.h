/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the arguments of `vm-launcher prepare` ask for of network interfaces: --tap=. The generator fills in
 * a TapRequest and writes it; the launcher reads it again.
 */

#include <stdbool.h>
#include <stdint.h>

#include "contract/words.h"
#include "net/netlink.h"
#include "net/shape.h"
#include "util/text.h"

#define TAP_VLAN_WORDS (4096 / 64) /* a bit for each VLAN */

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
        uint64_t trunk[TAP_VLAN_WORDS]; /* a bit for each VLAN whose frames keep their tag */
} TapRequest;

bool tap_request_has_vlan(const TapRequest *q, unsigned vlan);

typedef struct TapList {
        TapRequest *items;
        size_t count;
        Strings owned; /* the texts that the list points into */
} TapList;

/* A reader for a table of arguments (arguments.h); the target is the TapList. */
int tap_request_read(const char *text, void *target);

/* The value of --tap=, to be freed. NULL if memory runs out. */
char *tap_request_write(const TapRequest *q);

void tap_list_done(TapList *list);
