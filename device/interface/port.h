/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How the host's end of an interface is set up: its rates, and what its bridge port lets through. Networks
 * and their port groups have the same settings.
 */

#include "guest/device.h"
#include "guest/plan/plan.h"

/* In the XML's units: 1000 bytes a second; burst is in KiB. */
typedef struct InterfaceRate {
        Number average, peak, burst, floor;
} InterfaceRate;

typedef struct InterfacePort {
        bool has_bandwidth, has_vlan; /* whether the XML has the element */
        InterfaceRate inbound, outbound;
        Tristate trunk, isolated;

        /* of <vlan>, set by interface_port_read() */
        unsigned native;    /* VLAN of untagged traffic; 0 for none */
        bool native_tagged; /* its traffic reaches the guest with a tag */
        bool has_tagged;
        uint64_t tagged[TAP_VLAN_WORDS]; /* a bit for each VLAN that the guest sends and receives with its
                                            tag */
} InterfacePort;

#define INTERFACE_RATE_MAX  UINT32_MAX          /* in units of 1000 bytes a second */
#define INTERFACE_BURST_MAX (UINT32_MAX / 1024) /* KiB: the kernel counts bytes in 32 bits */

/* clang-format off: it breaks the braces of a macro */
#define INTERFACE_PORT_FIELDS(struct_, member_)                                                             \
        FIELD("bandwidth", FIELD_PRESENT, struct_, member_.has_bandwidth),                                  \
                FIELD_IN_RANGE(                                                                             \
                        "bandwidth/inbound@average", struct_, member_.inbound.average, 0,                   \
                        INTERFACE_RATE_MAX),                                                                \
                FIELD_IN_RANGE(                                                                             \
                        "bandwidth/inbound@peak", struct_, member_.inbound.peak, 0, INTERFACE_RATE_MAX),    \
                FIELD_IN_RANGE(                                                                             \
                        "bandwidth/inbound@burst", struct_, member_.inbound.burst, 0, INTERFACE_BURST_MAX), \
                FIELD("bandwidth/inbound@floor", FIELD_NUMBER, struct_, member_.inbound.floor),             \
                FIELD_IN_RANGE(                                                                             \
                        "bandwidth/outbound@average", struct_, member_.outbound.average, 0,                 \
                        INTERFACE_RATE_MAX),                                                                \
                FIELD_IN_RANGE(                                                                             \
                        "bandwidth/outbound@peak", struct_, member_.outbound.peak, 0, INTERFACE_RATE_MAX),  \
                FIELD_IN_RANGE(                                                                             \
                        "bandwidth/outbound@burst", struct_, member_.outbound.burst, 0,                     \
                        INTERFACE_BURST_MAX),                                                               \
                FIELD("bandwidth/outbound@floor", FIELD_NUMBER, struct_, member_.outbound.floor),           \
                FIELD("vlan", FIELD_PRESENT, struct_, member_.has_vlan),                                    \
                FIELD("port@isolated", FIELD_YESNO, struct_, member_.isolated)
/* clang-format on */

/*
 * Reads what the tables cannot express, after the fields of e. Mistakes go to findings, because the XML may
 * be a network's.
 */
void interface_port_read(Guest *g, XmlElement *e, InterfacePort *p, Findings *findings);

/* Takes bandwidth, VLANs and isolation, each as a whole, from other where p does not set them. */
void interface_port_inherit(InterfacePort *p, const InterfacePort *other);

/* has_tap: the interface has a TAP or a macvtap; has_bridge: it is a port of a bridge. */
void interface_port_check(
        const Guest *g, const Device *d, const InterfacePort *p, bool has_tap, bool has_bridge);

void interface_port_plan(const InterfacePort *p, TapRequest *tap);
