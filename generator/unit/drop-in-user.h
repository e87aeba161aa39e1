/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The unit that creates a guest's own user, vm-user@NAME.service. */

#include "generator/convert/convert.h"
#include "generator/unit/unit-file.h"

void user_write_dependencies(UnitFile *u, const Conversion *c); /* in the guest's [Unit] */
void user_write_order(UnitFile *u, const Conversion *c);        /* in its helper's */

/*
 * The drop-in vm-user@NAME.service.d/50-guest.conf, for a guest whose plan has a user of its own. 0,
 * -ENOMEM, or an error of unit_file_finish().
 */
int user_service_text(const Conversion *c, const char *path, char **ret_text, size_t *ret_size);
