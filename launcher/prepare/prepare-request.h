/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the arguments of `vm-launcher prepare` ask for. Open this to change an argument of prepare itself;
 * TAPs are in contract/line/tap-request.h and host devices in contract/line/device-request.h.
 */

#include "contract/line/device-request.h"
#include "contract/line/tap-request.h"
#include "launcher/claim/claims.h"
#include "launcher/grant/chain.h"
#include "launcher/grant/image.h"
#include "launcher/ledger/record.h"

typedef struct GrantRequest {
        Access mode;
        const char *path;
        bool device; /* a device, not a file */
} GrantRequest;

typedef struct GrantList {
        GrantRequest *items;
        size_t count;
} GrantList;

typedef struct ImageList {
        ImageRequest *items;
        size_t count;
} ImageList;

typedef struct ChainList {
        ChainRequest *items;
        size_t count;
} ChainList;

typedef struct PrepareRequest {
        const char *guest;
        const char *source_path; /* NULL: do not compare */
        uint64_t source_hash;
        ClaimList claims;
        unsigned max_guests; /* that may run at a time, this one included; 0: any number */
        TapList taps;
        TapList reshaped;   /* those that exist, and of which only the limits change; texts are those of taps
                             */
        bool removes_links; /* something of the host's network may have to be undone while the guest runs */
        Strings links;      /* interfaces of the host that the guest requires beside those of its TAPs */
        GrantList grants;
        ImageList images;
        ChainList chains;
        DeviceRequests devices;
        Strings image_directories;
        Strings log_files; /* created if they do not exist */
        const char *nvram_template;
        const char *nvram; /* both or none */
        Strings owned;     /* the texts that the lists point into */
} PrepareRequest;

/*
 * Reads argv[1] and the following, and borrows some of their texts. -EINVAL for a mistake. Failures are
 * logged.
 */
int prepare_request_read(int argc, char **argv, PrepareRequest *ret);

/* Drops all but the claims and what opens the descriptors of these names (contract/fd-name.h; of a chain,
 * the prefix), or changes what they name. 0 or -ENOMEM. */
int prepare_request_keep(PrepareRequest *request, const Strings *names);

void prepare_request_done(PrepareRequest *request); /* also after a failure */
