/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Save: the guest into a file of its own state directory. The launcher owns that directory, so nothing is
 * passed, and what must be known to restore the guest is with it. Unlike a dump it ends with its client: a
 * Ctrl-C has the guest go on.
 */

#include "launcher/guest/guest.h"

static void on_progress(uint64_t done, uint64_t total, void *userdata)
{
        if (call_has_more(userdata))
                call_notify(
                        userdata,
                        json_pack(
                                "{s:I, s:I}", "completed", (json_int_t) done, "total", (json_int_t) total));
}

static void on_done(const char *failed, void *userdata)
{
        if (failed)
                call_refuse(userdata, ERROR_FAILED, "%s", failed);
        else
                call_reply(userdata, json_object());
}

static const SaveListener listener = { .progress = on_progress, .done = on_done };

static void on_gone(void *userdata)
{
        save_forget(call_context(userdata)->save, userdata);
}

void guest_save(Call *call, const json_t *parameters)
{
        const ControlContext *context = call_context(call);
        const char *why = lifecycle_why_busy(context->life);

        if (!why)
                why = save_begin(context->save, &listener, call);
        if (why)
                call_refuse(call, ERROR_FAILED, "%s", why);
        else
                call_on_gone(call, on_gone, call);
}
