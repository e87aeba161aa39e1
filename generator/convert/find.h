/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finds the files of a scope's guests. */

#include <time.h>

#include "util/text.h"

#define GUESTS_MAX 20000 /* files in all directories together */

/* The scope's directories for guests, the administrator's or user's own first; 0 or -ENOMEM. */
int guest_directories(bool user_scope, Strings *ret);

typedef struct GuestFile {
        char *name, *path;                 /* name: the file's without ".xml" */
        unsigned rank;                     /* of its directory: the lowest wins */
        bool link;                         /* it may be a symbolic link */
        struct timespec modified, changed; /* the file's times, 0 if it cannot be read */
        bool running;                      /* false until guest_files_note_running() */
} GuestFile;

typedef struct GuestFiles {
        GuestFile *items;
        size_t count;
} GuestFiles;

void guest_files_done(GuestFiles *files);

/*
 * All guests of the directories, sorted by name; the first directory that has a name wins. A link to
 * /dev/null masks the guest. Missing directories are skipped. 0, -ENOMEM, -E2BIG if there are more than
 * GUESTS_MAX, or the error from reading.
 */
int guest_files_find(const Strings *directories, GuestFiles *ret);

/* Of two guests, the one whose file was modified first comes first; a copy that keeps that time is told by
 * its time of change, and else the names decide. For qsort(3). */
int guest_file_by_age(const void *a, const void *b);

/* Which of the guests have a runtime directory below run ("/run"): systemd keeps it from before a guest's
 * start until it is off, over restarts. files: as guest_files_find() sorted them. */
void guest_files_note_running(GuestFiles *files, const char *run);

/* The file of one guest: 0, -ENOENT (also if masked), -EINVAL for an invalid name, -ENOMEM. */
int guest_file_find(const Strings *directories, const char *name, char **ret_path);
