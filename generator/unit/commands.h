/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command lines of vm-launcher in a guest's units. Each adds words to argv; 0 or -ENOMEM. */

#include "generator/convert/convert.h"

int command_run(const Conversion *c, const char *name, Strings *argv);
int command_refuse(const Conversion *c, const char *name, const char *path, Strings *argv);

/* For the guest's emulated TPM. */
int command_tpm(const Conversion *c, const char *name, Strings *argv);

/* For the guest's helper. */
int command_serve(const Conversion *c, const char *name, const char *path, Strings *argv);
