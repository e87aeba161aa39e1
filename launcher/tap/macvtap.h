/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * macvtap: a guest's own MAC address on a network interface of the host, without a bridge. Open this for
 * <interface type='direct'>; TAPs are in tap.h.
 */

#include "launcher/host/undo-log.h"
#include "launcher/tap/tap.h"

/*
 * Creates it on the host's interface q->lower and puts its descriptors into the store, as tap_open() does.
 * It would outlive its descriptors, so its removal is written to the undo log. Failures are logged.
 */
int macvtap_open(int netlink, const TapRequest *q, UndoLog *undo, Store *store);

/* Removes it: "INDEX NAME MAC ID", with an index of 0 if it may not have been created. For undo.c. */
int macvtap_undo(char *words);

/* The step's parts; texts point into `words`. -EBADMSG. */
typedef struct MacvtapStep {
        unsigned index;
        const char *name;
        uint8_t mac[6];
        const char *id; /* of the request; NULL in a step of an earlier version */
} MacvtapStep;
int macvtap_parse_step(char *words, MacvtapStep *ret);
