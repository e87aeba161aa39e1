/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The JSON of org.vmunit.Guest.Execute. Memory that runs out makes what is added NULL, and the call fail. */

#include <jansson.h>

/* A command, whose arguments are taken; NULL for none. */
json_t *steps_command(const char *command, json_t *arguments);

/* Adds a step to the array and returns it, borrowed. */
json_t *steps_add(json_t *steps, const char *command, json_t *arguments);

/* Adds to what undoes the step. */
void step_undo(json_t *step, const char *command, json_t *arguments);

/* Names the step, or says which step it does the undoing of. */
void step_set(json_t *step, const char *key, const char *name);

/* An action of a transaction; data is taken. */
void actions_add(json_t *actions, const char *type, json_t *data);
