/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Verbs of vm-launcher, one file each. argv[0] is the verb's name; the result is the exit status. The others
 * are verb_prepare() (prepare/prepare.h) and verb_serve() (helper/helper.h).
 */

int verb_run(int argc, char **argv);     /* the guest itself: QEMU, its monitor, its consoles */
int verb_cleanup(int argc, char **argv); /* after the guest: returns disks to their owners */
int verb_reload(int argc, char **argv);  /* has a guest that runs changed as its unit says */
int verb_tpm(int argc, char **argv);     /* the guest's emulated TPM: becomes swtpm */
int verb_refuse(int argc, char **argv);  /* instead of a guest that cannot start: logs why */
