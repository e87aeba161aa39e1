/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kinds of <graphics> share. Each kind has a file of its own. */

#include "guest/device.h"

typedef enum ListenType {
        LISTEN_ADDRESS = 1,
        LISTEN_NETWORK,
        LISTEN_SOCKET,
        LISTEN_NONE,
} ListenType;

/* Where VNC or SPICE listens. */
typedef struct Listen {
        Place place;
        int type;            /* ListenType */
        const char *address; /* set where type is LISTEN_ADDRESS */
        const char *socket;  /* set where type is LISTEN_SOCKET */
        const char
                *own; /* the socket's name if the launcher creates it, in the guest's run-time directory */
} Listen;

/*
 * Reads the attributes listen= and socket= and the elements <listen>. The default is the address 127.0.0.1.
 */
void graphics_listen_read(Guest *g, Device *d, Listen *ret);

/* Gives a socket without a path NAME.sock in the guest's run-time directory. */
void graphics_listen_complete(Guest *g, Listen *l, const char *name);

/* What the host must grant for it, apart from the ports. */
void graphics_listen_plan(const Guest *g, const Listen *l, Plan *p);

/*
 * passwd= of VNC and SPICE. The value in the XML is not used, because every user could read it in the unit.
 * A credential of systemd takes its place.
 */
typedef struct Password {
        const char *xml, *valid_to;
        const char *credential,
                *id; /* if there is a password: the credential of systemd, and the -object that holds it */
} Password;

#define PASSWORD_FIELDS(struct_, member_)                                       \
        FIELD("@passwd", FIELD_STRING, struct_, member_.xml),                   \
                FIELD("@passwdValidTo", FIELD_TEXT, struct_, member_.valid_to), \
                FIELD_SAID(                                                     \
                        "@connected", FIELD_IGNORED,                            \
                        NULL) /* for a change of the password while the guest runs */

void graphics_password_complete(Guest *g, Device *d, Password *password, const char *what);
void graphics_password_build(const Guest *g, const Password *password, Props *graphics, Plan *p);

typedef enum PortKind {
        PORT_NONE, /* not given */
        PORT_AUTO,
        PORT_GIVEN,
} PortKind;

/* Reads the port from that attribute; "-1" is PORT_AUTO. */
PortKind graphics_port_read(Guest *g, Device *d, const char *attribute, unsigned *ret_port);

/* Whether the guest has graphics of that kind; NULL means any kind. */
bool graphics_have(const Guest *g, const DeviceKind *kind);

/* <gl>: OpenGL, rendered by QEMU on the host. */
typedef struct Gl {
        Tristate enable;
        const char *render_node; /* NULL: the host's first */
} Gl;

/* The first member of every kind's struct. */
typedef struct Graphics {
        Device device;
        Gl gl;
} Graphics;

#define device_graphics(d) DEVICE_AS_HEAD(Graphics, "graphics", d)

#define GL_FIELDS                                             \
        FIELD("gl@enable", FIELD_YESNO, Graphics, gl.enable), \
                FIELD("gl@rendernode", FIELD_PATH, Graphics, gl.render_node) /* ignored if not enabled */

/* Whether any of the guest's graphics has OpenGL. */
bool graphics_have_gl(const Guest *g);

/* Sets "gl" and "rendernode" and grants the latter; does nothing without OpenGL. */
void graphics_gl_build(const Guest *g, const Device *d, Props *graphics, Plan *p);

/* Adds an error if graphics of the same kind, or others with OpenGL, come before this one. */
void graphics_check(const Guest *g, const Device *d);

/* Whether it is a valid name of a keyboard layout. */
bool graphics_keymap_is_plain(const char *keymap);
