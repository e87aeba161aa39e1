/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What vm-launcher does with root's privileges before a guest starts, and in which order. Open this first;
 * each step is in the folder of its thing (tap/, grant/, host/, store/).
 */

#include "launcher/prepare/prepare-request.h"

/* The verb: argv[0] is its name; returns the exit status. */
int verb_prepare(int argc, char **argv);

/*
 * From then on SIGTERM ends this process as a success: the unit is stopped while it starts, for example
 * during the wait for a bridge. To systemd, an ExecStartPre= that a signal ends has failed, and so has the
 * unit. TAPs disappear with this process, and cleanup gives the files back, as after any end of it.
 */
void prepare_allow_stop(void);

/* Carries it out; tell() is described in fd-store.h. Failures are logged; returns the exit status. */
int prepare_guest(const PrepareRequest *request, StoreTell tell, void *userdata);
