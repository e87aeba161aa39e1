/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks a guest to turn itself off, again and again. */

#include "launcher/lifecycle/run-state.h"
#include "launcher/monitor/agent.h"
#include "launcher/monitor/monitor.h"

typedef struct PowerDown PowerDown;

typedef struct PowerDownHandlers {
        /* The guest cannot react: why, for a message. Called once; the power-down may be freed in it. */
        void (*impossible)(const char *why, void *userdata);

        /* The guest has not powered off for that long; called every ten seconds. */
        void (*waits)(unsigned seconds, void *userdata);
} PowerDownHandlers;

/* agent: tried first, if the guest has opened its port, which is behind the character device; or NULL. */
int power_down_new(
        sd_event *event, Monitor *monitor, Agent *agent, const char *chardev,
        const PowerDownHandlers *handlers, void *userdata, PowerDown **ret);
PowerDown *power_down_free(PowerDown *p); /* returns NULL; ends it */

DEFINE_CLEANUP(PowerDown, power_down_free);
