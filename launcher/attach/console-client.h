/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Somebody at a guest's console: gets what it prints, and types. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "util/ownership.h"

#define CONSOLE_CLIENT_TURN 1024 /* bytes of typing that come at once, at most */

typedef struct ConsoleClient ConsoleClient;

typedef struct ConsoleClientHandlers {
        void (*typed)(const char *data, size_t size, void *userdata);
        void (*left)(ConsoleClient *a, void *userdata); /* the last call; he is freed then */
} ConsoleClientHandlers;

/* Takes the descriptor, also on failure. */
int console_client_new(
        sd_event *event, int fd, const ConsoleClientHandlers *handlers, void *userdata, ConsoleClient **ret);
ConsoleClient *console_client_free(ConsoleClient *a); /* returns NULL */

/* Shows him data, now or when he reads. False when too much waits: he is to be freed. */
bool console_client_show(ConsoleClient *a, const char *data, size_t size);

/* Whether his typing is read; not while the guest is slow to read it. */
void console_client_listen(ConsoleClient *a, bool listen);

DEFINE_CLEANUP(ConsoleClient, console_client_free);
