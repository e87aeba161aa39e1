/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the arguments of `vm-launcher prepare` ask for. */

#include "launcher/grant/chain.h"
#include "launcher/host/device-request.h"
#include "launcher/ledger/record.h"
#include "launcher/tap/tap-request.h"

typedef struct GrantRequest {
        GrantMode mode;
        const char *path;
        bool device; /* a device and no file */
} GrantRequest;

typedef struct GrantList {
        GrantRequest *items;
        size_t count;
} GrantList;

typedef struct ChainList {
        ChainRequest *items;
        size_t count;
} ChainList;

typedef struct PrepareRequest {
        const char *guest;
        const char *source_path; /* NULL: nothing is compared */
        uint64_t source_hash;
        TapList taps;
        GrantList grants;
        ChainList chains;
        DeviceRequests devices;
        Strings image_directories;
        Strings log_files; /* to be made where they are not there */
        const char *nvram_template;
        const char *nvram; /* both or none */
        Strings owned;     /* texts that the lists point into */
} PrepareRequest;

/* Reads argv[1] and the following, from which some texts are borrowed. -EINVAL for a mistake; all are
 * logged. */
int prepare_request_read(int argc, char **argv, PrepareRequest *ret);
void prepare_request_done(PrepareRequest *request); /* also after a failure */
