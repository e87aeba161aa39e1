/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A record: what is remembered about one file that was handed to a guest's user, namely its original owner
 * and mode, and which guests use it. Open this to remember one more fact; ledger.h keeps the records.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "contract/words.h"
#include "util/ownership.h"

#define RECORD_BOOT_SIZE  33   /* 32 hexadecimal digits and a NUL */
#define RECORD_HANDLE_MAX 128U /* bytes of a file handle, the kernel's MAX_HANDLE_SZ */

/* A guest that uses the file. */
typedef struct Holder {
        char *guest;
        char *directory; /* its runtime directory, which exists while it runs */
        Access mode;
        uid_t user;
        char boot[RECORD_BOOT_SIZE]; /* the boot of the host in which it was handed out */
} Holder;

typedef enum IdentityType {
        IDENTITY_FILE, /* a regular file */
        IDENTITY_BLOCK,
        IDENTITY_CHARACTER,
        IDENTITY_TYPES,
} IdentityType;

/* Identifies a file, so that another file in its place is recognized. */
typedef struct Identity {
        IdentityType type;
        uint64_t file_system; /* st_dev; may change with a reboot */
        uint64_t inode;
        uint64_t device; /* st_rdev */
        uint64_t born;   /* nanoseconds since 1970; 0 if the filesystem does not record it */
} Identity;

typedef struct Record {
        char *name; /* the record's file name, if the ledger loaded it */
        char *path; /* without symbolic links */
        Identity identity;
        Identity directory; /* its directory, which on some filesystems has another st_dev; its inode is 0 if
                               unknown */
        uint8_t *handle; /* finds the file even if its path changed; NULL if the filesystem has no handles */
        size_t handle_size;
        int handle_type;
        char pending[RECORD_BOOT_SIZE]; /* the boot in which the last guest stopped using it while the file
                                           was missing and could not be given back */
        uid_t owner;                    /* owner, group, mode and acl are the original values */
        gid_t group;
        mode_t mode;  /* 07777 */
        uint8_t *acl; /* the extended attribute in the kernel's form; NULL for none */
        size_t acl_size;
        bool granted;       /* the owner was changed or was about to be */
        uid_t granted_user; /* to this one */
        uid_t *listed;   /* entries were added to the access control list, or were about to be, for these */
        size_t n_listed; /* users to read it */
        bool returning;  /* giving it back has begun */
        Holder *holders;
        size_t n_holders;
} Record;

Record *record_new(void);
Record *record_free(Record *record); /* returns NULL */

/*
 * Adds a copy, or upgrades that guest's entry, since it may use one file several times. A negative errno:
 * -ENOMEM, -E2BIG.
 */
int record_add_holder(Record *record, const Holder *holder);
void record_remove_holder(Record *record, size_t i);

/* Adds a user to those listed, once. 0, -ENOMEM, -E2BIG. */
int record_add_listed(Record *record, uid_t user);

/* As text, one "key=value" a line. */
int record_format(const Record *record, char **ret, size_t *ret_size);

/* -EBADMSG if record_format() cannot have written it. */
int record_parse(const char *data, size_t size, Record **ret);

DEFINE_CLEANUP(Record, record_free);
