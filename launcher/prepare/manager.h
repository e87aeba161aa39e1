/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the service manager that runs the guest knows about the guest's unit. */

/*
 * One of the unit's properties, of D-Bus interface org.freedesktop.systemd1.Service; type: a basic type,
 * such as 'u', with *ret large enough for it. Negative errno, not logged.
 */
int manager_get(const char *unit, const char *property, char type, void *ret);
