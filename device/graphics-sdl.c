/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <graphics type='sdl'>: a window on the desktop of whoever runs the guest. It needs that desktop's X socket and its
 * key, so it is for guests of a user more than for those of the system.
 */

#include "device/graphics.h"
#include "device/kinds.h"
#include "guest/guest.h"

typedef struct Sdl {
        Device device;
        const char *display, *xauth;
        Tristate fullscreen;
        Gl gl;
} Sdl;

static const Field fields[] = {
        FIELD("@display", FIELD_TEXT, Sdl, display),
        FIELD("@xauth", FIELD_PATH, Sdl, xauth),
        FIELD("@fullscreen", FIELD_YESNO, Sdl, fullscreen),
        {},
};

static void sdl_read(Guest *g, Device *d)
{
        graphics_gl_read(g, d, &((Sdl *) d)->gl);
}

static void sdl_check(Guest *g, Device *d)
{
        const Sdl *s = (const Sdl *) d;

        graphics_check_only_one(g, d);
        if (s->gl.render_node)
                device_error(g, d, "<gl>: SDL takes no rendernode");
        if (s->gl.enable == ON && graphics_have(g, &kind_graphics_egl_headless))
                device_error(g, d, "<gl>: QEMU has one display with OpenGL at most, and type='egl-headless' is another");
}

static void sdl_build(const Guest *g, const Device *d, Plan *p)
{
        const Sdl *s = (const Sdl *) d;
        Props display = props_new("type", "sdl");

        props_bool_if(&display, "gl", s->gl.enable);
        if (s->fullscreen == ON)
                plan_flag(p, "-full-screen");
        plan_list(p, "-display", &display);
        if (s->display)
                plan_directive(p, "Environment", "DISPLAY=%s", s->display);
        if (s->xauth) {
                plan_directive(p, "Environment", "XAUTHORITY=%s", s->xauth);
                plan_directive(p, "BindReadOnlyPaths", "%s", s->xauth);
        }
        plan_directive(p, "BindReadOnlyPaths", "-/tmp/.X11-unix");
        if (s->gl.enable == ON)
                graphics_gl_plan(&s->gl, p);
}

const DeviceKind kind_graphics_sdl = {
        .element = "graphics",
        .type = "sdl",
        .size = sizeof(Sdl),
        .fields = fields,
        .read = sdl_read,
        .check = sdl_check,
        .build = sdl_build,
};
