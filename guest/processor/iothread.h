/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <iothreads>, <iothreadids>, <defaultiothread>: threads of QEMU that disks and controllers can be served
 * by. */

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
        Number count;  /* as <iothreads> says */
        Iothread main; /* the pool of QEMU's own loop */
} Iothreads;

/* Whether the guest has one of that number. */
bool iothread_exists(const Guest *g, uint64_t id);

/*
 * <iothreads> within a <driver>: which thread serves which queues. e is NULL where the XML has none.
 * The check knows how many queues there are (0: as many as QEMU likes).
 */
void iothread_mapping_check(const Guest *g, XmlElement *e, uint64_t queues);
void iothread_mapping_props(XmlElement *e, Props *p);
