/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <iothreads>, <iothreadids>, <defaultiothread>: threads of QEMU that serve disks and controllers. */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

#define IOTHREADS_MAX 1024

typedef struct Iothread {
        Place place;
        Number id; /* from 1 */
        Number pool_min, pool_max, poll_max, poll_grow, poll_shrink;
} Iothread;

typedef struct Iothreads {
        const Iothread *items;
        unsigned n;
        Number count;  /* of <iothreads> */
        Iothread main; /* the pool of QEMU's own loop */
} Iothreads;

/* Whether the guest has an IOThread with that number. */
bool iothread_exists(const Guest *g, uint64_t id);

/*
 * <iothreads> within a <driver>: which thread serves which queues. e is NULL if the XML has none.
 * queues: how many there are (0: QEMU chooses).
 */
void iothread_mapping_check(const Guest *g, XmlElement *e, uint64_t queues);
void iothread_mapping_props(XmlElement *e, Props *p);
