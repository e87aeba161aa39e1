/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The version of the installed QEMU. */

typedef struct QemuVersion {
        unsigned major, minor;
} QemuVersion;

/* Runs QEMU with --version and waits at most some seconds. Logs errors; -ENODATA if the output has no
 * version. */
int qemu_version_ask(const char *program, QemuVersion *ret);

/* "QEMU emulator version 7.2.22 (…)"; -EINVAL for anything else. */
int qemu_version_parse(const char *text, QemuVersion *ret);
