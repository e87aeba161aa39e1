/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* <graphics type='egl-headless'>: OpenGL on the host's card without a window, for other graphics that show the result. */

#include "device/graphics.h"
#include "device/kinds.h"
#include "guest/guest.h"

typedef struct EglHeadless {
        Device device;
        Gl gl;
} EglHeadless;

static void egl_headless_read(Guest *g, Device *d)
{
        graphics_gl_read(g, d, &((EglHeadless *) d)->gl);
}

static void egl_headless_check(Guest *g, Device *d)
{
        const EglHeadless *e = (const EglHeadless *) d;

        graphics_check_only_one(g, d);
        if (e->gl.enable == OFF)
                device_error(g, d, "<gl>: type='egl-headless' is OpenGL, which enable='no' denies");
}

static void egl_headless_build(const Guest *g, const Device *d, Plan *p)
{
        const EglHeadless *e = (const EglHeadless *) d;
        Props display = props_new("type", "egl-headless");

        props_text(&display, "rendernode", graphics_gl_node(&e->gl));
        plan_list(p, "-display", &display);
        graphics_gl_plan(&e->gl, p);
}

const DeviceKind kind_graphics_egl_headless = {
        .element = "graphics",
        .type = "egl-headless",
        .size = sizeof(EglHeadless),
        .read = egl_headless_read,
        .check = egl_headless_check,
        .build = egl_headless_build,
};
