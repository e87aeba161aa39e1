/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What only the units of users' guests contain. */

#include "generator/convert/convert.h"
#include "generator/unit/unit-file.h"

void user_write_dependencies(UnitFile *u, const Conversion *c); /* in [Unit] */

/*
 * The drop-ins of the guest's helper, vm-helper@NAME.service.d/50-guest.conf, and of its socket, for a
 * successful conversion. 0, -ENOMEM, or an error of unit_file_finish(); they fail if the guest's own drop-in
 * does.
 */
int user_helper_text(
        const Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size);
int user_socket_text(const Conversion *c, const char *path, char **ret_text, size_t *ret_size);
