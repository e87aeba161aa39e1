/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Commands for QEMU's monitor that are carried out one after the other, and undone in reverse if one fails.
 */

#include <jansson.h>
#include <stdbool.h>

#include "launcher/monitor/monitor.h"
#include "util/ownership.h"

typedef struct Script Script;

/* The last call: failed is the reason of the first command that failed, or NULL. */
typedef void (*ScriptDone)(const char *failed, void *userdata);

int script_new(Monitor *monitor, Script **ret);
Script *script_free(Script *s); /* returns NULL; what is under way is not undone */

/*
 * Adds a command. Takes arguments, and fd (or -EBADF), which is sent along; undo is the command that undoes
 * it, or NULL, and undo_arguments are taken, too. Names of commands are constants. An error is kept until
 * script_run().
 */
void script_add(
        Script *s, const char *command, json_t *arguments, int fd, const char *undo, json_t *undo_arguments);

/* The same for a command whose failure is only logged. */
void script_try(Script *s, const char *command, json_t *arguments);

/* What is added from now on belongs to that group; a script begins with group 0. */
void script_set_group(Script *s, unsigned group);

/* Whether all of the group's commands, at least one, have been carried out. */
bool script_has_done(const Script *s, unsigned group);

/* Undoing leaves that group alone. */
void script_keep_group(Script *s, unsigned group);

/* Repeats the command that was added last for so long if it fails. */
void script_insist(Script *s, unsigned seconds);

/* The command that was added last has no time limit: until QEMU has answered, nobody could tell whether it
 * is still carried out. */
void script_wait(Script *s);

/* Runs it. done is called later, once; 0 or -ENOMEM, or the error of the monitor. */
int script_run(Script *s, ScriptDone done, void *userdata);

/* Undoes what was done; failures are logged. done is called as above. */
int script_undo(Script *s, ScriptDone done, void *userdata);

DEFINE_CLEANUP(Script, script_free);
