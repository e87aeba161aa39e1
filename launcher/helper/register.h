/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Registers guests with systemd-machined. */

#include "launcher/store/prepared.h"
#include "util/text.h"

#define MACHINE_NAME_MAX 64

/* The options of the verb. */
typedef struct RegisterOptions {
        const char *guest;
        char uuid[37];
        Strings interfaces;
} RegisterOptions;

/* Reads argv[1] and the following. Logs every error; negative errno if there was one. */
int register_options_read(int argc, char **argv, RegisterOptions *ret);
void register_options_done(RegisterOptions *options); /* also after a failure */

/* The verb: argv[0] is its name; returns what the program exits with. */
int verb_register(int argc, char **argv);

/*
 * leader is the launcher's process; prepared has the guest's interfaces. Does nothing if the user has no
 * machined or it refuses the guest.
 */
void register_with_own(const char *guest, const char *uuid, unsigned leader, const Prepared *prepared);

/* The name for machined: the guest's where it is a host name, else one made from it and the UUID. */
void register_machine_name(const char *guest, const char *uuid, char ret[static MACHINE_NAME_MAX + 1]);
