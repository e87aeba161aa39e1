/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* At most so many things and bytes per interval, and a count of those suppressed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct RateLimit {
        uint64_t interval; /* microseconds; set these three, zero the rest */
        unsigned things_max;
        size_t bytes_max;
        uint64_t begin; /* of the current interval, on the caller's clock */
        unsigned things, suppressed;
        size_t bytes;
} RateLimit;

/* True if this one may pass. now is in microseconds from any origin, and never decreases. */
static inline bool rate_limit_pass(RateLimit *l, uint64_t now, size_t bytes)
{
        if (l->things == 0 || now - l->begin >= l->interval) {
                l->begin = now;
                l->things = 0;
                l->bytes = 0;
        }
        if (l->things >= l->things_max || l->bytes + bytes > l->bytes_max) {
                l->suppressed++;
                return false;
        }
        l->things++;
        l->bytes += bytes;
        return true;
}

/*
 * How many were suppressed since the last call, once a new interval has begun; otherwise 0.
 */
static inline unsigned rate_limit_take_suppressed(RateLimit *l, uint64_t now)
{
        unsigned n = l->suppressed;

        if (n == 0 || now - l->begin < l->interval)
                return 0;
        l->suppressed = 0;
        return n;
}
