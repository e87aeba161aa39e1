/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The helper of a user's guest, outside its sandbox: its requests, its replies, and how to call it. */

#include "launcher/store/fds.h"

#define HELPER_NAME_MAX 256 /* bytes of a name in systemd's store, with its NUL */

typedef enum HelperKind {
        HELPER_PREPARE,  /* request: open what the guest needs */
        HELPER_REGISTER, /* asks: make the caller known to machined as the guest's launcher; nothing answers
                          */
        HELPER_STORE,    /* reply, any number: store the descriptor in systemd under that name */
        HELPER_REMOVE,   /* reply, any number: remove that name from systemd's store */
        HELPER_DONE,     /* the last reply: exit_status of the preparation */
} HelperKind;

/* One message, as errand_send() and errand_receive() carry it. */
typedef struct HelperMessage {
        HelperKind kind;
        int exit_status;
        char name[HELPER_NAME_MAX];
} HelperMessage;

/* The options of the verb `serve`. */
typedef struct ServeOptions {
        const char *guest;
        char uuid[37];
        int prepare_argc; /* the arguments of prepare, after "--" */
        char **prepare_argv;
} ServeOptions;

/* Reads argv[1] and the following. Logs every error; negative errno if there was one. */
int serve_options_read(int argc, char **argv, ServeOptions *ret);

/* The verb `serve`: argv[0] is its name; returns what the program exits with. */
int verb_serve(int argc, char **argv);

/*
 * Has the helper prepare the guest; what it opened is added to fds and to systemd's store. 0, the exit
 * status if the guest cannot start (the helper logged why), or a negative errno (logged here).
 */
int helper_prepare(const char *socket, Fds *fds);

/* Has the helper register the calling process, without waiting for the result. */
void helper_register(const char *socket);
