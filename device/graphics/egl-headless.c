/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <graphics type='egl-headless'>: OpenGL on the host's card without a window. VNC or SPICE shows the result.
 */

#include "device/graphics/graphics.h"
#include "device/kinds.h"
#include "guest/guest.h"
#include "guest/plan/plan.h"
#include "guest/plan/props.h"

static const Field fields[] = {
        GL_FIELDS,
        {},
};

static void egl_headless_check(const Guest *g, const Device *d)
{
        const Graphics *e = device_graphics(d);

        graphics_check(g, d);
        GUEST_FOREACH_DEVICE(g, NULL, other)
                if (streq(other->kind->element, "graphics") && other->kind != d->kind &&
                    other->kind != &kind_graphics_vnc && other->kind != &kind_graphics_spice)
                        device_error(
                                g, d,
                                "<graphics>: type='egl-headless' can be combined only with type='vnc' and "
                                "type='spice', not with type='%s'",
                                other->kind->type);
        if (e->gl.enable == OFF)
                device_error(
                        g, d,
                        "<gl>: enable='no' cannot be combined with type='egl-headless', which requires "
                        "OpenGL");
}

static void egl_headless_build(const Guest *g, const Device *d, Plan *p)
{
        Props display = props_new("type", "egl-headless");

        graphics_gl_build(g, d, &display, p);
        plan_list(p, "-display", &display);
}

const DeviceKind kind_graphics_egl_headless = {
        .element = "graphics",
        .type = "egl-headless",
        .size = sizeof(Graphics),
        .fields = fields,
        .check = egl_headless_check,
        .build = egl_headless_build,
};
