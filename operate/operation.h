/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Changes of a guest's definition, by fragments (generator/convert/fragments.h): what vmctl writes before it
 * has systemd reload the guest. Each change is checked before it counts, and can be taken back.
 */

#include "generator/convert/convert.h"
#include "generator/convert/fragments.h"

typedef enum Lasting {
        LASTING_UNTIL_OFF, /* until the guest is off */
        LASTING_ALWAYS,
} Lasting;

/* A file that was written or removed, and what it was. */
typedef struct FileChange {
        char *path;
        char *before;  /* NULL if it was not there */
        unsigned mode; /* that it had */
} FileChange;

typedef struct Operation {
        const Host *host;
        const char *guest, *file; /* its name, and the path of its XML */
        char *directory;          /* of the fragments that are written */
        char *over;               /* of those that apply after them, and are to have no say; or NULL */
        char *note;               /* the path of the note of this change (operate/unfinished.h) */
        int lock;
        Conversion now;
        FileChange *changes;
        size_t n_changes;
        Strings made;     /* new files that are of no use without the changes */
        bool reloads;     /* the guest may have what was changed */
        bool interrupted; /* the change before this one was */
        char *id;         /* QEMU's of the device that was changed, or NULL */
        char *why;        /* the reason of a failure, or NULL */
} Operation;

/*
 * Locks the guest's definition, so that nobody else changes it. All are borrowed. 0; -EWOULDBLOCK if
 * somebody else has the lock and wait is not set; a negative errno with `why`. operation_done() is required
 * in each case.
 */
int operation_lock(Operation *o, const Host *host, const char *guest, const char *file, bool wait);

/* Ends what another change left that was killed, and converts the guest. 0, the status of a conversion that
 * failed (now.findings says why), or a negative errno with `why`. */
int operation_start(Operation *o, Lasting lasting);
void operation_done(Operation *o);

/* A file of that name is about to be made for the change. If this process is killed before the change is
 * carried out, the next one removes it. */
int operation_make(Operation *o, const char *path);

/* What was changed is about to be carried out: if this process is killed, it is not taken back any more. */
int operation_reload(Operation *o);

/*
 * All of these write fragments, and convert the guest again. 0; -EINVAL if the guest would be refused, with
 * findings in `now`, or for another reason, which is in `why`; -EEXIST or -ENOENT for a device that is there
 * or not, with `why`; other errors of writing. After an error nothing has changed.
 */
int operation_attach(Operation *o, const char *name, const char *data, size_t size);
int operation_detach(Operation *o, const char *device);
int operation_change_media(Operation *o, const char *target, const char *source); /* NULL: none */
int operation_set(Operation *o, const char *key, const char *value);

/* What was changed is carried out, and operation_revert() leaves it as it is. */
void operation_settle(Operation *o);

/* Takes the files back as they were. Failures are in `why`. */
int operation_revert(Operation *o);
