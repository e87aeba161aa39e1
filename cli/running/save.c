/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmctl save: the launcher writes the file itself, in the guest's state directory, so nothing has to be
 * opened here. If this process ends before the file is whole, the guest goes on.
 */

#include <errno.h>

#include "cli/running/client.h"
#include "contract/exit.h"

#define END_SECONDS 60U

int verb_save(const Call *call)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        json_t *answer = NULL;
        int r;

        if (call->option)
                return discard_saved(call->user_scope, call->words[0]);
        r = client_open(call, &c);
        if (r == 0) {
                r = client_send(&c, "org.vmunit.Guest.Save", NULL, CLIENT_MORE, (ClientFds){ 0 });
                r = client_follow(&c, "save", r);
        }
        if (r != 0)
                return r;
        r = client_receive(&c, END_SECONDS, &answer);
        json_decref(answer);
        if (r != -ECONNRESET)
                return fail(EXIT_OS, "guest %s was saved, but did not end in %u s", c.guest, END_SECONDS);
        return EXIT_SUCCESS;
}
