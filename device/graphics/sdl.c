/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <graphics type='sdl'>: a window on the desktop of the user who runs the guest. It needs that desktop's X
 * socket and its key, so it is more for users' guests than for those of the system.
 */

#include "device/graphics/graphics.h"
#include "device/graphics/session.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

typedef struct Sdl {
        Graphics graphics;
        const char *display, *xauth;
        Tristate fullscreen;
} Sdl;

static const Field fields[] = {
        GL_FIELDS,
        FIELD("@display", FIELD_TEXT, Sdl, display),
        FIELD("@xauth", FIELD_PATH, Sdl, xauth),
        FIELD("@fullscreen", FIELD_YESNO, Sdl, fullscreen),
        {},
};

static void sdl_check(const Guest *g, const Device *d)
{
        const Sdl *s = DEVICE_AS(Sdl, d);

        graphics_check(g, d);
        if (s->graphics.gl.render_node)
                device_error(g, d, "<gl>: rendernode is not supported for type='sdl'");
}

static void sdl_build(const Guest *g, const Device *d, Plan *p)
{
        const Sdl *s = DEVICE_AS(Sdl, d);
        Props display = props_new("type", "sdl");

        graphics_gl_build(g, d, &display, p);
        if (s->fullscreen == ON)
                plan_flag(p, "-full-screen");
        plan_list(p, "-display", &display);
        if (s->display)
                plan_directive(p, "Environment", "DISPLAY=%s", s->display);
        if (s->xauth) {
                plan_directive(p, "Environment", "XAUTHORITY=%s", s->xauth);
                plan_directive(p, "BindReadOnlyPaths", "%s", s->xauth);
        }
        plan_calls(p, CALLS_MEMFD);
        plan_peers(p);
        session_show_display(g, p);
}

const DeviceKind kind_graphics_sdl = {
        .element = "graphics",
        .type = "sdl",
        .size = sizeof(Sdl),
        .fields = fields,
        .check = sdl_check,
        .build = sdl_build,
};
