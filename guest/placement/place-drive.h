/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Units of IDE, SATA, SCSI and floppy controllers. */

typedef struct Guest Guest;

/* Gives each drive a unit, but adds no controllers yet: other kinds come first. */
void place_drives(Guest *g);

/* Adds the controllers for the drives, and refuses units that these do not have. */
void place_drive_controllers(Guest *g);
