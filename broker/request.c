/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A request passes these steps, and may end at each:
 *
 *   1. Who is asking? The bus says. Has this user too many requests in progress?
 *   2. What for? See create-tap.c; nothing is trusted before.
 *   3. Does vmunit.conf allow it?
 *   4. Does polkit? Others are served meanwhile, and the request ends if the caller disappears.
 *   5. Does vmunit.conf still allow it? polkit may have waited minutes for a password.
 *   6. The TAP is created and sent. This never waits, so two requests never do it at the same time.
 *
 * The broker keeps no descriptor: if the reply does not reach the caller, the bus closes them, and the TAP
 * disappears.
 */

#include "broker/request.h"

#include <errno.h>

#include "broker/call/create-tap.h"
#include "broker/call/error.h"
#include "broker/call/limits.h"
#include "broker/caller/access.h"
#include "broker/caller/polkit.h"
#include "broker/tap/tap.h"
#include "log/log.h"

struct Request {
        Request *next, **link; /* the pointer to this one */
        Broker *broker;
        User *user;
        sd_bus_message *call;
        sd_bus_track *caller;
        Question *question;
        CreateTap ask;
};

static Request *request_new(Broker *broker, User *user, sd_bus_message *call)
{
        Request *q = calloc(1, sizeof(*q));

        if (!q)
                return NULL;
        q->broker = broker;
        q->user = user;
        q->call = sd_bus_message_ref(call);
        q->next = broker->requests;
        q->link = &broker->requests;
        if (q->next)
                q->next->link = &q->next;
        broker->requests = q;
        broker->n_requests++;
        user->requests++;
        return q;
}

Request *request_free(Request *q)
{
        Request *next = q->next;

        q->question = question_free(q->question);
        (void) sd_bus_track_unref(q->caller);
        (void) sd_bus_message_unref(q->call);
        *q->link = next;
        if (next)
                next->link = q->link;
        q->broker->n_requests--;
        q->user->requests--;
        free(q);
        return next;
}

static void request_over(Request *q)
{
        Broker *broker = q->broker;

        (void) request_free(q);
        broker->request_over(broker);
}

/* ask and interface may be NULL if unknown. */
static void log_decision(
        int priority, const User *user, const CreateTap *ask, const char *interface, const char *text)
{
        _cleanup_(freep) char *uid = text_format("VM_UID=%u", user->uid),
                              *guest = ask ? text_format("VM_GUEST=%s", ask->guest) : NULL,
                              *bridge = ask ? text_format("VM_BRIDGE=%s", ask->bridge) : NULL,
                              *tap = interface ? text_format("VM_INTERFACE=%s", interface) : NULL;
        char *fields[5] = { NULL }, *all[] = { uid, guest, bridge, tap };
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTS(all); i++)
                if (all[i])
                        fields[n++] = all[i];
        log_entry(priority, NULL, fields, "%s", text);
}

/* Refusals beyond the rate limit are counted, and reported with the next one that is logged. */
static void log_refusal(User *user, const CreateTap *ask, const sd_bus_error *error, const char *detail)
{
        _cleanup_(freep) char *text = NULL;
        uint64_t now = users_now();
        unsigned more = rate_limit_take_suppressed(&user->refusals, now);

        if (!rate_limit_pass(&user->refusals, now, 0))
                return;
        text = text_format(
                "Refused to user %u%s%s: %s%s%s", user->uid, ask ? ", guest " : "", ask ? ask->guest : "",
                error->message ?: error->name, detail ? " " : "", detail ?: "");
        user_log_suppressed(user, more);
        log_decision(LOG_WARNING, user, ask, NULL, text ?: error->name);
}

/* An errno without a D-Bus error is a failure of the host. */
static void name_error(sd_bus_error *error, int r)
{
        if (!sd_bus_error_is_set(error))
                (void) sd_bus_error_setf(
                        error, ERROR_FAILED, "Failed to carry out the request: %s.", strerror(-r));
}

static void refuse(
        sd_bus_message *call, User *user, const CreateTap *ask, const sd_bus_error *error,
        const char *detail)
{
        log_refusal(user, ask, error, detail);
        (void) sd_bus_reply_method_error(call, error);
}

