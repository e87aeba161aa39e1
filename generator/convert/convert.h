/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a guest's file to its plan: what vm-generator and vmctl share. */

#include "guest/guest.h"
#include "guest/plan/plan.h"

typedef struct Conversion {
        char *instance, *run_directory, *state_directory, *session_directory, *home,
                *helper_socket; /* what settings point to */
        Settings settings;
        Findings *findings;
        Guest *guest; /* NULL where the file could not be read as a guest at all */
        Plan plan;
        uint64_t hash; /* text_hash() of the file */
        int status; /* 0: the plan holds; -EINVAL: the findings say why not; other: as conversion_file() says
                     */
} Conversion;

void conversion_done(Conversion *c);

static inline void conversion_cleanup(Conversion *c)
{
        conversion_done(c);
}

/*
 * Reads vmunit.conf, which every conversion goes by; root is a prefix of the host's directories, NULL for
 * none. 0, -EBADMSG where the findings hold an error of vmunit.conf (conversion then fails with the same),
 * -ENOMEM.
 */
int conversion_start(Conversion *c, const char *root, bool user_scope);

/*
 * After conversion_start(): converts the file at path. name is the guest's name as its file has it, or NULL
 * not to compare: a guest whose <name> is another is an error. Findings of whatever went wrong are in
 * c->findings, also for a file that cannot be read. Returns c->status: 0; -EINVAL where the findings hold an
 * error; -EPERM where these are all vmunit.conf's; the file's error (-ENOENT, -EACCES, -EISDIR, -EFBIG …).
 */
int conversion_file(Conversion *c, const char *path, const char *name);

/* The same for XML that is at hand; file is what findings name it. */
int conversion_data(Conversion *c, const char *file, const char *data, size_t size, const char *name);

/* What vmctl, or the start of a guest, exits with after a conversion of that status. */
int conversion_exit(int status);
