/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds the calls that the launcher executes, so that those who make them read as a list of commands. */

#include "operate/backup/steps.h"

json_t *steps_command(const char *command, json_t *arguments)
{
        json_t *object = json_pack("{s:s}", "execute", command);

        if (arguments)
                (void) json_object_set_new(object, "arguments", arguments);
        return object;
}

json_t *steps_add(json_t *steps, const char *command, json_t *arguments)
{
        json_t *step = steps_command(command, arguments);

        (void) json_array_append_new(steps, step);
        return json_array_get(steps, json_array_size(steps) - 1);
}

void step_undo(json_t *step, const char *command, json_t *arguments)
{
        if (!json_object_get(step, "undos"))
                (void) json_object_set_new(step, "undos", json_array());
        (void) json_array_append_new(json_object_get(step, "undos"), steps_command(command, arguments));
}

void step_set(json_t *step, const char *key, const char *name)
{
        (void) json_object_set_new(step, key, json_string(name));
}

void actions_add(json_t *actions, const char *type, json_t *data)
{
        (void) json_array_append_new(actions, json_pack("{s:s, s:o}", "type", type, "data", data));
}
