/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The programs of a user's session that the guest of the same user talks to: screen and sound. */

#include "guest/guest.h"

/* What of them the sandbox is to show. Nothing in the system scope, where there is no session. */
void session_show_pulseaudio(const Guest *g, Plan *p);
void session_show_pipewire(const Guest *g, Plan *p);
void session_show_display(const Guest *g, Plan *p);
