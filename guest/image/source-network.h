/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What reading, checking and building network images share. Private to source-network*.c. */

#include "guest/image/source.h"

/* What a protocol supports beyond a host and a name, and how its -blockdev is written. */
typedef struct Protocol {
        unsigned port; /* the default */
        unsigned hosts_min, hosts_max;
        bool name_optional;
        bool unix_socket, tls, secret, url, cookies, query, snapshot, config, reconnect, initiator, identity;
        Props (*props)(const Guest *g, const Source *s, Plan *p);
} Protocol;

extern const Protocol protocols[]; /* by SourceProtocol; without props: QEMU no longer has it */
extern const char *const protocol_words[], *const transport_words[];

/* The port of h: its own, or the protocol's default. */
unsigned port_of(const SourceNetwork *n, const SourceHost *h);

/* Splits "TARGET/LUN" into the length of TARGET and LUN (0 if missing). False: LUN is not a valid number. */
bool iscsi_split(const char *name, int *ret_target, unsigned *ret_lun);

/* The only file where QEMU's ssh client (libssh) looks up servers: QEMU's user has no home directory. */
#define KNOWN_HOSTS "/etc/ssh/ssh_known_hosts"
