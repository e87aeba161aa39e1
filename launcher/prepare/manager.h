/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* What the service manager that runs the guest knows about the guest's unit. */

/*
 * One of the unit's properties, of D-Bus interface org.freedesktop.systemd1.Service; type: a basic type,
 * such as 'u', with *ret large enough for it. Negative errno, not logged.
 */
int manager_get(const char *unit, const char *property, char type, void *ret);

/*
 * Whether the unit of that guest is on: running, starting, stopping, or about to be restarted. Also true if
 * the manager does not answer, which is logged.
 */
bool manager_guest_is_on(const char *guest);
