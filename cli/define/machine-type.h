/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The machine type that a short name such as "q35" stands for, which differs from one QEMU to the next. */

/*
 * What the emulator's "-machine help" says: 1 and the versioned name; 0 if the name is not an alias there;
 * negative errno if the emulator could not be asked. -EPERM: it is not a QEMU that only root can change.
 */
int machine_type_resolve(const char *emulator, const char *alias, char **ret);

/* The same for that output. */
int machine_type_find(const char *help, const char *alias, char **ret);
