/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON objects in both directions on a stream socket, in an event loop, without blocking. */

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "util/ownership.h"

typedef struct Channel Channel;

typedef struct ChannelKind {
        char end;          /* the byte that ends a message; lines ('\n') may be blank */
        size_t input_max;  /* bytes of one received message */
        size_t output_max; /* bytes that may wait until the peer reads */

        /*
         * Descriptors that may come with a message, at most CHANNEL_FDS_MAX; more end the channel. If this
         * is not 0, messages are delivered one by one: the next is not read while the channel is held, or
         * before the peer has read what was sent to it.
         */
        size_t fds_max;

        /*
         * An object was received; it is borrowed. Its descriptors can be taken in the callback; the others
         * are closed afterwards. A negative errno closes the channel like an error of the peer.
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
 * Sends, now or when the peer reads. The descriptors (NULL, 0 for none) are sent along and stay the
 * caller's. -ENOBUFS if too much output is waiting, -EBUSY if any is and there are descriptors.
 */
int channel_send(Channel *c, const json_t *message, const int *fds, size_t n_fds);

/* For a kind with descriptors: reads no further message until this is undone. It is still noticed if the
 * peer leaves. */
void channel_hold(Channel *c, bool held);
bool channel_is_held(const Channel *c);

/* What follows on the channel is of another kind. To be called in the message callback of a kind with
 * descriptors, or while the channel is held. */
void channel_switch(Channel *c, const ChannelKind *kind, void *userdata);

/* Has the channel closed with that error soon, in its own event handler. To be called anywhere. */
void channel_fail(Channel *c, int error);

/* The descriptors of the message, in its callback. Each can be taken once; -EBADF if there is none. */
size_t channel_count_fds(const Channel *c);
int channel_take_fd(Channel *c, size_t index);

int channel_get_fd(const Channel *c);

/*
 * Parses an object. A number too large for a signed 64-bit integer, such as QEMU writes for a crashed
 * Windows, becomes a string of its digits. NULL if the text is not an object.
 */
json_t *channel_parse(const char *text, size_t size);

DEFINE_CLEANUP(Channel, channel_free);
