/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Execute: a batch of QEMU's commands that an administrator chose, each with what undoes it and maybe a
 * descriptor. Nothing is checked but that the commands may be given at all: QEMU says best what is wrong.
 * Release: what was held of such batches is kept as it is, or undone at once.
 */

#include <errno.h>

#include "launcher/command/kept.h"
#include "launcher/guest/guest.h"
#include "util/text.h"

static void on_gone(void *userdata)
{
        batch_abandon(userdata);
}

static void on_done(json_t *results, const char *error, size_t failed, void *userdata)
{
        Call *call = userdata;

        if (results)
                call_reply(call, json_pack("{s:O}", "results", results));
        else
                call_error(
                        call, "CommandFailed",
                        json_pack("{s:I, s:s}", "index", (json_int_t) failed, "reason", error));
}

static const char *command_of(const json_t *step, const json_t **ret_arguments)
{
        *ret_arguments = json_object_get(step, "arguments");
        if (*ret_arguments && !json_is_object(*ret_arguments)) {
                if (!json_is_null(*ret_arguments))
                        return NULL;
                *ret_arguments = NULL;
        }
        return json_string_value(json_object_get(step, "execute"));
}

static int add_one_undo(Batch *b, const json_t *undo, const char **ret_instead)
{
        const json_t *arguments;
        const char *command = command_of(undo, &arguments);

        if (!command)
                return -EINVAL;
        *ret_instead = command_kept(command, arguments);
        return *ret_instead ? -EPERM : batch_undo(b, command, json_incref((json_t *) arguments));
}

/* One command, or an array of them. */
static int add_undo(Batch *b, const json_t *step, const char **ret_instead)
{
        const json_t *undo = json_object_get(step, "undo"), *undos = json_object_get(step, "undos"), *one;
        int r = 0;
        size_t i;

        if (undo && !json_is_null(undo))
                r = add_one_undo(b, undo, ret_instead);
        if (r >= 0 && undos && !json_is_null(undos) && !json_is_array(undos))
                return -EINVAL;
        json_array_foreach(undos, i, one) {
                r = r < 0 ? r : add_one_undo(b, one, ret_instead);
        }
        return r;
}

static int add_names(Batch *b, const json_t *step)
{
        const json_t *name = json_object_get(step, "name"), *replaces = json_object_get(step, "replaces");

        if ((name && !json_is_string(name) && !json_is_null(name)) ||
            (replaces && !json_is_string(replaces) && !json_is_null(replaces)))
                return -EINVAL;
        return batch_name(b, json_string_value(name), json_string_value(replaces));
}

/* -EPERM for one that is kept, with *ret_instead; -EBADF, -EINVAL, -E2BIG, -ENOMEM. */
static int add_step(Call *call, Batch *b, const json_t *step, const char **ret_instead)
{
        const json_t *arguments, *index = json_object_get(step, "fileDescriptorIndex");
        const char *command = command_of(step, &arguments);
        int fd = -1, r;

        if (!command)
                return -EINVAL;
        *ret_instead = command_kept(command, arguments);
        if (*ret_instead)
                return -EPERM;
        if (index && !json_is_null(index)) {
                if (!json_is_integer(index) || json_integer_value(index) < 0)
                        return -EINVAL;
                fd = call_take_fd(call, (size_t) json_integer_value(index));
                if (fd >= 0 && !monitor_takes(fd))
                        fd = fd_close(fd);
                if (fd < 0)
                        return -EBADF;
        }
        r = batch_add(b, command, json_incref((json_t *) arguments), fd);
        if (r >= 0)
                r = add_names(b, step);
        if (r >= 0 && streq(command, "hold-still"))
                r = batch_undo(b, "go-on", NULL);
        return r < 0 ? r : add_undo(b, step, ret_instead);
}

void guest_execute(Call *call, const json_t *parameters)
{
        const json_t *steps = json_object_get(parameters, "commands"), *step,
                     *hold = json_object_get(parameters, "hold");
        const ControlContext *context = call_context(call);
        _cleanup_(batch_freep) Batch *b = batch_new();
        const char *instead = NULL;
        int r = b ? 0 : -ENOMEM;
        Batch *running;
        size_t i;

        if (!json_is_array(steps) || json_array_size(steps) == 0)
                r = -EINVAL;
        json_array_foreach(steps, i, step) {
                if (r >= 0)
                        r = add_step(call, b, step, &instead);
                if (r < 0)
                        break;
        }
        if (hold && !json_is_boolean(hold) && !json_is_null(hold))
                call_bad_parameter(call, "hold");
        else if (r == -EPERM)
                call_error(
                        call, "CommandFailed",
                        json_pack("{s:I, s:s}", "index", (json_int_t) i, "reason", instead));
        else if (r < 0)
                guest_refuse(call, r);
        else {
                running = b;
                r = batch_run_held(
                        TAKE_PTR(b), context->batches, context->life, call_held(call), json_is_true(hold),
                        on_done, call);
                if (r < 0)
                        guest_refuse(call, r);
                else
                        call_on_gone(call, on_gone, running);
        }
}

static void on_undone(json_t *results, const char *error, size_t failed, void *userdata)
{
        call_reply(userdata, json_object());
}

void guest_release(Call *call, const json_t *parameters)
{
        const json_t *undo = json_object_get(parameters, "undo");
        const ControlContext *context = call_context(call);
        Held *held = call_held(call);
        Batch *b;
        int r;

        if (undo && !json_is_boolean(undo) && !json_is_null(undo)) {
                call_bad_parameter(call, "undo");
                return;
        }
        if (!json_is_true(undo)) {
                held_release(held, context->life);
                call_reply(call, json_object());
                return;
        }
        r = held_undo(held, context->batches, context->life, on_undone, call, &b);
        if (r < 0)
                guest_refuse(call, r);
        else
                call_on_gone(call, on_gone, b);
}