static int send_tap(sd_bus_message *call, const Tap *tap)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;
        int r;

        r = sd_bus_message_new_method_return(call, &answer);
        if (r >= 0)
                r = sd_bus_message_append(answer, "s", tap->interface);
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'a', "h");
        for (unsigned i = 0; r >= 0 && i < tap->n_queues; i++)
                r = sd_bus_message_append(answer, "h", tap->queues[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        return r < 0 ? r : sd_bus_send(NULL, answer, NULL);
}

/* Steps 5 and 6. */
static int carry_out(Request *q, char **ret_detail, sd_bus_error *error)
{
        _cleanup_(freep) char *text = NULL;
        _cleanup_(tap_done) Tap tap = { 0 };
        Terms terms;
        int r;

        r = access_check(q->user->uid, &q->ask, &terms, ret_detail, error);
        if (r >= 0)
                r = tap_create(q->broker->netlink, q->user->uid, &q->ask, &terms, &tap, error);
        if (r >= 0)
                r = send_tap(q->call, &tap);
        if (r < 0)
                return r;
        text = text_format(
                "User %u received the TAP %s on the bridge %s for guest %s.", q->user->uid, tap.interface,
                q->ask.bridge, q->ask.guest);
        log_decision(LOG_INFO, q->user, &q->ask, tap.interface, text ?: tap.interface);
        return 0;
}

static void on_polkit(const sd_bus_error *no, void *data)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(freep) char *detail = NULL;
        Request *q = data;
        int r;

        if (no)
                refuse(q->call, q->user, &q->ask, no, NULL);
        else {
                r = carry_out(q, &detail, &error);
                if (r < 0) {
                        name_error(&error, r);
                        refuse(q->call, q->user, &q->ask, &error, detail);
                }
        }
        request_over(q);
}

void request_refuse_all(Broker *broker)
{
        static const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(
                ERROR_STOPPING, "The broker is stopping, and polkit has not answered yet; try again.");

        while (broker->requests) {
                Request *q = broker->requests;

                refuse(q->call, q->user, &q->ask, &error, NULL);
                request_over(q);
        }
}

static int on_vanished(sd_bus_track *track, void *data)
{
        Request *q = data;

        log_decision(LOG_INFO, q->user, &q->ask, NULL, "A caller disappeared before it was answered.");
        request_over(q);
        return 0;
}

/* Steps 2 to 4. 1 if polkit was asked. */
static int consider(Request *q, bool *ret_understood, char **ret_detail, sd_bus_error *error)
{
        Terms terms;
        int r;

        r = create_tap_read(q->call, &q->ask, error);
        *ret_understood = r >= 0;
        if (r >= 0)
                r = access_check(q->user->uid, &q->ask, &terms, ret_detail, error);
        if (r >= 0)
                r = sd_bus_track_new(q->broker->bus, &q->caller, on_vanished, q);
        if (r >= 0)
                r = sd_bus_track_add_sender(q->caller, q->call);
        if (r >= 0)
                r = polkit_ask(q->call, &q->ask, on_polkit, q, &q->question);
        return r;
}

int request_caller(sd_bus_message *call, uid_t *ret)
{
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
        int r;

        r = sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds);
        return r < 0 ? r : sd_bus_creds_get_euid(creds, ret);
}

/* Step 1. */
static int find_user(Broker *broker, sd_bus_message *call, User **ret)
{
        uid_t uid;
        int r;

        r = request_caller(call, &uid);
        return r < 0 ? r : users_get(&broker->users, uid, ret);
}

int request_begin(Broker *broker, sd_bus_message *call)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(freep) char *detail = NULL;
        bool understood = false;
        User *user;
        Request *q;
        int r;

        r = find_user(broker, call, &user);
        if (r < 0)
                return r;
        if (broker->n_requests >= REQUESTS_MAX || user->requests >= REQUESTS_PER_USER_MAX) {
                (void) sd_bus_error_setf(
                        &error, ERROR_LIMIT_REACHED,
                        "Too many requests in progress, from user %u or from all users.", user->uid);
                refuse(call, user, NULL, &error, NULL);
                return 1;
        }
        q = request_new(broker, user, call);
        if (!q)
                return -ENOMEM;
        r = consider(q, &understood, &detail, &error);
        if (r < 0) {
                name_error(&error, r);
                refuse(call, user, understood ? &q->ask : NULL, &error, detail);
                request_over(q);
        }
        return 1;
}
