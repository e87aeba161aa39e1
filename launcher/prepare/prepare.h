/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What vm-launcher does with root's privileges before a guest starts; the order of it all. */

#include "launcher/prepare/prepare-request.h"

/* The verb: argv[0] is its name; returns what the program exits with. */
int verb_prepare(int argc, char **argv);

/* Does it; tell() is as in fd-store.h. Failures are logged; returns what the program exits with. */
int prepare_guest(const PrepareRequest *request, StoreTell tell, void *userdata);
