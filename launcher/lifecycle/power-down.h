/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks a guest to turn itself off, again and again. */

#include "launcher/lifecycle/run-state.h"
#include "launcher/monitor/monitor.h"

typedef struct PowerDown PowerDown;

/* There is nobody who would react: why, for a message. Called once; the power-down may be freed in it. */
typedef void (*PowerDownImpossible)(const char *why, void *userdata);

int power_down_new(
        sd_event *event, Monitor *monitor, PowerDownImpossible impossible, void *userdata, PowerDown **ret);
PowerDown *power_down_free(PowerDown *p); /* returns NULL; ends it */

DEFINE_CLEANUP(PowerDown, power_down_free);
