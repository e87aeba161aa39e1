/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a guest's file to its plan: what vm-generator and vmctl share. */

#include "generator/convert/host.h"
#include "guest/guest.h"
#include "guest/placement/keep.h"
#include "guest/plan/plan.h"

typedef struct Conversion {
        const Host *host;
        char *instance, *run_directory, *state_directory, *helper_socket,
                *tpm_socket; /* settings point to these */
        Settings settings;   /* complete once the guest's name is known, before anything is read */
        Findings *findings;
        Guest *guest; /* NULL if the file could not be read as a guest at all */
        Plan plan;
        bool in_place;      /* the file is one of the guests' */
        Strings fragments;  /* paths of the guest's, and their names */
        KeptAddresses kept; /* without them */
        uint64_t hash;      /* text_hash() of the file */
        int status; /* 0: the plan is valid; -EINVAL: the findings say why not; others: see conversion_file()
                     */
} Conversion;

void conversion_done(Conversion *c);

/*
 * The host is borrowed, and outlives the conversion. Returns c->status: 0; -EBADMSG if the findings contain
 * an error in vmunit.conf (the conversion then fails with the same); -ENOMEM.
 */
int conversion_start(Conversion *c, const Host *host);

/*
 * After conversion_start(): converts the file at path. name is the guest's name according to its file name,
 * or NULL to skip the check that <name> matches. Errors are in c->findings, also for a file that cannot be
 * read. Returns c->status: 0; -EINVAL if the findings contain an error; -EPERM if only vmunit.conf forbids
 * the guest; the file's error (-ENOENT, -EACCES, -EISDIR, -EFBIG …).
 */
int conversion_file(Conversion *c, const char *path, const char *name);

/* The same for XML in memory; findings call it file. */
int conversion_data(Conversion *c, const char *file, const char *data, size_t size, const char *name);

/* The exit status of vmctl, or of the guest's start, after a conversion with that status. */
int conversion_exit(int status);
