/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl agent: one command for the guest agent, which the launcher serves to several clients in turn. */

#include "cli/running/client.h"
#include "contract/exit.h"

int verb_agent(const Call *call)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        json_t *arguments = NULL, *reply = NULL;
        int r;

        if (call->n_words > 2) {
                arguments = client_parse_object(call->words[2]);
                if (!arguments)
                        return EXIT_BAD_USAGE;
        }
        r = client_open(call, &c);
        if (r == 0)
                r = client_call(
                        &c, "ask the agent of", "org.vmunit.Guest.Agent",
                        json_pack("{s:s, s:O*}", "execute", call->words[1], "arguments", arguments),
                        (ClientFds){ 0 }, &reply);
        if (r == 0)
                r = client_print(json_object_get(reply, "result"));
        json_decref(reply);
        json_decref(arguments);
        return r;
}
