/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `vm-launcher run` is told about each passt, in --passt=. The generator fills in a PasstRequest and
 * writes it; the launcher reads it again. */

#include <stdbool.h>
#include <stddef.h>

#include "util/text.h"

/* Ports of the host that lead to the guest. */
typedef struct PasstForward {
        bool udp;
        char *ports; /* as passt writes them, but with "+" in place of "," */
} PasstForward;

typedef struct PasstRequest {
        const char *id;     /* of QEMU's -netdev */
        int fd;             /* the number of QEMU's end of the socket; 0 if QEMU connects */
        const char *socket; /* to this socket in the run-time directory (vhost-user); or NULL */
        bool optional;      /* if the host has no passt, QEMU's command line stays unchanged */
        const char *interface, *netmask, *mtu, *hostname, *fqdn, *log_file;
        Strings addresses, gateways;
        PasstForward *forwards; /* in the order of the guest's XML */
        size_t n_forwards;
        Strings owned; /* texts that the others point into */
} PasstRequest;

typedef struct PasstList {
        PasstRequest *items;
        size_t count;
} PasstList;

/* Adds a copy of the ports. 0 or -ENOMEM. */
int passt_request_forward(PasstRequest *q, bool udp, const char *ports);

/* The value of --passt=, to be freed. NULL if memory runs out. */
char *passt_request_write(const PasstRequest *q);

void passt_request_done(PasstRequest *q);

/* A reader for a table of arguments (arguments.h); the target is a PasstList, which is added to. */
int passt_list_read(const char *text, void *target);
void passt_list_done(PasstList *list);
