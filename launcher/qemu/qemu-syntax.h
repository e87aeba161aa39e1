/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Adapts QEMU's command line to the time of the start and to the version of QEMU. */

#include <stdint.h>
#include <time.h>

#include "launcher/qemu/qemu-version.h"
#include "util/text.h"

/*
 * Replaces -rtc base=utc or base=localtime with the present date plus that many seconds. -ENOENT if the
 * command line has neither, -ERANGE for a date that QEMU cannot express.
 */
int qemu_syntax_rtc(Strings *argv, int64_t offset, time_t now);

/*
 * Whether the command line has an option that other versions of QEMU spell differently. Only then is it
 * worth to run QEMU once more for its version, which takes as long as a third of its start.
 */
bool qemu_syntax_needs_version(const Strings *argv);

/*
 * Translates the command line for this QEMU: before 9.2, reconnect-ms= of a -chardev becomes whole seconds
 * (rounded up). 0 or -ENOMEM.
 */
int qemu_syntax_to_version(Strings *argv, QemuVersion version);
