/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* TAP devices for the guest's network interfaces. */

#include "launcher/store/fd-store.h"
#include "launcher/store/prepared.h"
#include "launcher/tap/tap-request.h"

/*
 * Opens it and puts its descriptors into the store ("tap.ID.QUEUE", "vhost.ID.QUEUE"), and what is to be
 * remembered into the note. Where the last note says that systemd's store still has the TAP, and it exists,
 * it is only set up again. A TAP lives as long as a descriptor of it is open, so that after a failure
 * nothing is left. Failures are logged: -ENODEV and the like where something is missing, -EEXIST where the
 * name is taken.
 */
int tap_open(int netlink, const TapRequest *q, const Prepared *last, Store *store, Prepared *note);

/* What tap_open() is made of, for who opens one in another way. All are logged. */
int tap_store_queue(const TapRequest *q, unsigned queue, int fd, Store *store); /* takes the descriptor */
int tap_note(const TapRequest *q, const char *interface, unsigned index, Prepared *note);
void tap_wait(unsigned *waited); /* a moment; adds its milliseconds */

/* Removes what systemd's store may have of an earlier TAP of ours, and lets it go. */
int tap_forget(int netlink, const TapRequest *q, const PreparedTap *noted, const Store *store);

/* Opens what the kernel moves its packets by, for each queue. Logged. */
int tap_open_vhost(const TapRequest *q, Store *store);
