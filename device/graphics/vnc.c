/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <graphics type='vnc'>. A socket in the guest's run-time directory is the launcher's, which passes it to
 * QEMU by the monitor, since the command line cannot. For a port, QEMU itself chooses what the XML does not
 * give, while binding it: the first free one of the display numbers 0 to 99. So no other program can take it
 * in between.
 */

#include "device/graphics/audio.h"
#include "device/graphics/graphics.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

#define VNC_PORT_BASE       5900
#define WEBSOCKET_PORT_BASE 5700
#define VNC_DISPLAY_LAST    99 /* the last one that is tried */

typedef struct Vnc {
        Graphics graphics;
        Listen listen;
        Password password;
        PortKind port_kind, websocket_kind;
        unsigned port, websocket;
        Tristate autoport, power_control;
        int share;
        const char *keymap;
        Number audio;
} Vnc;

static const char *const share_words[] = { "allow-exclusive", "force-shared", "ignore", NULL };

static const Field fields[] = {
        FIELD("@autoport", FIELD_YESNO, Vnc, autoport),
        FIELD_OF_WORDS("@sharePolicy", Vnc, share, share_words),
        FIELD("@keymap", FIELD_TEXT, Vnc, keymap),
        FIELD("@powerControl", FIELD_YESNO, Vnc, power_control),
        PASSWORD_FIELDS(Vnc, password),
        FIELD_IN_RANGE("audio@id", Vnc, audio, 1, UINT32_MAX),
        {},
};

static void vnc_read(Guest *g, Device *d)
{
        Vnc *v = DEVICE_AS(Vnc, d);

        v->port_kind = graphics_port_read(g, d, "port", &v->port);
        v->websocket_kind = graphics_port_read(g, d, "websocket", &v->websocket);
        graphics_listen_read(g, d, &v->listen);
}

static void vnc_complete(Guest *g, Device *d)
{
        Vnc *v = DEVICE_AS(Vnc, d);

        if (v->autoport == ON || v->port_kind == PORT_NONE)
                v->port_kind = PORT_AUTO;
        graphics_listen_complete(g, &v->listen, "vnc");
        graphics_password_complete(g, d, &v->password, "vnc");
}

static void vnc_check(const Guest *g, const Device *d)
{
        const Vnc *v = DEVICE_AS(Vnc, d);

        graphics_check(g, d);
        if (v->port_kind == PORT_GIVEN && v->port < VNC_PORT_BASE)
                device_error(
                        g, d, "<graphics>: port='%u' must be at least %u, the first VNC port", v->port,
                        VNC_PORT_BASE);
        if (!audio_id(g, v->audio))
                device_error(
                        g, d, "<audio>: this guest has no <audio id='%llu'>",
                        (unsigned long long) v->audio.value);
        if (v->keymap && !graphics_keymap_is_plain(v->keymap))
                device_error(g, d, "<graphics>: keymap='%s' is not a valid keyboard layout name", v->keymap);
}

static void set_where(const Vnc *v, Props *vnc)
{
        const Listen *l = &v->listen;
        bool ipv6 = l->type == LISTEN_ADDRESS && strchr(l->address, ':');

        if (l->type == LISTEN_NONE || l->own) {
                props_text(vnc, "vnc", "none");
                return;
        }
        if (l->type == LISTEN_SOCKET) {
                props_textf(vnc, "vnc", "unix:%s", l->socket);
                return;
        }
        props_textf(
                vnc, "vnc", "%s%s%s:%u", ipv6 ? "[" : "", l->address, ipv6 ? "]" : "",
                v->port_kind == PORT_GIVEN ? v->port - VNC_PORT_BASE : 0);
        if (v->port_kind == PORT_AUTO)
                props_number(vnc, "to", VNC_DISPLAY_LAST);
        if (v->websocket_kind == PORT_GIVEN)
                props_number(vnc, "websocket", v->websocket);
        else if (v->websocket_kind == PORT_AUTO)
                props_text(vnc, "websocket", "on");
}

static void plan_listens(const Vnc *v, Plan *p)
{
        if (v->listen.type != LISTEN_ADDRESS)
                return;
        if (v->port_kind == PORT_GIVEN)
                plan_listen(p, "tcp:%u", v->port);
        else
                plan_listen(p, "tcp:%u-%u", VNC_PORT_BASE, VNC_PORT_BASE + VNC_DISPLAY_LAST);
        if (v->websocket_kind == PORT_GIVEN)
                plan_listen(p, "tcp:%u", v->websocket);
        else if (v->websocket_kind == PORT_AUTO)
                plan_listen(p, "tcp:%u-%u", WEBSOCKET_PORT_BASE, WEBSOCKET_PORT_BASE + VNC_DISPLAY_LAST);
}

static void vnc_build(const Guest *g, const Device *d, Plan *p)
{
        const Vnc *v = DEVICE_AS(Vnc, d);
        Props vnc = props_new("vnc", "");

        set_where(v, &vnc);
        graphics_password_build(g, &v->password, &vnc, p);
        if (v->share)
                props_text(&vnc, "share", share_words[v->share - 1]);
        props_onoff(&vnc, "power-control", v->power_control);
        props_text(&vnc, "audiodev", audio_id(g, v->audio));
        plan_list(p, "-vnc", &vnc);
        plan_vnc(p, v->listen.own);
        if (v->keymap)
                plan_value(p, "-k", v->keymap);
        graphics_listen_plan(g, &v->listen, p);
        plan_listens(v, p);
}

const DeviceKind kind_graphics_vnc = {
        .element = "graphics",
        .type = "vnc",
        .size = sizeof(Vnc),
        .fields = fields,
        .read = vnc_read,
        .complete = vnc_complete,
        .check = vnc_check,
        .build = vnc_build,
};
