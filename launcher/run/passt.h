/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The processes that connect a guest to the network as its user, without a TAP. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "util/text.h"

/* What --passt= says of one. */
typedef struct PasstOptions {
        char *owner;
        const char *id;     /* of QEMU's -netdev */
        int fd;             /* the number that QEMU gets its end of the socket as; 0 where it connects: */
        const char *socket; /* to this in the run-time directory (vhost-user); or NULL */
        bool optional;      /* where the host has none, QEMU's command line stays as it is */
        const char *interface, *netmask, *mtu, *hostname, *fqdn, *log_file;
        Strings addresses, gateways, tcp, udp;
} PasstOptions;

typedef struct PasstList {
        PasstOptions *items;
        size_t count;
} PasstList;

int passt_list_read(const char *text, void *target); /* an ArgumentReader, adds to a PasstList */
void passt_list_done(PasstList *list);

/* The program on this host, or NULL. */
const char *passt_program(void);

/* passt's command line: it is to find its end of the socket as that number. 0 or -ENOMEM. */
int passt_command(const PasstOptions *o, const char *program, int fd, Strings *ret);

typedef struct Passts Passts;

/* One has ended: how ("exited with status 1"), and whose (the -netdev's id). */
typedef void (*PasstEnded)(const char *id, const char *how, void *userdata);

/*
 * Starts all of the list: sockets[i] is the end of the i-th and is taken, -1 where it is not to be started.
 * One that QEMU connects to is started then; its socket is made in directory. Mistakes are logged.
 */
int passts_start(
        sd_event *event, const PasstList *list, int *sockets, const char *directory, PasstEnded ended,
        void *userdata, Passts **ret);
Passts *passts_free(Passts *p); /* ends those that still run; returns NULL */
