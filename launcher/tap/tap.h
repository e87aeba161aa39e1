/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * TAP devices for the guest's network interfaces. Open this for TAPs that root creates; those of user's
 * guests are in user-tap.h, settings of a bridge's port in tap-port.h, and the ioctls in net/tun.h.
 */

#include "contract/line/tap-request.h"
#include "launcher/store/fd-store.h"
#include "launcher/store/prepared.h"

/*
 * Opens it and puts its descriptors into the store ("tap.ID.QUEUE", "vhost.ID.QUEUE"), and adds it to
 * `prepared`. If the last list says that systemd's store has the TAP, and it still exists, it is only set up
 * again. A TAP exists while a descriptor of it is open, so nothing is left after a failure. Failures are
 * logged: -ENODEV and the like if something is missing, -EEXIST if the name is taken.
 */
int tap_open(int netlink, const TapRequest *q, const Prepared *last, Store *store, Prepared *prepared);

/* The parts of tap_open(), for other ways of opening a TAP. Failures are logged. */
int tap_store_queue(
        const TapRequest *q, unsigned queue, int fd, Store *store); /* takes ownership of the descriptor */
int tap_remember(const TapRequest *q, const char *interface, unsigned index, Prepared *prepared);
void tap_wait(unsigned *waited); /* waits a moment and adds its milliseconds */

/* Removes an earlier TAP of ours from systemd's store, and waits until it has disappeared. */
int tap_forget(int netlink, const TapRequest *q, const PreparedTap *known, const Store *store);

/* Opens vhost-net, by which the kernel moves packets, for each queue. Failures are logged. */
int tap_open_vhost(const TapRequest *q, Store *store);
