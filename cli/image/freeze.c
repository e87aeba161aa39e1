/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest whose file systems stay frozen hangs, and its agent does not thaw them by itself. So the launcher
 * does when this process's connection ends, in whatever way.
 */

#include "cli/image/freeze.h"

#include "contract/exit.h"
#include "util/text.h"

#define ANSWERS_SECONDS 3  /* an agent that runs answers at once */
#define FREEZE_SECONDS  30 /* what is in the guest's memory has to reach its disks */
#define THAW_SECONDS    30

static json_t *ask_agent(const char *command, int seconds)
{
        return json_pack(
                "{s:s, s:{s:s, s:i}}", "execute", "guest-agent", "arguments", "execute", command, "timeout",
                seconds);
}

/* 0, or an error with what the launcher said about it, or NULL. */
static int call(Client *c, const char *method, json_t *parameters, char **ret_reason)
{
        json_t *answer = NULL;
        const char *reason;
        int r = client_send(c, method, parameters, 0, (ClientFds){ 0 });

        r = r < 0 ? r : client_receive(c, FREEZE_SECONDS + THAW_SECONDS + 5, &answer);
        if (r >= 0 && json_object_get(answer, "error"))
                r = -EIO;
        reason = json_string_value(json_object_get(json_object_get(answer, "parameters"), "reason"));
        *ret_reason = reason ? client_text(reason) : NULL;
        json_decref(answer);
        return r;
}

static int ping(Client *c)
{
        _cleanup_(freep) char *reason = NULL;

        return call(
                c, "org.vmunit.Guest.Execute",
                json_pack("{s:[o]}", "commands", ask_agent("guest-ping", ANSWERS_SECONDS)), &reason);
}

void freeze_begin(const Call *c, Freeze *freeze)
{
        json_t *step = ask_agent("guest-fsfreeze-freeze", FREEZE_SECONDS);
        _cleanup_(freep) char *reason = NULL;
        int r = client_open(c, &freeze->client);

        (void) json_object_set_new(step, "undo", ask_agent("guest-fsfreeze-thaw", THAW_SECONDS));
        if (r != 0 || ping(&freeze->client) < 0) { /* it has no agent, or none that runs */
                json_decref(step);
                return;
        }
        r =
                call(&freeze->client, "org.vmunit.Guest.Execute",
                     json_pack("{s:[o], s:b}", "commands", step, "hold", 1), &reason);
        freeze->frozen = r >= 0;
        if (r < 0)
                fprintf(stderr,
                        "vmctl: the guest's agent does not freeze its file systems, so what they write at "
                        "the moment may be missing: %s\n",
                        reason ?: strerror(-r));
}

bool freeze_end(Freeze *freeze)
{
        _cleanup_(freep) char *reason = NULL;
        int r = freeze->frozen ? call(&freeze->client, "org.vmunit.Guest.Release",
                                      json_pack("{s:b}", "undo", 1), &reason)
                               : 0;

        if (r < 0)
                (void) fail(
                        EXIT_OS, "the guest's agent does not thaw its file systems: %s",
                        reason ?: strerror(-r));
        client_done(&freeze->client);
        return freeze->frozen;
}
