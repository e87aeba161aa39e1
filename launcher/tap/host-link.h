/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Interfaces of the host that a guest's own are connected to, which may appear a moment after the guest's
 * unit starts. */

/* Called when a wait begins, with what is waited for, and when it is over, with "". */
typedef void (*HostLinkWait)(const char *what, void *userdata);

/* Who is told of waits; NULL: systemd, as the status of this process's own unit. */
void host_link_on_wait(HostLinkWait told, void *userdata);

/* Waits some seconds if the host has no such interface yet. 0 if it exists in the end, or negative errno,
 * -ENODEV if it does not exist; what that means is for the caller to log. */
int host_link_wait(int netlink, const char *name);

/* The same for a guest that requires this interface and creates none on it. Failures are logged. */
int host_link_require(int netlink, const char *name);
