/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Limits to how fast an interface passes packets. */

#include <stdint.h>

/* Bytes a second, and bytes. */
typedef struct ShapeRate {
        uint64_t average; /* 0: not limited */
        uint64_t peak;    /* how fast a burst may go; 0: as fast as it comes */
        uint64_t burst;   /* beyond the average, after a pause; 0: as much as makes sense */
} ShapeRate;

/* The interface limits nothing any more. */
int shape_clear(int fd, unsigned index);

/*
 * What the host sends through the interface waits until its time has come. -EOPNOTSUPP where the kernel
 * lacks SHAPE_EGRESS_NEEDS, else its own negative errnos. Nothing may be limited yet: see shape_clear().
 */
#define SHAPE_EGRESS_NEEDS "sch_htb"
int shape_egress(int fd, unsigned index, const ShapeRate *rate);

/* What comes in through the interface is dropped where it is too much; there is no peak. The rest as above.
 */
#define SHAPE_INGRESS_NEEDS "sch_ingress, cls_matchall and act_police"
int shape_ingress(int fd, unsigned index, const ShapeRate *rate);
