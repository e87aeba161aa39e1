/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The words of the command lines and of stored files that stand for one of a few values, each with its table
 * here and nowhere else. The readers return -EINVAL for an unknown word. */

#include <stdbool.h>

#include "net/netlink.h"

/* What a guest may do with a file or a device. */
typedef enum Access {
        ACCESS_READ,         /* "ro": shared with others that only read */
        ACCESS_WRITE,        /* "rw": shared with nobody */
        ACCESS_WRITE_SHARED, /* "rw-shared": shared with others that are "rw-shared" */
        ACCESS_MODES,
} Access;

#define ACCESS_WORDS "ro, rw or rw-shared" /* for messages */

const char *access_word(Access access);
int access_from_word(const char *word, Access *ret);

/* What no two running guests may share. */
typedef enum ClaimKind {
        CLAIM_UUID,
        CLAIM_MAC,
        CLAIM_VSOCK_CID,
        CLAIM_KINDS,
} ClaimKind;

const char *claim_kind_word(ClaimKind kind);
int claim_kind_from_word(const char *word, ClaimKind *ret);
const char *claim_kind_name(ClaimKind kind); /* for messages: "MAC address" */

/* What becomes of a guest that powers off, restarts or crashes. */
typedef enum Fate {
        FATE_DESTROY,
        FATE_RESTART,
        FATE_PRESERVE,
        FATE_DUMP_DESTROY, /* from here on after a crash only */
        FATE_DUMP_RESTART,
} Fate;

#define FATES (FATE_DUMP_RESTART + 1)

const char *fate_word(Fate fate);
int fate_from_word(const char *word, Fate *ret);

/* Whether a TAP gets the kernel's vhost-net: never, where the host has it, or the start fails without it. */
typedef enum VhostMode {
        VHOST_NO,
        VHOST_TRY,
        VHOST_REQUIRE,
        VHOST_MODES,
} VhostMode;

const char *vhost_mode_word(VhostMode mode);
int vhost_mode_from_word(const char *word, VhostMode *ret);

#define MACVTAP_MODE_WORDS "vepa, private, bridge or passthrough" /* for messages */

const char *macvtap_mode_word(MacvtapMode mode);
int macvtap_mode_from_word(const char *word, MacvtapMode *ret);

/* Whether an interface is up when the guest starts. */
const char *up_down_word(bool down);
int up_down_from_word(const char *word, bool *ret_down);

/* What QEMU's jobs are called that write a disk's newest images into one behind; the device's id follows. */
#define LAYER_JOB "layers."

/* And those that copy a disk to another image. */
#define COPY_JOB "copy."

const char *yes_no_word(bool yes);
int yes_no_from_word(const char *word, bool *ret);
