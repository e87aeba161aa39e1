/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The monitor's commands for what QEMU's options describe, and their arguments. */

#include <jansson.h>
#include <stdbool.h>

#include "launcher/machine/option.h"

/* "device_add" and "device_del". */
const char *arguments_command(QemuKind kind);
const char *arguments_undo_command(QemuKind kind);

/* For an option's JSON, with descriptors by the names that getfd gave them. NULL if out of memory, or if
 * there is no such command. */
json_t *arguments_of(QemuKind kind, json_t *json);

/* Turns "@NAME" into "NAME", everywhere. */
void arguments_plain_names(json_t *json);

/* Replaces the path that names a descriptor in an fd set. */
void arguments_set_path(json_t *json, const char *path);

/* Whether images of that format can have a backing file. */
bool arguments_have_backing(const char *format);
