/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What of QEMU's command line depends on the moment of the start, and on the QEMU that is there. */

#include <stdint.h>
#include <time.h>

#include "launcher/qemu/qemu-version.h"
#include "util/text.h"

/*
 * Has the guest's clock begin that many seconds ahead of what -rtc base=utc or base=localtime says, by the
 * date that this is now. -ENOENT where the command line has neither, -ERANGE for a date that QEMU has no
 * word for.
 */
int qemu_syntax_rtc(Strings *argv, int64_t offset, time_t now);

/*
 * Says the command line in the words that this QEMU has: before 9.2 it takes reconnect-ms= of a -chardev in
 * whole seconds (rounded up), since 11.1 the launcher's monitor is an object. 0 or -ENOMEM.
 */
int qemu_syntax_to_version(Strings *argv, QemuVersion version);
