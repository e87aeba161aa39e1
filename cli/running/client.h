/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A client of a running guest's control socket, for vmctl's verbs. */

#include <errno.h>
#include <time.h>

#include "cli/cli.h"

typedef struct Client {
        const Call *call;
        const char *guest;
        int fd;
        char end; /* the byte that ends a message */
        char *data;
        size_t size, taken; /* taken: the message before, at the start of data */
} Client;

#define CLIENT_EMPTY ((Client){ .fd = -EBADF })

typedef enum ClientFlags {
        CLIENT_MORE = 1 << 0,    /* expects several replies */
        CLIENT_UPGRADE = 1 << 1, /* what follows is another protocol */
} ClientFlags;

/* Descriptors that go with a call. */
typedef struct ClientFds {
        const int *fds;
        size_t count;
} ClientFds;

/* To the guest that the call's first word names. Prints its own error message; 0 or the exit status. */
int client_open(const Call *call, Client *ret);
void client_done(Client *c);

/* Sends a call; takes over parameters (or NULL). 0 or negative errno. */
int client_send(Client *c, const char *method, json_t *parameters, ClientFlags flags, ClientFds fds);

/* Sends a message of another protocol, which is borrowed. */
int client_send_object(Client *c, const json_t *object, ClientFds fds);

/* Waits for the next message at most that many seconds (0: without a limit). 0 or negative errno:
 * -ECONNRESET at the end of the connection, -ETIMEDOUT, -EBADMSG. */
int client_receive(Client *c, unsigned seconds, json_t **ret);

/* Prints why the guest did not answer, or what it answered if that is an error. what: "resume". 0 if it is
 * none, or the exit status. */
int client_check(const Client *c, const char *what, int r, const json_t *answer);

/*
 * A call and its reply. Prints its own error message; 0 or the exit status. ret: the parameters of the
 * reply, to be released; NULL if they do not matter.
 */
int client_call(
        Client *c, const char *what, const char *method, json_t *parameters, ClientFds fds, json_t **ret);

/* Waits for the last reply to a call that was sent with CLIENT_MORE, or not (r), and shows the progress that
 * the others tell on a terminal. As client_check(). */
int client_follow(Client *c, const char *what, int r);

/*
 * Connects to a guest, asks org.vmunit.Guest.Query, and disconnects; parameters: NULL for all commands.
 * Otherwise as client_call(); *ret is NULL after an error.
 */
int client_query(const Call *call, json_t *parameters, json_t **ret);

/* Parses the text of an argument that must be a JSON object; NULL after an error message. */
json_t *client_parse_object(const char *text);

/* Prints JSON with a line's end; the exit status. */
int client_print(const json_t *json);

/* How far something is, on a terminal, if it takes longer than a moment. Zero at first. */
typedef struct Progress {
        time_t begun;
        bool shown;
} Progress;

void client_show_progress(Progress *p, double done, double total); /* bytes */
void client_end_progress(Progress *p);

/* A copy of untrusted text that a terminal can show. */
char *client_text(const char *text);
