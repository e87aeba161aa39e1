/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Removes users' TAPs whose holders changed the address of the host's end, until nothing has changed for a
 * moment. Requires the socket of vm-broker-watch.socket. Logs failures; returns the exit status.
 */
int watch_run(void);
