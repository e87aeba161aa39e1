/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* <launchSecurity>: memory that the host's CPU keeps from the host (AMD SEV and SEV-SNP, Intel TDX). */

#include "guest/plan/plan.h"
#include "guest/xml/field.h"

typedef struct Guest Guest;

typedef enum LaunchSecurityType {
        LAUNCH_SEV = 1,
        LAUNCH_SEV_SNP,
        LAUNCH_TDX,
} LaunchSecurityType;

typedef struct LaunchSecurity {
        int type; /* LaunchSecurityType */
        Number policy, cbitpos, reduced_phys_bits;
        Tristate kernel_hashes, author_key, vcek;
        const char *certificate, *session; /* of the guest's owner, in base64 */
        const char *workarounds, *id_block, *id_auth, *host_data;
        const char *config_id, *owner, *owner_config, *quote_socket;
        bool quote;
        Place place;
} LaunchSecurity;

/* What the guest's firmware must be able to do: FirmwareFeature bits. */
unsigned launch_security_needs(const LaunchSecurity *l);

void launch_security_machine(const Guest *g, Props *machine);
