/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* QEMU's command line as a list of options that can be compared, and carried out through the monitor. */

#include <jansson.h>
#include <stdbool.h>

#include "launcher/run/run-options.h"

/* What of QEMU's can come and go while it runs. */
typedef enum QemuKind {
        QEMU_OTHER, /* nothing of that */
        QEMU_OBJECT,
        QEMU_CHARDEV,
        QEMU_NETDEV,
        QEMU_BLOCKDEV,
        QEMU_DEVICE,
} QemuKind;

/*
 * One option. Where it has the number of a descriptor, json has "@" and the descriptor's name instead, since
 * numbers depend on the other options: "@tap.hostnet0.0", and "/dev/fdset/@usb.hostdev0" for a set of them.
 */
typedef struct Option {
        QemuKind kind;
        char *name;   /* "-device" */
        char *id;     /* of a block device its node name; of QEMU_OTHER a number among those of its name */
        json_t *json; /* NULL for QEMU_OTHER */
        char *text;   /* of QEMU_OTHER; NULL if it has no value */
} Option;

typedef struct CommandLine {
        Option *items;
        size_t count;
} CommandLine;

/* argv is QEMU's, of those run options. 0; -EBADMSG if an option is not as the generator writes it; -ENOMEM.
 */
int command_line_read(const RunOptions *options, char *const *argv, CommandLine *ret);
void command_line_done(CommandLine *line);

const Option *command_line_find(const CommandLine *line, const char *name, const char *id);

/* Adds a copy. 0 or -ENOMEM. */
int command_line_add(CommandLine *line, const Option *option);
void command_line_remove(CommandLine *line, const char *name, const char *id);

/* Whether two options of the same name and id say the same. */
bool option_equals(const Option *a, const Option *b);

/* Whether any value in json is the id, or a bus of the device of that id ("virtio-serial0.0"). */
bool option_refers_to(const Option *option, const char *id);

/* A string of the option at that key, or NULL. */
const char *option_text(const Option *option, const char *key);
