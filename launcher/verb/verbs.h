/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What vm-launcher can do, a file each. argv[0] is the verb's name; the result is the exit status. */

int verb_prepare(int argc, char **argv);  /* before the guest: opens TAPs, hands disks to its user */
int verb_run(int argc, char **argv);      /* the guest itself: QEMU, its monitor, its consoles */
int verb_register(int argc, char **argv); /* makes the guest known to systemd-machined */
int verb_cleanup(int argc, char **argv);  /* after the guest: disks go back to their owners */
int verb_serve(int argc, char **argv);    /* the helper of a user's guest, outside its sandbox */
int verb_refuse(int argc, char **argv);   /* instead of a guest that cannot be started: says why */
