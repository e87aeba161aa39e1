/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Registers guests with systemd-machined. */

#include "launcher/prepare/prepare-request.h"
#include "launcher/store/prepared.h"

#define MACHINE_NAME_MAX 64

/*
 * leader is the launcher's process; request and prepared have the guest's interfaces. Requires no
 * capability. If there is no machined, or it refuses the guest, that is logged, and the guest runs without.
 */
void guest_register(
        const char *guest, const char *uuid, unsigned leader, const PrepareRequest *request,
        const Prepared *prepared);

/* The name for machined: the guest's where it is a host name, else one made from it and the UUID. */
void register_machine_name(const char *guest, const char *uuid, char ret[static MACHINE_NAME_MAX + 1]);
