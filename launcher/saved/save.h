/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Saves a guest that runs to a file in its state directory, and ends its QEMU then. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "launcher/lifecycle/lifecycle.h"
#include "launcher/monitor/monitor.h"
#include "launcher/reload/reload.h"
#include "launcher/run/run-options.h"
#include "launcher/store/images.h"
#include "util/ownership.h"

typedef struct Save Save;

typedef struct SaveContext {
        sd_event *event;
        Monitor *monitor;
        Lifecycle *life;
        Reload *reload;
        const RunOptions *options;
        const Images *images;
        int directory; /* the guest's state directory; negative if it has none */
} SaveContext;

/* For whoever asked for it. */
typedef struct SaveListener {
        void (*progress)(uint64_t done, uint64_t total, void *userdata); /* bytes of memory */
        void (*done)(const char *failed, void *userdata);                /* the last call; NULL: saved */
} SaveListener;

/* Borrows all of the context. */
int save_new(const SaveContext *context, Save **ret);
Save *save_free(Save *s); /* returns NULL; what is not whole is removed. To be freed before the monitor */

/*
 * Begins. If the guest cannot be saved, it goes on. listener may be NULL, and is not called before this
 * returns. NULL, or why nothing was begun: borrowed until the next call.
 */
const char *save_begin(Save *s, const SaveListener *listener, void *userdata);

/* What else may be under way: why_not says why nothing can be begun now, or NULL. NULL for none. */
void save_set_guard(Save *s, const char *(*why_not)(void *userdata), void *userdata);

bool save_is_under_way(const Save *s);

/* Gives up so much later, if it is not whole by then. */
void save_limit(Save *s, uint64_t usec);

/* It goes on also if its listener leaves. */
void save_keep(Save *s);

/* The listener with that userdata is gone, so the guest goes on. */
void save_forget(Save *s, const void *userdata);

void save_monitor_closed(Save *s);

DEFINE_CLEANUP(Save, save_free);
