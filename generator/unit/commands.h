/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the units of a guest have vm-launcher do. Each adds words to argv; 0 or -ENOMEM. */

#include "generator/convert/convert.h"

int command_prepare(const Conversion *c, const char *name, const char *path, Strings *argv);
int command_run(const Conversion *c, Strings *argv);
int command_register(const Conversion *c, const char *name, Strings *argv);
int command_refuse(const Conversion *c, const char *name, const char *path, Strings *argv);

/* What the helper of a user's guest does, beside the guest. */
int command_serve(const Conversion *c, const char *name, const char *path, Strings *argv);
