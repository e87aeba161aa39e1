/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The units of a guest's helper: launcher/helper/helper.c says what it is for. */

#include "generator/convert/convert.h"
#include "generator/unit/unit-file.h"

void helper_write_dependencies(UnitFile *u, const Conversion *c); /* in the guest's [Unit] */

/*
 * The drop-ins of the helper, vm-helper@NAME.service.d/50-guest.conf, for a successful conversion, and of
 * its socket. 0, -ENOMEM, or an error of unit_file_finish(); they fail if the guest's own drop-in does.
 */
int helper_service_text(
        const Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size);
int helper_socket_text(const Conversion *c, const char *path, char **ret_text, size_t *ret_size);
