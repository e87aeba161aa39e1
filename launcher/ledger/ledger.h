/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The ledger: the directory of records about files that were handed to guests' users, and a lock for each
 * such file. Open this to change how records are stored, found and locked; record.h is what one record says,
 * and grant/ decides what to do with it.
 */

#include <sys/stat.h>

#include "launcher/ledger/record.h"

#define LEDGER_DIRECTORY "/var/lib/vmunit/grants"

typedef struct Ledger Ledger;

/* Creates the directory if it does not exist. Failures are logged. */
int ledger_open(Ledger **ret);
Ledger *ledger_free(Ledger *ledger); /* unlocks; returns NULL */

/*
 * Until it is unlocked, no other process changes the file or a record of it. While holding one file's lock,
 * never wait for another file's. Failures are logged, except -EBUSY: the lock is held elsewhere and wait is
 * false.
 */
int ledger_lock(Ledger *ledger, const Identity *identity, bool wait);
void ledger_unlock(Ledger *ledger);

/* The same for the drivers of host devices; files may be locked while this is held. */
int ledger_lock_drivers(Ledger *ledger);
void ledger_unlock_drivers(Ledger *ledger);

const char *ledger_boot(
        const Ledger *ledger); /* the host's current boot ID, RECORD_BOOT_SIZE bytes with its NUL */

/* Identifies the file that a descriptor refers to. */
int identity_of_fd(int fd, Identity *ret);

/*
 * Whether both are the same file. After a reboot or a new mount, the filesystem may have another number.
 * Within one boot, another number is accepted only if the filesystem reports when the file was created.
 */
bool identity_same(const Identity *a, const Identity *b, bool rebooted);

/*
 * Whether both have the same lock: they are the same file, as far as that can be determined across a reboot.
 */
bool identity_may_be(const Identity *a, const Identity *b);

/* The file's record of the current boot, or NULL if there is none, which is not an error. */
int ledger_load(Ledger *ledger, const Identity *identity, Record **ret);

/* The current version of the record; NULL if it was removed. */
int ledger_reload(Ledger *ledger, const Record *record, Record **ret);

/* The record is safely on disk when this returns. */
int ledger_save(Ledger *ledger, const Record *record);
int ledger_remove(Ledger *ledger, const Record *record);

/* Renames the record, because another file now has the identity that its name says. */
int ledger_set_aside(Ledger *ledger, Record *record);

/*
 * Calls the function, which takes ownership, for each record that can be read, without holding a lock.
 * Continues after a failure and returns the first one.
 */
typedef int (*LedgerFunction)(Ledger *ledger, Record *record, void *userdata);
int ledger_each(Ledger *ledger, LedgerFunction function, void *userdata);

DEFINE_CLEANUP(Ledger, ledger_free);
