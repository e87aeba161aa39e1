/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rate limits for the traffic of an interface. */

#include <stdint.h>

/* Bytes per second, and bytes. */
typedef struct ShapeRate {
        uint64_t average; /* 0: not limited */
        uint64_t peak;    /* maximum rate of a burst; 0: unlimited */
        uint64_t burst;   /* bytes above the average after a pause; 0: a suitable default */
} ShapeRate;

/* Removes all limits from the interface. */
int shape_clear(int fd, unsigned index);

/*
 * Delays what the host sends through the interface so that it keeps to the rate. -EOPNOTSUPP if the kernel
 * lacks SHAPE_EGRESS_NEEDS, otherwise the kernel's negative errno. The interface must have no limits yet:
 * see shape_clear().
 */
#define SHAPE_EGRESS_NEEDS "sch_htb"
int shape_egress(int fd, unsigned index, const ShapeRate *rate);

/*
 * Drops what arrives through the interface above the rate; there is no peak. Otherwise like the function
 * above.
 */
#define SHAPE_INGRESS_NEEDS "sch_ingress, cls_matchall and act_police"
int shape_ingress(int fd, unsigned index, const ShapeRate *rate);
