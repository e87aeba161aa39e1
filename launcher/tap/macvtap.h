/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest's own address on a network interface of the host, without a bridge. */

#include "launcher/host/undo-log.h"
#include "launcher/tap/tap.h"

/* Words for its modes; -EINVAL if it is none. */
const char *macvtap_mode_text(MacvtapMode mode);
int macvtap_mode_from_text(const char *text, MacvtapMode *ret);

/*
 * Makes it on the host's interface q->lower and puts its descriptors into the store, as tap_open() does. It
 * would outlive them, so that it is remembered to be undone. Failures are logged.
 */
int macvtap_open(int netlink, const TapRequest *q, UndoLog *undo, Store *store);

/* Removes it: "INDEX NAME MAC", with an index of 0 where it may not have been made. For undo.c. */
int macvtap_undo(char *words);
