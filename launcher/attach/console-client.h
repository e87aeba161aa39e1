/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A client of a guest's console: receives its output and sends input. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "util/ownership.h"

#define CONSOLE_CLIENT_TURN 1024 /* at most so many bytes of input are read at once */

typedef struct ConsoleClient ConsoleClient;

typedef struct ConsoleClientHandlers {
        void (*typed)(const char *data, size_t size, void *userdata);
        void (*left)(ConsoleClient *a, void *userdata); /* the last call; frees the client */
} ConsoleClientHandlers;

/* Takes the descriptor, also on failure. */
int console_client_new(
        sd_event *event, int fd, const ConsoleClientHandlers *handlers, void *userdata, ConsoleClient **ret);
ConsoleClient *console_client_free(ConsoleClient *a); /* returns NULL */

/* Sends data, now or when the client reads. False if its buffer is full: the caller frees it. */
bool console_client_show(ConsoleClient *a, const char *data, size_t size);

/* Whether the client's input is read; off while the guest does not read it. */
void console_client_listen(ConsoleClient *a, bool listen);

DEFINE_CLEANUP(ConsoleClient, console_client_free);
