/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Units of IDE, SATA, SCSI and floppy controllers. */

typedef struct Guest Guest;

/* Gives each drive a unit, but implies no controllers yet: other kinds of them come first. */
void place_drives(Guest *g);

/* Implies the controllers that the drives plug into, and refuses units that these have not. */
void place_drive_controllers(Guest *g);
