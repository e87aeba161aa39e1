/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's end of sound, for the devices that refer to it: sound cards, VNC, USB audio. */

#include "guest/device.h"

/*
 * QEMU's id of the backend that <audio id=…/> refers to (the first if not set), such as "audio1"; NULL if
 * there is none.
 */
const char *audio_id(const Guest *g, Number id);
