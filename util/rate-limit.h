/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* So much in so many seconds, and a count of what was too much. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct RateLimit {
        uint64_t interval; /* microseconds; set these three, zero the rest */
        unsigned things_max;
        size_t bytes_max;
        uint64_t begin; /* of the interval that runs, on the caller's clock */
        unsigned things, suppressed;
        size_t bytes;
} RateLimit;

/* True if this one may pass. now counts microseconds from anywhere, but never back. */
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
 * How many did not pass since this was last asked, once an interval is over in which some may pass again;
 * else 0.
 */
static inline unsigned rate_limit_take_suppressed(RateLimit *l, uint64_t now)
{
        unsigned n = l->suppressed;

        if (n == 0 || now - l->begin < l->interval)
                return 0;
        l->suppressed = 0;
        return n;
}
