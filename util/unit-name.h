/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest may be called, for every program; and its name in its unit, vm@INSTANCE.service. */

#include <stdbool.h>

/* Whether a guest may have this name: UTF-8 without slashes and control characters, no leading dot, and
 * short enough for NAME.xml and for the name of its unit. */
bool guest_name_is_valid(const char *name);

/* The instance: a new string, or NULL if out of memory. "web-1" → "web-1", "my guest-1" →
 * "my\x20guest\x2d1". */
char *unit_name_instance(const char *name);

/*
 * The reverse. 1: *ret is the guest's name; 0: *ret is how systemd-escape(1) reads it, but a guest of that
 * name has another instance ("web\x2d1"); -EINVAL: not the instance of any guest,
 * as its name would be no guest's (see above); -ENOMEM.
 */
int unit_name_guest(const char *instance, char **ret);

/* The unit of a guest, vm@INSTANCE.service: 0, -ENOMEM, or -ENAMETOOLONG over systemd's 255 characters. */
int unit_name_for_guest(const char *name, char **ret);

/* The socket of a guest's helper, below the scope's directory of runtime files; NULL if out of memory. */
char *unit_name_helper_socket(const char *run, const char *instance);

/* The socket of a guest's emulated TPM, in the same way. */
char *unit_name_tpm_socket(const char *run, const char *instance);

/* The device unit of a network interface of the host: a new string, or NULL if out of memory. */
char *unit_name_for_interface(const char *interface);
