/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The drop-in of a guest's unit, vm@NAME.service.d/50-guest.conf. */

#include "generator/convert/convert.h"

/*
 * The text of the drop-in: the guest's plan as directives, or if the conversion failed, a start that fails
 * at once and prints the findings. path is the guest's file, name its name. 0, -ENOMEM. What a unit file
 * cannot express is one more finding, and so leads to a drop-in that refuses.
 */
int drop_in_text(Conversion *c, const char *name, const char *path, char **ret_text, size_t *ret_size);
