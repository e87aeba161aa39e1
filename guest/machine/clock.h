/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <clock>: what time the guest's hardware clock shows, and its timers. */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

/* In the order of clock.c's words; each at most once. */
typedef enum TimerName {
        TIMER_PLATFORM = 1,
        TIMER_PIT,
        TIMER_RTC,
        TIMER_HPET,
        TIMER_TSC,
        TIMER_KVMCLOCK,
        TIMER_HYPERVCLOCK,
        TIMER_ARMVTIMER,
        TIMER_COUNT,
} TimerName;

typedef struct Timer {
        bool there;
        Place place;
        Tristate present;
        int track, tick_policy, mode; /* words of clock.c */
        Number frequency;             /* Hz */
} Timer;

typedef struct Clock {
        Place place;
        int offset, basis; /* words of clock.c */
        const char *zone, *adjustment_text;
        int64_t adjustment; /* seconds ahead of the basis */
        Number start;       /* seconds since 1970 */
        Timer timers[TIMER_COUNT];
} Clock;

void clock_machine(const Guest *g, Props *machine);
void clock_cpu(const Guest *g, Props *cpu);
