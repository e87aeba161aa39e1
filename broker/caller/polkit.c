/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmunit.conf decides; polkit can only restrict it further, if the administrator has rules for that. So a
 * host without polkit loses nothing, and anything but a clear yes from an existing polkit is a no.
 *
 * polkit accepts details only from the owner of the action, which org.vmunit.policy declares to be the
 * broker's user.
 */

#include "broker/caller/polkit.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/call/error.h"
#include "broker/call/limits.h"
#include "util/text.h"

#define POLKIT                                                                 \
        "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", \
                "org.freedesktop.PolicyKit1.Authority"
#define ACTION  "org.vmunit.create-tap"
#define MAY_ASK 1U /* AllowUserInteraction */
#define SECOND  UINT64_C(1000000)

struct Question {
        sd_bus *bus;
        sd_bus_slot *slot;
        PolkitAnswer *answer;
        void *data;
        bool open;     /* polkit may still work on it */
        char name[32]; /* for cancelling it */
};

static bool there_is_none(const sd_bus_error *error)
{
        return sd_bus_error_has_name(error, "org.freedesktop.DBus.Error.ServiceUnknown") ||
               sd_bus_error_has_name(error, "org.freedesktop.DBus.Error.NameHasNoOwner");
}

static int read_answer(sd_bus_message *message, sd_bus_error *error)
{
        const sd_bus_error *failure = sd_bus_message_get_error(message);
        int yes, challenge;

        if (failure && there_is_none(failure))
                return 0;
        if (failure)
                return sd_bus_error_setf(
                        error, ERROR_NOT_ALLOWED, "polkit failed to decide (" ACTION "): %s",
                        failure->message ?: failure->name);
        if (sd_bus_message_enter_container(message, 'r', "bba{ss}") < 0 ||
            sd_bus_message_read(message, "bb", &yes, &challenge) < 0)
                return sd_bus_error_set(error, ERROR_NOT_ALLOWED, "polkit sent an invalid reply.");
        if (yes)
                return 0;
        return sd_bus_error_set(
                error, ERROR_NOT_ALLOWED,
                challenge ? "polkit requires a password (" ACTION "), and cannot ask for one."
                          : "polkit denied the request (" ACTION ").");
}

static int on_answer(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Question *question = data;
        int r;

        /* after a timeout polkit may still be asking */
        question->open = sd_bus_message_is_method_error(message, NULL);
        r = read_answer(message, &error);
        question->answer(r < 0 ? &error : NULL, question->data);
        return 1;
}

static int append_details(sd_bus_message *m, const CreateTap *what)
{
        return sd_bus_message_append(
                m, "a{ss}", 3, "bridge", what->bridge, "guest", what->guest, "mac",
                mac_text(what->mac).text);
}

static int make_call(sd_bus_message *call, const CreateTap *what, Question *question, sd_bus_message **ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        bool may_ask = sd_bus_message_get_allow_interactive_authorization(call) > 0;
        int r;

        r = sd_bus_message_new_method_call(question->bus, &m, POLKIT, "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "(sa{sv})s", "system-bus-name", 1, "name", "s", sd_bus_message_get_sender(call),
                        ACTION);
        if (r >= 0)
                r = append_details(m, what);
        if (r >= 0)
                r = sd_bus_message_append(m, "us", may_ask ? MAY_ASK : 0, question->name);
        if (r >= 0)
                *ret = TAKE_PTR(m);
        return r;
}

int polkit_ask(sd_bus_message *call, const CreateTap *what, PolkitAnswer *answer, void *data, Question **ret)
{
        static unsigned number;
        bool may_ask = sd_bus_message_get_allow_interactive_authorization(call) > 0;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Question *question;
        int r;

        question = malloc(sizeof(*question));
        if (!question)
                return -ENOMEM;
        *question = (Question){ .bus = sd_bus_message_get_bus(call), .answer = answer, .data = data };
        (void) snprintf(question->name, sizeof(question->name), "vmunit-%u", number++);
        r = make_call(call, what, question, &m);
        if (r >= 0)
                r = sd_bus_call_async(
                        question->bus, &question->slot, m, on_answer, question,
                        (may_ask ? POLKIT_USER_SECONDS : POLKIT_SECONDS) * SECOND);
        if (r < 0) {
                free(question);
                return r;
        }
        question->open = true;
        *ret = question;
        return 0;
}

/* Closes polkit's dialog, if nobody waits for it any more. */
Question *question_free(Question *question)
{
        if (!question)
                return NULL;
        (void) sd_bus_slot_unref(question->slot);
        if (question->open)
                (void) sd_bus_call_method_async(
                        question->bus, NULL, POLKIT, "CancelCheckAuthorization", NULL, NULL, "s",
                        question->name);
        free(question);
        return NULL;
}
