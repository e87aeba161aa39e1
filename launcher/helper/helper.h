/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A guest's helper, outside its sandbox: its requests, its replies, and how to call it. */

#include <systemd/sd-event.h>

#include "launcher/prepare/prepare-request.h"
#include "launcher/store/fds.h"
#include "util/ownership.h"

#define HELPER_TEXT_MAX 256 /* bytes of a name in systemd's store, or of a status, with the NUL */

/* Over an update of vmunit, a launcher and a helper of two versions may meet: numbers stay. */
typedef enum HelperKind {
        HELPER_OPEN, /* request: open the guest's own directories; text is the definition of the launcher's
                        unit */
        HELPER_PREPARE,  /* request, after that: open what else the guest needs */
        HELPER_REGISTER, /* request, after that: make the caller known to machined as the guest's launcher */
        HELPER_STATUS,   /* reply, any number: text is what the helper waits for, "" when it is over */
        HELPER_STORE,    /* reply, any number: a descriptor for the guest, whose name is text */
        HELPER_REMOVE,   /* reply, any number: remove that name from systemd's store */
        HELPER_AGAIN,    /* reply: the helper's unit has another definition, call the next helper */
        HELPER_DONE,     /* the last reply to a request, with the exit status if the guest cannot start */
        HELPER_WAIT,     /* request of the verb `reload`: to be answered when the guest was reloaded */
        HELPER_RELOAD,   /* request, instead of HELPER_OPEN: send the unit's command line, as HELPER_STORE */
        HELPER_NEED,     /* request, any number after that: the descriptor whose name is text; no reply. Then
                            HELPER_PREPARE opens those only */
        HELPER_RESULT,   /* request, after that: tell the verb `reload` the exit status; no reply */
        HELPER_RELEASED, /* request, before that: the guest does not have the TAP any more whose descriptor
                            is text; no reply */
} HelperKind;

/* One message, as errand_send() and errand_receive() carry it. */
typedef struct HelperMessage {
        HelperKind kind;
        int exit_status;
        char text[HELPER_TEXT_MAX];
} HelperMessage;

/* The options of the verb `serve`. */
typedef struct ServeOptions {
        const char *guest, *definition;
        char uuid[37];
        int prepare_argc; /* the arguments of prepare, after "--" */
        char **prepare_argv;
} ServeOptions;

/*
 * Receives a request. -EPROTO if it is another one than expected; -EPIPE if the launcher has ended, which
 * then logged why; other failures are logged here.
 */
int helper_receive(int caller, HelperKind expected, HelperMessage *ret);

/* Reads argv[1] and the following. Logs every error; negative errno if there was one. */
int serve_options_read(int argc, char **argv, ServeOptions *ret);

/* The verb `serve`: argv[0] is its name; returns what the program exits with. */
int verb_serve(int argc, char **argv);

/* ——— the launcher's side ——— */

/* Which helper to call, and for whom. */
typedef struct HelperCall {
        const char *socket, *guest, *definition;
} HelperCall;

/*
 * Calls the helper, and adds the guest's own directories to fds (FD_NAME_RUN_DIRECTORY, and
 * FD_NAME_STATE_DIRECTORY if it has one). 0 and the connection, the exit status if the guest cannot start
 * (the helper logged why), or a negative errno (logged here).
 */
int helper_open(const HelperCall *call, Fds *fds, int *ret);

/*
 * Has the helper prepare the guest. What it opened is added to fds, and to systemd's store if it is to
 * outlive this start. 0, or as helper_open().
 */
int helper_prepare(const HelperCall *call, int connection, Fds *fds);

/* Calls the helper for a reload, and sends HELPER_RELOAD. 0 or a negative errno, not logged. */
int helper_call_reload(const char *socket, int *ret);

/* Sends the last requests of a reload: HELPER_RELEASED for each of these descriptors, and HELPER_RESULT. */
void helper_end_reload(int helper, const Strings *released, int exit_status);

/* Takes a descriptor that the helper sent: it is added to fds, and to systemd's store as by
 * helper_prepare(). With -EBADF, removes that name from both. */
int helper_take(Fds *fds, const char *name, int fd);

/*
 * For the verb `reload`: has the guest's launcher reload, and waits until it did. 0, the exit status with
 * which it failed (which was logged), or a negative errno (logged here).
 */
int helper_wait_reload(const char *socket, pid_t launcher);

typedef struct Registration Registration;

/* Called once: the helper has done its part, is gone, or took too long (logged). */
typedef void (*Registered)(void *userdata);

/* Has the helper register the calling process with machined. Takes the connection, also on failure, which is
 * logged. */
int registration_new(sd_event *event, int connection, Registered done, void *userdata, Registration **ret);
Registration *registration_free(Registration *registration); /* returns NULL */

DEFINE_CLEANUP(Registration, registration_free);
