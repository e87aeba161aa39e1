/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The helper of a user's guest, outside of its sandbox: what it is told and says, and how to call it. */

#include "launcher/store/fds.h"

#define HELPER_NAME_MAX 256 /* bytes of a name in systemd's store, with its NUL */

typedef enum HelperKind {
        HELPER_PREPARE,  /* asks: open what the guest needs */
        HELPER_REGISTER, /* asks: make the caller known to machined as the guest's launcher; nothing answers
                          */
        HELPER_STORE,    /* answers, any number of times: systemd is to keep the descriptor by that name */
        HELPER_REMOVE,   /* answers, likewise: systemd is to remove what has that name */
        HELPER_DONE,     /* answers, the last: exit_status of the preparation */
} HelperKind;

/* One message, as errand_send() and errand_receive() carry it. */
typedef struct HelperMessage {
        HelperKind kind;
        int exit_status;
        char name[HELPER_NAME_MAX];
} HelperMessage;

/* What the verb `serve` is told. */
typedef struct ServeOptions {
        const char *guest;
        char uuid[37];
        int prepare_argc; /* the arguments of prepare, which come behind "--" */
        char **prepare_argv;
} ServeOptions;

/* Reads argv[1] and the following. Every mistake is logged; negative errno if there was one. */
int serve_options_read(int argc, char **argv, ServeOptions *ret);

/* The verb `serve`: argv[0] is its name; returns what the program exits with. */
int verb_serve(int argc, char **argv);

/*
 * Has the helper prepare the guest; what it opened is added to fds, and systemd's store has it too. 0, the
 * exit status where the helper says that the guest cannot start (which is logged), or a negative errno
 * (logged here).
 */
int helper_prepare(const char *socket, Fds *fds);

/* Has the helper register the calling process, without waiting for that. */
void helper_register(const char *socket);
