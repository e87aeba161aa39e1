/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Without a screen for its window, QEMU only reports "Could not initialize SDL". Usually nobody is logged in
 * at a screen, or the session did not import its environment into systemd: a service does not inherit that
 * of the terminal that starts it.
 *
 * Only these two cases are checked. Whether the screen admits the guest's user, QEMU finds out.
 */

#include "launcher/qemu/display.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "log/log.h"
#include "util/text.h"

#define X_SOCKETS "/tmp/.X11-unix/X"

/* The socket of the display ":N" or ":N.SCREEN", a new string; NULL if it is on another host. */
static char *x_socket(const char *display)
{
        const char *number = text_after(display, ":") ?: text_after(display, "unix:");

        return number ? text_format(X_SOCKETS "%.*s", (int) strcspn(number, "."), number) : NULL;
}

static char *wayland_socket(const char *display)
{
        const char *directory = getenv("XDG_RUNTIME_DIR");

        return *display == '/' || !directory ? strdup(display) : text_format("%s/%s", directory, display);
}

int display_check(void)
{
        const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
        _cleanup_(freep) char *x_path = x && *x ? x_socket(x) : NULL;
        _cleanup_(freep) char *wayland_path = wayland && *wayland ? wayland_socket(wayland) : NULL;

        if (!(x && *x) && !(wayland && *wayland)) {
                log_error(
                        "The guest has a window, but there is no display to show it on: neither DISPLAY nor "
                        "WAYLAND_DISPLAY is set. Run this in your graphical session: systemctl --user "
                        "import-environment DISPLAY WAYLAND_DISPLAY XAUTHORITY");
                return -ENOENT;
        }
        if (x && *x && (!x_path || access(x_path, F_OK) == 0))
                return 0;
        if (wayland_path && access(wayland_path, F_OK) == 0)
                return 0;
        log_error(
                "The guest has a window, but the display that %s=%s names does not exist: no %s.",
                x_path ? "DISPLAY" : "WAYLAND_DISPLAY", x_path ? x : wayland, x_path ?: wayland_path);
        return -ENOENT;
}
