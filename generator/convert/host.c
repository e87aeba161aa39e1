/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All guests of one run are converted under the same policy: if vmunit.conf were read for each guest, an
 * edit in between would apply to only some of them. vmunit.conf is the administrator's, and trusted. A
 * user's environment only decides about that user's own guests.
 */

#include "generator/convert/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "device/kinds.h"
#include "util/file.h"
#include "util/text.h"
#include "util/user-directory.h"

/* All zeros if there is none, as in a container or in an image that was never booted. */
static void read_machine_id(const char *root, uint8_t ret[static 16])
{
        _cleanup_(freep) char *path = text_format("%s/etc/machine-id", root ?: ""), *text = NULL;
        uint8_t id[16];
        size_t size;

        memset(ret, 0, sizeof(id));
        if (!path || file_read(AT_FDCWD, path, 64, &text, &size) < 0)
                return;
        for (size_t i = 0; i < sizeof(id); i++) {
                int byte = size >= 2 * (i + 1) ? text_hex_byte(text + 2 * i) : -1;

                if (byte < 0)
                        return;
                id[i] = (uint8_t) byte;
        }
        memcpy(ret, id, sizeof(id));
}

void host_identify(Host *host, uid_t user)
{
        uint8_t machine_id[16];

        read_machine_id(host->root, machine_id);
        for (size_t half = 0; half < 2; half++) {
                char text[64];
                uint64_t hash;

                /* the ID is for many programs: the text makes what follows from it vmunit's own */
                if (host->user_scope)
                        (void) snprintf(text, sizeof(text), "vmunit %zu user %u", half, (unsigned) user);
                else
                        (void) snprintf(text, sizeof(text), "vmunit %zu system", half);
                hash = keyed_hash(machine_id, text, strlen(text));
                memcpy(host->identity_key + half * sizeof(hash), &hash, sizeof(hash));
        }
}

int host_read(Host *host, const char *root, bool user_scope)
{
        int r;

        *host = (Host){ .root = root, .user_scope = user_scope, .kinds = device_kinds };
        host->run = user_scope ? user_directory(USER_RUN) : strdup("/run");
        host->state = user_scope ? user_directory(USER_STATE) : strdup("/var/lib");
        host->home = user_scope ? user_directory(USER_HOME) : NULL;
        host->findings = findings_new();
        if (!host->run || !host->state || (user_scope && !host->home) || !host->findings)
                return host->status = -ENOMEM;
        host_identify(host, getuid());
        r = policy_read(root, user_scope, &host->policy, host->findings);
        return host->status = r == -EINVAL ? -EBADMSG : r;
}

void host_done(Host *host)
{
        free(host->run);
        free(host->state);
        free(host->home);
        host->findings = findings_free(host->findings);
        policy_done(&host->policy);
        *host = (Host){ 0 };
}
