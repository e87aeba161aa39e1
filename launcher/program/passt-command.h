/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* passt's command line. */

#include "contract/line/passt-request.h"

/* The program on this host, or NULL. */
const char *passt_program(void);

/* passt's command line: its end of the socket has that number. 0 or -ENOMEM. */
int passt_command(const PasstRequest *o, const char *program, int fd, Strings *ret);
