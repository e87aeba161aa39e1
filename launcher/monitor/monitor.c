/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The monitor is a socket pair; only QEMU has the other end. After QEMU's greeting and the negotiation of
 * capabilities (none is requested), several commands can be in progress at once, distinguished by their
 * "id".
 *
 * Nothing here waits for QEMU: a command without a reply in time fails for its caller, and a later reply is
 * dropped. QEMU is not trusted, since a guest may have taken it over: a reply to no command is ignored.
 *
 * QEMU 7.2 closes the descriptors of a set that is removed only if the guest runs at that moment. So sets
 * that were removed while the guest stood still are removed once more when it goes on.
 */

#include "launcher/monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "contract/limits.h"
#include "launcher/stream/channel.h"
#include "log/log.h"
#include "util/rate-limit.h"
#include "util/text.h"

typedef struct Command {
        struct Command *next;
        const char *name; /* a constant; NULL where somebody takes the reply */
        json_int_t id;
        MonitorReply reply;
        void *userdata;
        uint64_t deadline;
        json_t *set; /* the arguments of remove-fd, or NULL */
} Command;

struct Monitor {
        Channel *channel;
        const MonitorHandlers *handlers;
        void *userdata;
        sd_event *event;
        sd_event_source *timer;
        Command *commands;
        size_t n_commands;
        json_int_t last_id;
        RateLimit complaints;
        json_t *greeting;
        json_t *removed; /* since the guest stopped: the arguments of each remove-fd */
        const char *error_class;
};

#define REMOVED_MAX (MONITOR_COMMANDS_MAX / 2)

static uint64_t now_usec(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * MONITOR_SECOND + (uint64_t) t.tv_nsec / 1000;
}

/* A QEMU that was taken over can send events that make the launcher ask, and refuse every answer. */
static bool may_complain(Monitor *m, const char *text)
{
        return rate_limit_pass(&m->complaints, now_usec(), strlen(text));
}

static void command_finish(Monitor *m, Command *c, const json_t *result, const char *error)
{
        for (Command **p = &m->commands; *p; p = &(*p)->next)
                if (*p == c) {
                        *p = c->next;
                        m->n_commands--;
                        break;
                }
        if (c->set && result && json_array_size(m->removed) < REMOVED_MAX)
                (void) json_array_append(m->removed, c->set);
        json_decref(c->set);
        if (c->reply)
                c->reply(result, error, c->userdata);
        else if (error && may_complain(m, error))
                log_warning("QEMU failed to execute %s: %s", c->name, error);
        free(c);
}

