/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which QEMU it is. */

typedef struct QemuVersion {
        unsigned major, minor;
} QemuVersion;

/* Runs QEMU with --version and waits no more than some seconds. What fails is logged: -ENODATA where it runs
 * and does not say it. */
int qemu_version_ask(const char *program, QemuVersion *ret);

/* "QEMU emulator version 7.2.22 (…)"; -EINVAL where it is not so. */
int qemu_version_parse(const char *text, QemuVersion *ret);
