/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by interface.c (the guest's side) and the files of the host's side: backend.c, tap.c, user.c,
 * forward.c.
 */

#include "contract/line/passt-request.h"
#include "device/interface/network.h"
#include "device/interface/port.h"
#include "guest/device.h"

typedef enum InterfaceType {
        INTERFACE_USER = 1,
        INTERFACE_ETHERNET,
        INTERFACE_BRIDGE,
        INTERFACE_NETWORK, /* only until complete() resolves it to a bridge or direct */
        INTERFACE_DIRECT,
        INTERFACE_VHOST_USER,
        INTERFACE_VDPA,
        INTERFACE_SERVER,
        INTERFACE_CLIENT,
        INTERFACE_MCAST,
        INTERFACE_UDP,
        INTERFACE_NULL,
} InterfaceType;

typedef struct Offloads {
        Tristate csum, gso, tso4, tso6, ecn, ufo, mrg_rxbuf;
} Offloads;

typedef enum SocketMode {
        SOCKET_CLIENT = 1,
        SOCKET_SERVER,
} SocketMode;

typedef struct InterfaceSource {
        const char *bridge, *network, *portgroup, *dev, *path, *address, *port, *local_address, *local_port;
        int direct_mode; /* DirectMode, of direct */
        int socket_mode; /* SocketMode, of vhostuser */
        const char *kind;
        Tristate reconnect;
        Number reconnect_seconds;
} InterfaceSource;

typedef enum AddressFamily {
        FAMILY_IPV4 = 1,
        FAMILY_IPV6,
} AddressFamily;

typedef struct InterfaceAddress {
        const char *address;
        int family; /* AddressFamily; 0 where the XML does not say, which is IPv4 */
        Number prefix;
} InterfaceAddress;

#define INTERFACE_ADDRESSES_MAX 2 /* one IPv4, one IPv6 */

typedef struct PortRange {
        Number start, end, to; /* end unset: one port; to unset: the same ports in the guest */
        Tristate exclude;
} PortRange;

typedef enum PortProtocol {
        PORT_TCP = 1,
        PORT_UDP,
} PortProtocol;

typedef struct PortForward {
        Place place;
        int protocol; /* PortProtocol */
        const char *address, *dev;
        PortRange *ranges; /* none: all ports */
        unsigned n_ranges;
} PortForward;

typedef enum PasstUse {
        PASST_NO,
        PASST_TRY,     /* if the host has it, otherwise QEMU's built-in network */
        PASST_REQUIRE, /* the XML asks for it */
} PasstUse;

/* A network without a TAP or a privilege. */
typedef struct InterfaceUser {
        PasstUse passt;
        const char *log_file, *hostname, *fqdn;
        const char *gateways[INTERFACE_ADDRESSES_MAX];
        unsigned n_gateways;
        PortForward *forwards;
        unsigned n_forwards;
} InterfaceUser;

typedef struct Interface {
        Device device;
        int type; /* InterfaceType */
        const char *mac, *model, *host_mac, *netdev_id;
        int virtio_model; /* VirtioModel; 0 for other models */
        InterfaceSource source;
        const char *target, *script, *downscript;
        Tristate managed, trust_filters;
        int driver, txmode; /* InterfaceDriver, TxMode */
        Tristate ioeventfd, event_idx, rss, rss_hash_report;
        Number queues, rx_queue_size, tx_queue_size, mtu, sndbuf;
        Offloads host, guest;
        InterfacePort port;
        int link, backend, teaming; /* LinkState, Backend, Teaming */
        bool link_down;
        InterfaceUser user;
        InterfaceAddress addresses[INTERFACE_ADDRESSES_MAX];
        unsigned n_addresses;
} Interface;

typedef enum InterfaceDriver {
        INTERFACE_DRIVER_QEMU = 1,
        INTERFACE_DRIVER_VHOST,
} InterfaceDriver;

/* Whether it is a valid name for an interface of Linux and contains no separator of any option list. */
bool interface_name_is_plain(const char *name);

/* Whether it has a TAP or a macvtap on the host. */
bool interface_has_tap(const Interface *i);

/* Resolves a network to its bridge and names the TAP. */
void interface_backend_complete(Guest *g, Interface *i);
void interface_backend_check(const Guest *g, const Interface *i);

/* Adds -netdev with the id "host" and the device's id, and all that it needs of QEMU and of the host. */
void interface_backend_build(const Guest *g, const Interface *i, Plan *p);

/* For an interface with a TAP or a macvtap: its name on the host, and the descriptors of -netdev. */
void interface_tap_complete(Guest *g, Interface *i);
void interface_tap_check(const Guest *g, const Interface *i);
void interface_tap_build(const Guest *g, const Interface *i, Props *netdev, Plan *p);

/* The same for type='user', and for passt behind type='vhostuser'. */
void interface_user_read(Guest *g, Interface *i);
void interface_user_check(const Guest *g, const Interface *i);
void interface_user_build(const Interface *i, Props *netdev, Plan *p);

/* The ports that are forwarded to the guest of a user network. */
void interface_forwards_read(Guest *g, Interface *i);
void interface_forwards_check(const Guest *g, const Interface *i);

/* What QEMU's built-in network cannot do: an error, or a warning where passt is tried first. */
void interface_forwards_check_fallback(const Guest *g, const Interface *i);

/* Adds them to the request. 0 or -ENOMEM. */
int interface_forwards_ask(const Interface *i, PasstRequest *q);

/* As hostfwd of -netdev user. */
void interface_forwards_build(const Interface *i, Props *netdev);

/* Has the sandbox allow the listening; which ports "all" are, only the host knows. */
void interface_forwards_allow(const Interface *i, Plan *p);

/* Whether it is an address of that family. */
bool interface_is_ipv4(const char *address);
bool interface_is_ipv6(const char *address);

/* Asks the launcher for a passt; returns the descriptor number of its socket, for type='user'. */
unsigned interface_user_ask_passt(const Interface *i, Plan *p);
