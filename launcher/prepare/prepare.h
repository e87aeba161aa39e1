/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What vm-launcher does with the helper's rights before a guest starts, and in which order. Open this first;
 * each step is in the folder of its thing (tap/, grant/, host/, store/).
 */

#include "launcher/prepare/prepare-request.h"
#include "launcher/rights/privileges.h"
#include "launcher/store/prepared.h"

/*
 * The verb, which prepares a guest by hand, for tests and to find out what fails: argv[0] is its name;
 * returns the exit status.
 */
int verb_prepare(int argc, char **argv);

/*
 * From then on SIGTERM ends this process as a success: the guest is stopped while it starts, for example
 * during the wait for a bridge. TAPs disappear with this process, and cleanup gives the files back, as after
 * any end of it.
 */
void prepare_allow_stop(void);

/*
 * Carries it out for that user; tell() is described in fd-store.h. *ret has what systemd's store holds then,
 * and is empty after a failure. Failures are logged; returns the exit status. Afterwards this process has
 * only the capabilities that the request requires.
 */
int prepare_guest(
        const PrepareRequest *request, const GuestUser *user, StoreTell tell, void *userdata, Prepared *ret);

/* The same for a guest that runs and gets something more: nothing that it has is given back. */
int prepare_more(const PrepareRequest *request, const GuestUser *user, StoreTell tell, void *userdata);

/* The part that creates the firmware's variables and log files, if they do not exist. As above. */
int prepare_files(const PrepareRequest *request, const GuestUser *user);

/* The capabilities that the request requires; prepare.c says what for. */
Capabilities prepare_capabilities(const PrepareRequest *request);
