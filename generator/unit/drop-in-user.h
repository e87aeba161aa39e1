/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the units of a user's guest have that the system's have not. */

#include "generator/convert/convert.h"
#include "generator/unit/unit-file.h"

void user_write_dependencies(UnitFile *u, const Conversion *c); /* in [Unit] */

/*
 * The drop-ins of the guest's helper, vm-helper@NAME.service.d/50-guest.conf, and of its socket, of a
 * conversion that succeeded. 0, -ENOMEM, or what unit_file_finish() says; they fail where the guest's own
 * drop-in does.
 */
int user_helper_text(
        const Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size);
int user_socket_text(const Conversion *c, const char *path, char **ret_text, size_t *ret_size);
