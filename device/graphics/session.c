/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A guest of a user's may have a window on the user's screen and play by the user's speakers. Its QEMU is
 * shown the sockets of those programs, one by one: the rest of $XDG_RUNTIME_DIR is the user's bus and the
 * user's systemd, by which it would get out of its sandbox, and the rest of the home is none of its
 * business.
 *
 * A unit file has no words for the environment's DISPLAY, WAYLAND_DISPLAY and XAUTHORITY, which the session
 * tells the user's systemd and so QEMU as well; where they can point to is all shown, as far as it is there.
 * Session managers that put the X server's key under a name that nobody can foresee let the user in without
 * it.
 */

#include "device/graphics/session.h"
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
        show(g, p, "pulse/pid"); /* QEMU looks for it before it tries */

        /* said by name, so that the library does not try to start a server where there is none */
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
        plan_run(p, "--display");
        if (!g->settings->session_directory)
                return;
        show(g, p, "wayland-0");
        show(g, p, "wayland-1");
        show(g, p, "gdm/Xauthority");
        plan_directive(p, "BindReadOnlyPaths", "%s/.Xauthority", g->settings->home);
}
