/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <graphics type='dbus'>: the display as an object on a D-Bus bus: the bus at the address in the XML or,
 * without one, a bus that listens on dbus.sock in the guest's run-time directory.
 */

#include "device/graphics/audio.h"
#include "device/graphics/graphics.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/plan/bind.h"

typedef struct Dbus {
        Graphics graphics;
        const char *address;
        Tristate p2p;
        Number audio;
} Dbus;

static const Field fields[] = {
        GL_FIELDS,
        FIELD("@address", FIELD_TEXT, Dbus, address),
        FIELD("@p2p", FIELD_YESNO, Dbus, p2p),
        FIELD_SAID("@fromConfig", FIELD_IGNORED, NULL),
        FIELD_IN_RANGE("audio@id", Dbus, audio, 1, UINT32_MAX),
        {},
};

static void dbus_complete(Guest *g, Device *d)
{
        Dbus *b = DEVICE_AS(Dbus, d);

        if (!b->address && b->p2p != ON)
                b->address =
                        guest_text(g, "unix:path=%s", bind_own_socket(g, d->place, "graphics", "dbus.sock"));
}

static void dbus_check(const Guest *g, const Device *d)
{
        const Dbus *b = DEVICE_AS(Dbus, d);

        graphics_check(g, d);
        if (b->p2p == ON && b->address)
                device_error(g, d, "<graphics>: p2p='yes' cannot be combined with address");
        if (b->audio.set && !audio_id(g, b->audio))
                device_error(
                        g, d, "<audio>: this guest has no <audio id='%llu'>",
                        (unsigned long long) b->audio.value);
}

static void dbus_build(const Guest *g, const Device *d, Plan *p)
{
        const Dbus *b = DEVICE_AS(Dbus, d);
        const char *path = b->address ? text_after(b->address, "unix:path=") : NULL;
        Props display = props_new("type", "dbus");

        props_text(&display, "addr", b->address);
        if (b->p2p == ON)
                props_bool(&display, "p2p", true);
        graphics_gl_build(g, d, &display, p);
        if (b->audio.set)
                props_text(&display, "audiodev", audio_id(g, b->audio));
        plan_list(p, "-display", &display);
        plan_calls(p, CALLS_MEMFD);
        plan_peers(p);
        if (path && !text_after(path, g->settings->run_directory))
                plan_directive(p, "BindPaths", "%s", path);
}

const DeviceKind kind_graphics_dbus = {
        .element = "graphics",
        .type = "dbus",
        .size = sizeof(Dbus),
        .fields = fields,
        .complete = dbus_complete,
        .check = dbus_check,
        .build = dbus_build,
};
