/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How QEMU is told which file a guest is saved in. */

#include <jansson.h>
#include <stdbool.h>

#include "launcher/monitor/monitor.h"
#include "launcher/monitor/script.h"

/* Adds to the script what gives QEMU a copy of the descriptor. 0 or a negative errno. */
int stream_give(const Monitor *monitor, int fd, Script *script);

/* Has QEMU close it, if it still has it. */
void stream_take_back(Monitor *monitor);

/* The arguments of "migrate" and "migrate-incoming" for it. */
json_t *stream_uri(const Monitor *monitor);

/* "10.0.13", of this QEMU; a new string, or NULL if out of memory. */
char *stream_version(const Monitor *monitor);

/* Whether a QEMU of version a may write what one of version b cannot read, since it is older. */
bool stream_is_newer(const char *a, const char *b);
