/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The source behind a stream of bytes, such as a serial port: "type", <source>, <protocol> and <log>. */

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
        int mode; /* ChardevMode; udp may have both, and then this is the last one */
        const char *path, *host, *service, *bind_host, *bind_service, *channel, *log;
        int protocol, mouse; /* ChardevProtocol, ChardevMouse */
        Tristate append, log_append, tls, reconnect, clipboard;
        Number reconnect_seconds;

        /* set by the device before it is built */
        const char *spice_name; /* of spicevmc: SPICE's name of the channel */
        const char
                *console_label; /* of pty: connects it to the journal and "vmctl console" under this label */
        bool parallel;          /* of dev: a parallel port, not a serial port */
        bool generated;         /* of unix: path is in the guest's run-time directory */
} Chardev;

/* Reads the source of e (a <serial>, a <channel>, the <backend> of an <rng> …). */
void chardev_read(Guest *g, XmlElement *e, Chardev *c);

/*
 * Whether libvirt chose, or would have chosen, the path of the unix socket of the port of that name. If so,
 * the socket goes into the guest's run-time directory.
 */
bool chardev_path_is_libvirts(const Chardev *c, const char *name);

/* Makes c listen on a unix socket of that name in the guest's run-time directory. */
void chardev_generate_path(Guest *g, Chardev *c, const char *name);

/* Whether QEMU needs the socket's directory: it creates the socket, or waits for it to appear. */
bool chardev_needs_directory(const Chardev *c);

/* Adds errors for what is missing or cannot be combined. */
void chardev_check(const Guest *g, const Chardev *c);

/* Adds -chardev with the id "char" and that id (the device's), and grants what it needs on the host. */
void chardev_build(const Guest *g, Plan *p, const Chardev *c, const char *id);
