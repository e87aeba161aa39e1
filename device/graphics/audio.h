/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where sound comes from and goes to on the host, for those that
 * refer to it: sound devices, VNC, USB audio. */

#include "guest/device.h"

/* QEMU's id of the backend that <audio id=…/> means (not set: the first); "audio1", or NULL where there is
 * none. */
const char *audio_id(const Guest *g, Number id);
