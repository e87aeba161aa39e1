/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The states that QEMU says a guest is in, and what each means to people and to a power-down. */

#include <stdbool.h>

typedef enum PowerDownWay {
        POWER_DOWN_BUTTON,     /* the guest can react to its power button */
        POWER_DOWN_WAKE,       /* after it was woken up */
        POWER_DOWN_CONTINUE,   /* after it was let go on */
        POWER_DOWN_TRY,        /* the same, but it may stop again at once for the same reason */
        POWER_DOWN_WAIT,       /* the state passes by itself */
        POWER_DOWN_IMPOSSIBLE, /* nothing would react */
} PowerDownWay;

typedef struct RunState {
        const char *name; /* QEMU's */
        const char *text; /* for STATUS= */
        PowerDownWay way;
        bool running;
        bool failed;  /* it got there by a failure that no event names */
        bool curable; /* can be resumed once the cause is removed */
} RunState;

/* Never NULL: an unknown state is described as such. */
const RunState *run_state_find(const char *name);
