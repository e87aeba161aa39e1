/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU often chooses the ports of a guest's screen itself, so they are not in the XML, and QEMU is queried.
 * The queries are a table and are sent one after the other; if one fails, its part is left out. QEMU is not
 * trusted: text from it is made safe to print.
 */

#include "launcher/monitor/describe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "contract/limits.h"
#include "launcher/monitor/command.h"
#include "launcher/stream/sanitize.h"
#include "log/log.h"
#include "util/text.h"

struct Describe {
        Monitor *monitor;
        char *const *argv;
        DescribeDone done;
        void *userdata;
        size_t question;
        char text[2 * EVENT_VALUE_MAX];
        size_t size;
};

static _printf_(2, 3) void add(Describe *d, const char *format, ...)
{
        size_t room = sizeof(d->text) - d->size;
        va_list ap;
        int n;

        if (d->size > 0 && room > 2) {
                memcpy(d->text + d->size, ", ", 2);
                d->size += 2;
                room -= 2;
        }
        va_start(ap, format);
        n = vsnprintf(d->text + d->size, room, format, ap);
        va_end(ap);
        if (n > 0)
                d->size += (size_t) n < room ? (size_t) n : room - 1;
}

static void describe_cpus(Describe *d, const json_t *result)
{
        size_t n = json_array_size(result);

        if (n > 0)
                add(d, "%zu vCPU%s", n, n > 1 ? "s" : "");
}

static void describe_vnc(Describe *d, const json_t *result)
{
        const json_t *host = json_object_get(result, "host"), *service = json_object_get(result, "service");
        const char *family = json_string_value(json_object_get(result, "family"));
        char host_text[64], service_text[128];

        if (!json_is_true(json_object_get(result, "enabled")) || !json_is_string(service))
                return;
        sanitize_text(
                json_string_value(service), json_string_length(service), service_text, sizeof(service_text));
        if (family && streq(family, "unix")) {
                add(d, "VNC on %s", service_text);
                return;
        }
        sanitize_text(json_string_value(host) ?: "", json_string_length(host), host_text, sizeof(host_text));
        add(d, strchr(host_text, ':') ? "VNC on [%s]:%s" : "VNC on %s:%s", host_text, service_text);
}

static void describe_spice(Describe *d, const json_t *result)
{
        const json_t *host = json_object_get(result, "host");
        json_int_t port = json_integer_value(json_object_get(result, "port"));
        json_int_t tls = json_integer_value(json_object_get(result, "tls-port"));
        char host_text[64];

        if (!json_is_true(json_object_get(result, "enabled")) || (port == 0 && tls == 0))
                return;
        sanitize_text(json_string_value(host) ?: "", json_string_length(host), host_text, sizeof(host_text));
        add(d, "SPICE on %s:%lld%s", host_text, (long long) (port ?: tls), port ? "" : " (TLS)");
}

static const struct Question {
        const char *command;
        const char *option; /* query only if QEMU's command line has it */
        void (*describe)(Describe *d, const json_t *result);
} questions[] = {
        { "query-cpus-fast", NULL, describe_cpus },
        { "query-vnc", "-vnc", describe_vnc },
        { "query-spice", "-spice", describe_spice },
};

static void ask_next(Describe *d);

static void on_answer(const json_t *result, const char *error, void *userdata)
{
        Describe *d = userdata;

        if (result)
                questions[d->question].describe(d, result);
        d->question++;
        ask_next(d);
}

static void ask_next(Describe *d)
{
        for (; d->question < ELEMENTS(questions); d->question++) {
                const struct Question *q = &questions[d->question];

                if (q->option && !command_has_option(d->argv, q->option))
                        continue;
                if (monitor_execute(d->monitor, q->command, NULL, on_answer, d, MONITOR_PATIENCE) >= 0)
                        return;
        }
        d->done(d->text, d->userdata);
}

int describe_new(Monitor *monitor, char *const *argv, DescribeDone done, void *userdata, Describe **ret)
{
        Describe *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return log_out_of_memory();
        *d = (Describe){ .monitor = monitor, .argv = argv, .done = done, .userdata = userdata };

        /* the first query is unconditional, so its reply always starts the next one */
        r = monitor_execute(monitor, questions[0].command, NULL, on_answer, d, MONITOR_PATIENCE);
        if (r < 0) {
                describe_free(d);
                return r;
        }
        *ret = d;
        return 0;
}

Describe *describe_free(Describe *d)
{
        if (!d)
                return NULL;
        monitor_forget(d->monitor, d);
        free(d);
        return NULL;
}
