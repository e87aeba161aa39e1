/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A user's guest may have a window on the user's screen and play through the user's speakers. Its sandbox
 * shows it the sockets of those programs one by one: the rest of $XDG_RUNTIME_DIR includes the user's bus
 * and service manager, through which QEMU could leave its sandbox.
 *
 * A unit file cannot refer to DISPLAY, WAYLAND_DISPLAY and XAUTHORITY of the environment, which the session
 * passes to the user's service manager and so to QEMU. So all places that they usually point to are shown,
 * if they exist. Session managers that store the X server's key under an unpredictable name let the user in
 * without it.
 */

#include "device/graphics/session.h"
#include "contract/options.h"
#include "guest/plan/plan.h"

static void show(const Guest *g, Plan *p, const char *name)
{
        plan_directive(p, "BindReadOnlyPaths", "%s/%s", g->settings->session_directory, name);
}

void session_show_pulseaudio(const Guest *g, Plan *p)
{
        if (!g->settings->session_directory)
                return;
        show(g, p, "pulse/native");
        show(g, p, "pulse/pid"); /* QEMU's library checks it before it connects */

        /* named explicitly, so that the library does not try to start a server if there is none */
        plan_directive(
                p, "Environment", "PULSE_SERVER=unix:%s/pulse/native", g->settings->session_directory);
}

void session_show_pipewire(const Guest *g, Plan *p)
{
        if (g->settings->session_directory)
                show(g, p, "pipewire-0");
}

void session_show_display(const Guest *g, Plan *p)
{
        plan_directive(p, "BindReadOnlyPaths", "-/tmp/.X11-unix");
        plan_run(p, "--" OPTION_DISPLAY);
        if (!g->settings->session_directory)
                return;
        show(g, p, "wayland-0");
        show(g, p, "wayland-1");
        show(g, p, "gdm/Xauthority");
        plan_directive(p, "BindReadOnlyPaths", "%s/.Xauthority", g->settings->home);
}
