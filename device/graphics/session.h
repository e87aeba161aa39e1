/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The programs of a user's session that QEMU connects to for the screen and sound of the user's guest. */

#include "guest/guest.h"

/* Their sockets, to be shown in the sandbox. None in the system scope, which has no session. */
void session_show_pulseaudio(const Guest *g, Plan *p);
void session_show_pipewire(const Guest *g, Plan *p);
void session_show_display(const Guest *g, Plan *p);
