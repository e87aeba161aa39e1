/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vmctl events: a guest's events as they come, until the guest ends. The journal has most of them, too. */

#include <errno.h>
#include <time.h>

#include "cli/running/client.h"
#include "contract/exit.h"

static void print_event(const json_t *event, bool as_json)
{
        const char *name = json_string_value(json_object_get(event, "event"));
        _cleanup_(freep) char *shown = client_text(name ?: ""), *text = NULL;
        const json_t *data = json_object_get(event, "data");
        time_t now = time(NULL);
        char stamp[32] = "";
        struct tm tm;

        text = json_dumps(as_json ? event : data, JSON_COMPACT | JSON_ENSURE_ASCII);
        if (as_json)
                puts(text ?: "{}");
        else {
                if (localtime_r(&now, &tm))
                        (void) strftime(stamp, sizeof(stamp), "%F %T", &tm);
                printf("%s %s%s%s\n", stamp, shown ?: "", text ? " " : "", text ?: "");
        }
        (void) fflush(stdout);
}

int verb_events(const Call *call)
{
        _cleanup_(client_done) Client c = CLIENT_EMPTY;
        int r;

        r = client_open(call, &c);
        if (r != 0)
                return r;
        r = client_send(
                &c, "io.systemd.MachineInstance.SubscribeEvents", NULL, CLIENT_MORE, (ClientFds){ 0 });
        for (;;) {
                json_t *answer = NULL;

                if (r >= 0)
                        r = client_receive(&c, 0, &answer);
                if (r == -ECONNRESET)
                        return EXIT_SUCCESS; /* the guest is off */
                r = client_check(&c, "watch", r, answer);
                if (r == 0)
                        print_event(json_object_get(answer, "parameters"), call->option);
                json_decref(answer);
                if (r != 0)
                        return r;
                if (ferror(stdout))
                        return EXIT_OS;
        }
}
