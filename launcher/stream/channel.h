/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON objects in both directions on a stream socket, in an event loop, without blocking. */

#include <jansson.h>
#include <systemd/sd-event.h>

#include "util/ownership.h"

typedef struct Channel Channel;

typedef struct ChannelKind {
        char end;          /* the byte that ends a message */
        size_t input_max;  /* bytes of one received message */
        size_t output_max; /* bytes that may wait until the peer reads */

        /*
         * An object was received; it is borrowed. A negative errno closes the channel like an error of the
         * peer.
         */
        int (*message)(Channel *c, json_t *message, void *userdata);

        /*
         * The peer is gone (0) or there was an error (negative errno). The last call; it may free the
         * channel.
         */
        void (*closed)(Channel *c, int error, void *userdata);
} ChannelKind;

/* Takes the descriptor, also on failure. */
int channel_new(sd_event *event, int fd, const ChannelKind *kind, void *userdata, Channel **ret);
Channel *channel_free(Channel *c); /* returns NULL; not to be called in the message callback */

/*
 * Sends, now or when the peer reads. fd (or -1) is sent along and stays the caller's. -ENOBUFS if too much
 * output is waiting.
 */
int channel_send(Channel *c, const json_t *message, int fd);

int channel_get_fd(const Channel *c);

/*
 * Parses an object. A number too large for a signed 64-bit integer, such as QEMU writes for a crashed
 * Windows, becomes a string of its digits. NULL if the text is not an object.
 */
json_t *channel_parse(const char *text, size_t size);

DEFINE_CLEANUP(Channel, channel_free);
