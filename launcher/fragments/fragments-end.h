/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Fragments that last until a guest is off (/run/vmunit/guests/NAME.xml.d). Failures are logged. */

/* The guest may be off: if so, removes them, and has the service manager read its definition again; or keeps
 * them for a guest that was saved. */
void fragments_end(const char *guest);

/* After a boot, brings those of saved guests back, and waits until the service manager has read them. */
void fragments_bring_back(void);
