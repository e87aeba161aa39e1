/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What stands behind a stream of bytes, such as a serial port: "type", <source>, <protocol> and <log>. */

#include "guest/device.h"

typedef enum ChardevType {
        CHARDEV_NULL = 1,
        CHARDEV_VC,
        CHARDEV_PTY,
        CHARDEV_STDIO,
        CHARDEV_FILE,
        CHARDEV_PIPE,
        CHARDEV_DEV,
        CHARDEV_UNIX,
        CHARDEV_TCP,
        CHARDEV_UDP,
        CHARDEV_SPICEVMC,
        CHARDEV_SPICEPORT,
        CHARDEV_DBUS,
        CHARDEV_VDAGENT,
} ChardevType;

typedef enum ChardevMode {
        CHARDEV_CONNECT = 1,
        CHARDEV_BIND,
} ChardevMode;

typedef enum ChardevProtocol {
        PROTOCOL_RAW = 1,
        PROTOCOL_TELNET,
} ChardevProtocol;

typedef enum ChardevMouse {
        MOUSE_CLIENT = 1,
        MOUSE_SERVER,
} ChardevMouse;

typedef struct Chardev {
        XmlElement *xml;
        int type; /* ChardevType */
        int mode; /* ChardevMode; of udp both may be there, and then this is of the last */
        const char *path, *host, *service, *bind_host, *bind_service, *channel, *log;
        int protocol, mouse; /* ChardevProtocol, ChardevMouse */
        Tristate append, log_append, tls, reconnect, clipboard;
        Number reconnect_seconds;

        /* for those who have one, to say before it is built */
        const char *spice_name;    /* of spicevmc: what SPICE's client does with it */
        const char *console_label; /* of pty: the journal and "vmctl console" get it, by this label */
        bool parallel;             /* of dev: a parallel port's node and not a serial port's */
        bool generated;            /* of unix: path is in the guest's run-time directory */
} Chardev;

/* Reads what e (a <serial>, a <channel>, the <backend> of an <rng> …) says of its source. */
void chardev_read(Guest *g, XmlElement *e, Chardev *c);

/*
 * Whether the path of a port's unix socket was, or would have been, libvirt's choice, by the port's name;
 * the guest's own directory gets it then.
 */
bool chardev_path_is_libvirts(const Chardev *c, const char *name);

/* Makes c listen on a unix socket of that name in the guest's run-time directory. */
void chardev_generate_path(Guest *g, Chardev *c, const char *name);

/* Whether QEMU needs the whole directory of the unix socket: it creates the socket, or waits for it to
 * appear. */
bool chardev_needs_directory(const Chardev *c);

/* Errors for what is missing or does not go together. */
void chardev_check(const Guest *g, const Chardev *c);

/* -chardev with "char" and that id (the device's), and what the host must grant for it. */
void chardev_build(const Guest *g, Plan *p, const Chardev *c, const char *id);
