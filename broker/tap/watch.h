/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Keeps who holds a TAP from taking other addresses for the host's end of it, until nothing changed for a
 * moment. The exit status. Failures are logged. Wants the socket of vm-broker-watch.socket.
 */
int watch_run(void);
