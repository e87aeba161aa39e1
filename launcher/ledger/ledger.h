/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The directory of records about files that were handed to guests' users, and a lock for each such file. */

#include <sys/stat.h>

#include "launcher/ledger/record.h"

#define LEDGER_DIRECTORY "/var/lib/vmunit/grants"

typedef struct Ledger Ledger;

/* Makes the directory where it is missing. Failures are logged. */
int ledger_open(Ledger **ret);
Ledger *ledger_free(Ledger *ledger); /* unlocks; returns NULL */

/*
 * Until it is unlocked nobody else changes the file, or a record of it. Whoever has one file's lock waits
 * for no other file's. Failures are logged, but for -EBUSY: somebody has it, and we were not to wait.
 */
int ledger_lock(Ledger *ledger, const Identity *identity, bool wait);
void ledger_unlock(Ledger *ledger);

/* The same for the drivers of host devices; files may be locked meanwhile. */
int ledger_lock_drivers(Ledger *ledger);
void ledger_unlock_drivers(Ledger *ledger);

const char *ledger_boot(
        const Ledger *ledger); /* the id of the host's present boot, RECORD_BOOT_SIZE with its NUL */

/* Which file a descriptor is. */
int identity_of_fd(int fd, Identity *ret);

/*
 * Whether it is the same file. After a reboot, or when it was mounted anew, the number of its filesystem may
 * be another; in the same boot that is believed only where the filesystem tells when the file was made.
 */
bool identity_same(const Identity *a, const Identity *b, bool rebooted);

/* Whether both have one lock: they are the same file, as far as that can be told over a reboot. */
bool identity_may_be(const Identity *a, const Identity *b);

/* The file's record of the present boot, or NULL where there is none (0 is returned all the same). */
int ledger_load(Ledger *ledger, const Identity *identity, Record **ret);

/* The record as it is by now; NULL where it was removed. */
int ledger_reload(Ledger *ledger, const Record *record, Record **ret);

/* Safely on the disk when this returns. */
int ledger_save(Ledger *ledger, const Record *record);
int ledger_remove(Ledger *ledger, const Record *record);

/* Gives the record another name, since another file has come to the one it has. */
int ledger_set_aside(Ledger *ledger, Record *record);

/* Calls for each record that can be read, which the function owns then, and without a lock. Goes on after a
 * failure and returns the first. */
typedef int (*LedgerFunction)(Ledger *ledger, Record *record, void *userdata);
int ledger_each(Ledger *ledger, LedgerFunction function, void *userdata);

DEFINE_CLEANUP(Ledger, ledger_free);
