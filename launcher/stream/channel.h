/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON objects to and fro on a stream socket, in an event loop, never waiting. */

#include <jansson.h>
#include <systemd/sd-event.h>

#include "util/ownership.h"

typedef struct Channel Channel;

typedef struct ChannelKind {
        char end;          /* the byte that ends a message */
        size_t input_max;  /* bytes of one message that comes in */
        size_t output_max; /* bytes that may wait for the other side */

        /*
         * An object came in; it is borrowed. A negative errno closes the channel as an error of the other
         * side would.
         */
        int (*message)(Channel *c, json_t *message, void *userdata);

        /*
         * The other side is gone (0), or something is wrong (negative errno). The last call; the channel may
         * be freed in it.
         */
        void (*closed)(Channel *c, int error, void *userdata);
} ChannelKind;

/* Takes the descriptor, also on failure. */
int channel_new(sd_event *event, int fd, const ChannelKind *kind, void *userdata, Channel **ret);
Channel *channel_free(Channel *c); /* returns NULL; not to be called in the message callback */

/*
 * Sends, now or when the other side reads. fd (or -1) goes along, and stays the caller's. -ENOBUFS when too
 * much waits.
 */
int channel_send(Channel *c, const json_t *message, int fd);

int channel_get_fd(const Channel *c);

/*
 * Reads an object. A number that no 64-bit signed integer holds, as QEMU writes for a crashed Windows,
 * becomes a string of its digits. NULL where it is no object.
 */
json_t *channel_parse(const char *text, size_t size);

DEFINE_CLEANUP(Channel, channel_free);
