/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kinds of <graphics> share; each has a file of its own. */

#include "guest/device.h"

typedef enum ListenType {
        LISTEN_ADDRESS = 1,
        LISTEN_NETWORK,
        LISTEN_SOCKET,
        LISTEN_NONE,
} ListenType;

/* Where VNC or SPICE waits for clients. */
typedef struct Listen {
        int type;            /* ListenType */
        const char *address; /* set where type is LISTEN_ADDRESS */
        const char *socket;  /* set where type is LISTEN_SOCKET */
} Listen;

/* Reads the attributes listen= and socket= and the elements <listen>; nothing there is the address 127.0.0.1. */
void graphics_listen_read(Guest *g, Device *d, Listen *ret);

/* Gives a socket without a path one of the guest's own: NAME.sock in its run-time directory. */
void graphics_listen_complete(Guest *g, Listen *l, const char *name);

/* What the host must grant for it, beside the ports themselves. */
void graphics_listen_plan(const Guest *g, const Listen *l, Plan *p);

typedef enum PortKind {
        PORT_NONE, /* not said */
        PORT_AUTO,
        PORT_GIVEN,
} PortKind;

/* Reads the port in the attribute of that name: "-1" is PORT_AUTO. */
PortKind graphics_port_read(Guest *g, Device *d, const char *attribute, unsigned *ret_port);

/* Whether the guest has graphics of the kind; of any kind where it is NULL. */
bool graphics_have(const Guest *g, const DeviceKind *kind);

/* Has OpenGL (<gl enable='yes'/>), for which QEMU renders on the host. */
typedef struct Gl {
        Tristate enable;
        const char *render_node; /* NULL: the host's first */
} Gl;

void graphics_gl_read(Guest *g, Device *d, Gl *ret);
const char *graphics_gl_node(const Gl *gl);
void graphics_gl_plan(const Gl *gl, Plan *p);

/* An error where the guest has graphics of the same kind before this one. */
void graphics_check_only_one(Guest *g, const Device *d);

/* Whether it can be the name of a keyboard layout. */
bool graphics_keymap_is_plain(const char *keymap);