static void arm_timer(Monitor *m)
{
        uint64_t first = UINT64_MAX;

        for (Command *c = m->commands; c; c = c->next)
                first = c->deadline < first ? c->deadline : first;
        if (first == UINT64_MAX) {
                (void) sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time(m->timer, first);
        (void) sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        Monitor *m = userdata;
        uint64_t now = now_usec();
        Command *c = m->commands;

        /* the callback may send further commands: they are added at the front, and none is removed */
        while (c) {
                Command *next = c->next;

                if (c->deadline <= now)
                        command_finish(m, c, NULL, "timed out");
                c = next;
        }
        arm_timer(m);
        return 0;
}

static int execute(
        Monitor *m, const char *name, json_t *arguments, int fd, MonitorReply reply, void *userdata,
        uint64_t patience)
{
        _cleanup_(json_decrefp) json_t *message = NULL, *taken = arguments;
        _cleanup_(freep) Command *c = NULL;
        int r;

        if (m->n_commands >= MONITOR_COMMANDS_MAX)
                return !may_complain(m, name)
                               ? -EBUSY
                               : log_errno(
                                         LOG_ERR, -EBUSY,
                                         "Not sending %s to QEMU: too many commands are unanswered", name);
        c = calloc(1, sizeof(*c));
        message = json_pack("{s:s, s:I, s:O*}", "execute", name, "id", m->last_id + 1, "arguments", taken);
        if (!c || !message)
                return log_out_of_memory();
        r = channel_send(m->channel, message, &fd, fd >= 0);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Failed to send QEMU the command %s", name);
        *c = (Command){
                .next = m->commands,
                .name = reply ? NULL : name,
                .id = ++m->last_id,
                .reply = reply,
                .userdata = userdata,
                .deadline = patience == MONITOR_NO_LIMIT ? UINT64_MAX : now_usec() + patience,
                .set = streq(name, "remove-fd") ? json_incref(arguments) : NULL,
        };
        m->commands = TAKE_PTR(c);
        m->n_commands++;
        arm_timer(m);
        return 0;
}

int monitor_execute(
        Monitor *m, const char *command, json_t *arguments, MonitorReply reply, void *userdata,
        uint64_t patience)
{
        return execute(m, command, arguments, -1, reply, userdata, patience);
}

/* QEMU 10.2 and later set all that they receive to blocking, and take a failure for one of the connection.
 */
bool monitor_takes(int fd)
{
        int flags = fcntl(fd, F_GETFL);

        return flags >= 0 && !(flags & O_PATH);
}

int monitor_execute_fd(
        Monitor *m, const char *command, json_t *arguments, int fd, MonitorReply reply, void *userdata)
{
        return execute(m, command, arguments, fd, reply, userdata, MONITOR_PATIENCE);
}

sd_event *monitor_get_event(const Monitor *m)
{
        return m->event;
}

static void reply_is_ignored(const json_t *result, const char *error, void *userdata)
{
}

void monitor_forget(Monitor *m, const void *userdata)
{
        for (Command *c = m->commands; c; c = c->next)
                if (c->userdata == userdata)
                        c->reply = reply_is_ignored;
}

/* Nobody is waited for any more: who asked may be gone before the monitor is freed. */
static void end(Monitor *m, int error)
{
        for (Command *c = m->commands; c; c = c->next)
                c->reply = reply_is_ignored;
        (void) sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
        m->handlers->closed(error, m->userdata);
}

static void on_capabilities(const json_t *result, const char *error, void *userdata)
{
        Monitor *m = userdata;

        if (!result) {
                log_error("QEMU refused to negotiate capabilities on its monitor: %s", error);
                end(m, -EPROTO);
                return;
        }
        m->handlers->ready(m->userdata);
}

static int on_answer(Monitor *m, json_int_t id, const json_t *message)
{
        const json_t *error = json_object_get(message, "error");
        const char *text = json_string_value(json_object_get(error, "desc"));
        const json_t *result;

        for (Command *c = m->commands; c; c = c->next)
                if (c->id == id) {
                        result = error ? NULL : json_object_get(message, "return");
                        m->error_class = json_string_value(json_object_get(error, "class"));
                        command_finish(m, c, result, result ? NULL : text ?: "no reason given");
                        m->error_class = NULL;
                        arm_timer(m);
                        return 0;
                }

        log_debug("QEMU answered a command that was not pending.");
        return 0;
}

static void note_event(Monitor *m, const char *event)
{
        _cleanup_(json_decrefp) json_t *removed = NULL;
        json_t *set;
        size_t i;

        if (!streq(event, "STOP") && !streq(event, "RESUME"))
                return;
        removed = m->removed;
        m->removed = json_array();
        if (streq(event, "RESUME"))
                json_array_foreach(removed, i, set)
                        (void) execute(
                                m, "remove-fd", json_incref(set), -1, reply_is_ignored, m, MONITOR_PATIENCE);
}

static int on_message(Channel *channel, json_t *message, void *userdata)
{
        Monitor *m = userdata;
        const json_t *id = json_object_get(message, "id");

        if (json_is_integer(id))
                return on_answer(m, json_integer_value(id), message);
        if (json_object_get(message, "event")) {
                note_event(m, json_string_value(json_object_get(message, "event")) ?: "");
                m->handlers->event(message, m->userdata);
                return 0;
        }
        if (json_object_get(message, "QMP") && !m->greeting) {
                m->greeting = json_incref(message);
                return execute(m, "qmp_capabilities", NULL, -1, on_capabilities, m, MONITOR_PATIENCE);
        }
        log_debug("Ignoring a message on QEMU's monitor that is neither an answer nor an event nor a "
                  "greeting.");
        return 0;
}

static void on_closed(Channel *channel, int error, void *userdata)
{
        end(userdata, error);
}

static const ChannelKind monitor_channel = {
        .end = '\n',
        .input_max = MONITOR_MESSAGE_MAX,
        .output_max = MONITOR_OUTPUT_MAX,
        .message = on_message,
        .closed = on_closed,
};

int monitor_new(sd_event *event, int fd, const MonitorHandlers *handlers, void *userdata, Monitor **ret)
{
        _cleanup_(monitor_freep) Monitor *m = calloc(1, sizeof(*m));
        int r;

        if (!m) {
                (void) fd_close(fd);
                return -ENOMEM;
        }
        *m = (Monitor){
                .handlers = handlers,
                .userdata = userdata,
                .event = sd_event_ref(event),
                .removed = json_array(),
                .complaints = { EVENT_RATE_SECONDS * MONITOR_SECOND, EVENT_RATE_EVENTS, COMPLAINTS_BYTES },
        };
        r = channel_new(event, fd, &monitor_channel, m, &m->channel);
        if (r < 0)
                return r;
        r = sd_event_add_time(event, &m->timer, CLOCK_MONOTONIC, 0, MONITOR_SECOND / 10, on_timer, m);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

Monitor *monitor_free(Monitor *m)
{
        if (!m)
                return NULL;
        channel_free(m->channel);
        sd_event_source_disable_unref(m->timer);
        sd_event_unref(m->event);
        while (m->commands) {
                Command *c = m->commands;

                m->commands = c->next;
                json_decref(c->set);
                free(c);
        }
        json_decref(m->greeting);
        json_decref(m->removed);
        free(m);
        return NULL;
}

const json_t *monitor_greeting(const Monitor *m)
{
        return m->greeting;
}

const char *monitor_error_class(const Monitor *m)
{
        return m->error_class;
}
