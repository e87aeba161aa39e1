/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs that are one call to the guest's launcher: pause, resume, reset, nmi, send-key, and kill. machinectl
 * has the first two since systemd 261, but not for users' guests.
 *
 * The launcher answers to resume when it has seen that the guest runs, or why not. "kill" returns when the
 * launcher has ended: then QEMU is gone, too.
 */

#include <errno.h>

#include "cli/running/client.h"
#include "contract/exit.h"

#define KILL_SECONDS 30U

static int call_simple(const Call *call, const char *what, const char *method, json_t *parameters)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        int r = client_open(call, &c);

        if (r == 0)
                return client_call(&c, what, method, parameters, (ClientFds){ 0 }, NULL);
        json_decref(parameters);
        return r;
}

int verb_pause(const Call *call)
{
        return call_simple(call, "pause", "io.systemd.MachineInstance.Pause", NULL);
}

int verb_resume(const Call *call)
{
        return call_simple(call, "resume", "io.systemd.MachineInstance.Resume", NULL);
}

int verb_reset(const Call *call)
{
        return call_simple(call, "reset", "org.vmunit.Guest.Reset", NULL);
}

int verb_nmi(const Call *call)
{
        return call_simple(call, "send an NMI to", "org.vmunit.Guest.Nmi", NULL);
}

int verb_kill(const Call *call)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        json_t *answer = NULL;
        int r;

        r = client_open(call, &c);
        if (r == 0)
                r = client_call(
                        &c, "kill", "io.systemd.MachineInstance.Terminate", NULL, (ClientFds){ 0 }, NULL);
        if (r != 0)
                return r;
        r = client_receive(&c, KILL_SECONDS, &answer);
        json_decref(answer);
        return r == -ECONNRESET ? EXIT_SUCCESS
                                : fail(EXIT_OS, "guest %s did not end in %u s", c.guest, KILL_SECONDS);
}

/* "ctrl+alt+delete": pressed together. */
static json_t *split_keys(const char *text)
{
        json_t *keys = json_array();

        for (;;) {
                size_t n = strcspn(text, "+");

                (void) json_array_append_new(keys, json_stringn(text, n));
                if (text[n] == '\0')
                        return keys;
                text += n + 1;
        }
}

int verb_send_key(const Call *call)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        int r = client_open(call, &c);

        for (int i = 1; r == 0 && i < call->n_words; i++)
                r = client_call(
                        &c, "send keys to", "org.vmunit.Guest.SendKey",
                        json_pack("{s:o}", "keys", split_keys(call->words[i])), (ClientFds){ 0 }, NULL);
        return r;
}
